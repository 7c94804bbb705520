package main

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"strconv"
	"strings"
)

const greeting = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nhello, world\n"

// backend reads bodies to their end and says how long they were; to an upgrade to WebSocket it answers with an echo. nginx
// answers a POST before it has read the body, so that it could not tell whether a gateway delivers it.
func backend(args []string) error {
	flags := flag.NewFlagSet("backend", flag.ExitOnError)
	addresses := flags.String("addresses", "", "host:port, comma-separated")
	_ = flags.Parse(args)
	errs := make(chan error)
	for _, address := range strings.Split(*addresses, ",") {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return err
		}
		go func() {
			for {
				connection, err := listener.Accept()
				if err != nil {
					errs <- err
					return
				}
				go serve(connection)
			}
		}()
	}
	return <-errs
}

type head struct {
	method, key string
	length      int64
	chunked     bool
}

func serve(connection net.Conn) {
	defer connection.Close()
	reader := bufio.NewReaderSize(connection, 32*1024)
	for {
		request, err := readHead(reader)
		if err != nil {
			return
		}
		if request.key != "" {
			echo(connection, reader, request.key)
			return
		}
		answer := greeting
		if request.method != "GET" && request.method != "HEAD" {
			received, err := consume(reader, request)
			if err != nil {
				return
			}
			text := fmt.Sprintf("received %d\n", received)
			answer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " + strconv.Itoa(len(text)) + "\r\n\r\n" + text
		}
		if _, err := connection.Write([]byte(answer)); err != nil {
			return
		}
	}
}

func readHead(reader *bufio.Reader) (head, error) {
	line, err := reader.ReadString('\n')
	if err != nil {
		return head{}, err
	}
	method, _, _ := strings.Cut(line, " ")
	request := head{method: method}
	for {
		field, err := reader.ReadSlice('\n')
		if err != nil {
			return head{}, err
		}
		if len(field) <= 2 {
			return request, nil
		}
		name, value, _ := strings.Cut(string(field), ":")
		value = strings.TrimSpace(value)
		switch {
		case strings.EqualFold(name, "content-length"):
			if request.length, err = strconv.ParseInt(value, 10, 64); err != nil {
				return head{}, err
			}
		case strings.EqualFold(name, "transfer-encoding"):
			request.chunked = true
		case strings.EqualFold(name, "sec-websocket-key"):
			request.key = value
		}
	}
}

func consume(reader *bufio.Reader, request head) (int64, error) {
	if request.chunked {
		received, err := io.Copy(io.Discard, httputil.NewChunkedReader(reader))
		if err != nil {
			return 0, err
		}
		_, err = reader.Discard(2)
		return received, err
	}
	received, err := reader.Discard(int(request.length))
	return int64(received), err
}

// echo completes the handshake (RFC 6455, section 4.2.2) and sends each frame back, without its mask.
func echo(connection net.Conn, reader *bufio.Reader, key string) {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	accept := base64.StdEncoding.EncodeToString(sum[:])
	if _, err := fmt.Fprintf(connection, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: %s\r\n\r\n", accept); err != nil {
		return
	}
	mask := make([]byte, 4)
	frame := make([]byte, 2+125)
	for {
		opcode, err := reader.Peek(1)
		if err != nil {
			return
		}
		frame[0] = opcode[0]
		length, err := frameHead(reader, mask)
		if err != nil || length > 125 {
			return
		}
		frame[1] = byte(length)
		payload := frame[2 : 2+length]
		if _, err := io.ReadFull(reader, payload); err != nil {
			return
		}
		for i := range payload {
			payload[i] ^= mask[i%4]
		}
		if _, err := connection.Write(frame[:2+length]); err != nil {
			return
		}
	}
}
