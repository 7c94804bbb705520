package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

type messages struct {
	Messages int64   `json:"messages"`
	Seconds  float64 `json:"seconds"`
}

// websocket sends a message on each connection and waits for its echo, over and over.
func websocket(args []string) error {
	flags := flag.NewFlagSet("websocket", flag.ExitOnError)
	address := flags.String("address", "", "host:port")
	seconds := flags.Float64("seconds", 1, "how long")
	connections := flags.Int("connections", 64, "connections")
	size := flags.Int("bytes", 64, "bytes of a message, up to 125")
	_ = flags.Parse(args)
	if *size > 125 {
		return errors.New("-bytes: at most 125")
	}

	clients := make([]*client, *connections)
	for i := range clients {
		connection, err := upgraded(*address)
		if err != nil {
			return err
		}
		clients[i] = connection
	}
	var count int64
	start := time.Now()
	end := start.Add(time.Duration(*seconds * float64(time.Second)))
	errs := make([]error, *connections)
	var workers sync.WaitGroup
	for i := range clients {
		workers.Add(1)
		go func(i int) {
			defer workers.Done()
			defer clients[i].Close()
			errs[i] = talk(clients[i], *size, end, &count)
		}(i)
	}
	workers.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return report(messages{count, time.Since(start).Seconds()})
}

func upgraded(address string) (*client, error) {
	connection, err := dial(address, 4096)
	if err != nil {
		return nil, err
	}
	request := "GET /socket HTTP/1.1\r\nHost: " + address + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	if _, err := connection.Write([]byte(request)); err != nil {
		return nil, err
	}
	status, _, err := connection.head()
	if err != nil {
		return nil, err
	}
	if status != 101 {
		return nil, fmt.Errorf("the upgrade was answered with %d", status)
	}
	return connection, nil
}

func talk(connection *client, size int, end time.Time, count *int64) error {
	_ = connection.SetDeadline(end)
	// Final frame, binary; masked, as a client's has to be (RFC 6455, section 5.1).
	message := append([]byte{0x82, 0x80 | byte(size), 1, 2, 3, 4}, make([]byte, size)...)
	for {
		if _, err := connection.Write(message); err != nil {
			return unlessOver(err)
		}
		length, err := frameHead(connection.reader, nil)
		if err != nil {
			return unlessOver(err)
		}
		if length != uint64(size) {
			return fmt.Errorf("a message of %d bytes came back with %d", size, length)
		}
		if _, err := connection.reader.Discard(size); err != nil {
			return unlessOver(err)
		}
		atomic.AddInt64(count, 1)
	}
}

func unlessOver(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err
}

// frameHead reads the head of a frame of RFC 6455, and its mask, if there is one, into mask.
func frameHead(reader *bufio.Reader, mask []byte) (uint64, error) {
	head := make([]byte, 2, 8)
	if _, err := io.ReadFull(reader, head); err != nil {
		return 0, err
	}
	length := uint64(head[1] & 0x7f)
	if extra := map[uint64]int{126: 2, 127: 8}[length]; extra > 0 {
		wide := make([]byte, 8)
		if _, err := io.ReadFull(reader, wide[8-extra:]); err != nil {
			return 0, err
		}
		length = binary.BigEndian.Uint64(wide)
	}
	if head[1]&0x80 == 0 {
		return length, nil
	}
	if mask == nil {
		return 0, errors.New("a masked frame from a server")
	}
	_, err := io.ReadFull(reader, mask)
	return length, err
}
