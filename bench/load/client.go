package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
)

// A connection of HTTP/1.1 that does no more than it must: the load shares its processor with the backends.
type client struct {
	net.Conn
	reader *bufio.Reader
}

func dial(address string, bufferBytes int) (*client, error) {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &client{connection, bufio.NewReaderSize(connection, bufferBytes)}, nil
}

func get(address, path string) []byte {
	return []byte("GET " + path + " HTTP/1.1\r\nHost: " + address + "\r\n\r\n")
}

// head reads the head of an answer: its status, and the length of its body or -1 if it comes in chunks.
func (c *client) head() (status int, length int64, err error) {
	line, err := c.reader.ReadString('\n')
	if err != nil {
		return 0, 0, err
	}
	if len(line) < 12 {
		return 0, 0, fmt.Errorf("no status line: %q", line)
	}
	status, err = strconv.Atoi(line[9:12])
	if err != nil {
		return 0, 0, err
	}
	for {
		field, err := c.reader.ReadSlice('\n')
		if err != nil {
			return 0, 0, err
		}
		if len(field) <= 2 {
			return status, length, nil
		}
		name, value, _ := strings.Cut(string(field), ":")
		if strings.EqualFold(name, "content-length") {
			if length, err = strconv.ParseInt(strings.TrimSpace(value), 10, 64); err != nil {
				return 0, 0, err
			}
		} else if strings.EqualFold(name, "transfer-encoding") {
			length = -1
		}
	}
}

// body passes over a body; counted is told of each part as it comes.
func (c *client) body(length int64, counted func(int)) error {
	if length < 0 {
		return c.chunks(counted)
	}
	for length > 0 {
		want := c.reader.Size()
		if int64(want) > length {
			want = int(length)
		}
		if _, err := c.reader.Peek(1); err != nil {
			return err
		}
		if buffered := c.reader.Buffered(); buffered < want {
			want = buffered
		}
		n, err := c.reader.Discard(want)
		counted(n)
		length -= int64(n)
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *client) chunks(counted func(int)) error {
	for {
		line, err := c.reader.ReadString('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(strings.TrimSpace(line), 16, 64)
		if err != nil {
			return err
		}
		if err := c.body(size, counted); err != nil {
			return err
		}
		if _, err := io.CopyN(io.Discard, c.reader, 2); err != nil {
			return err
		}
		if size == 0 {
			return nil
		}
	}
}

// exchange sends a request and passes over its answer, which has to be a 200.
func (c *client) exchange(request []byte) error {
	if _, err := c.Write(request); err != nil {
		return err
	}
	status, length, err := c.head()
	if err != nil {
		return err
	}
	if status != 200 {
		return fmt.Errorf("status %d", status)
	}
	return c.body(length, func(int) {})
}
