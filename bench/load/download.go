package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const downloadBufferBytes = 256 * 1024

type downloaded struct {
	Bytes    int64   `json:"bytes"`
	Seconds  float64 `json:"seconds"`
	Complete int64   `json:"complete"`
}

// download fetches one large thing over and over, on some connections at once, and counts bytes: a slice of load ends in the midst of one.
func download(args []string) error {
	flags := flag.NewFlagSet("download", flag.ExitOnError)
	address := flags.String("address", "", "host:port")
	path := flags.String("path", "/", "path")
	seconds := flags.Float64("seconds", 1, "how long")
	connections := flags.Int("connections", 4, "connections")
	expected := flags.Int64("expected", 0, "bytes that an answer must have; 0: any")
	_ = flags.Parse(args)

	var bytes, complete int64
	request := get(*address, *path)
	start := time.Now()
	end := start.Add(time.Duration(*seconds * float64(time.Second)))
	errs := make([]error, *connections)
	var workers sync.WaitGroup
	for i := range errs {
		workers.Add(1)
		go func(i int) {
			defer workers.Done()
			errs[i] = fetch(*address, request, *expected, end, &bytes, &complete)
		}(i)
	}
	workers.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return report(downloaded{bytes, time.Since(start).Seconds(), complete})
}

func fetch(address string, request []byte, expected int64, end time.Time, bytes, complete *int64) error {
	connection, err := dial(address, downloadBufferBytes)
	if err != nil {
		return err
	}
	defer connection.Close()
	_ = connection.SetDeadline(end)
	for {
		err := func() error {
			if _, err := connection.Write(request); err != nil {
				return err
			}
			status, length, err := connection.head()
			if err != nil {
				return err
			}
			if status != 200 {
				return fmt.Errorf("status %d", status)
			}
			var received int64
			err = connection.body(length, func(n int) {
				received += int64(n)
				atomic.AddInt64(bytes, int64(n))
			})
			if err == nil && expected > 0 && received != expected {
				return fmt.Errorf("an answer of %d bytes in place of %d", received, expected)
			}
			return err
		}()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		}
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			return nil
		}
		if err != nil {
			return err
		}
		atomic.AddInt64(complete, 1)
	}
}
