package main

import (
	"flag"
	"io"
	"os"
	"sync"
)

type held struct {
	Open   int `json:"open"`
	Failed int `json:"failed"`
}

// idle opens connections, makes one request on each, says so, and holds them until its standard input ends.
func idle(args []string) error {
	flags := flag.NewFlagSet("idle", flag.ExitOnError)
	address := flags.String("address", "", "host:port")
	connections := flags.Int("connections", 10_000, "connections")
	atOnce := flags.Int("at-once", 32, "requests under way at a time")
	_ = flags.Parse(args)

	request := get(*address, "/")
	clients := make([]*client, *connections)
	next := make(chan int)
	var workers sync.WaitGroup
	for w := 0; w < *atOnce; w++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for i := range next {
				connection, err := dial(*address, 1024)
				if err != nil {
					continue
				}
				if err := connection.exchange(request); err != nil {
					connection.Close()
					continue
				}
				connection.reader = nil
				clients[i] = connection
			}
		}()
	}
	for i := range clients {
		next <- i
	}
	close(next)
	workers.Wait()

	result := held{}
	for _, connection := range clients {
		if connection == nil {
			result.Failed++
		} else {
			result.Open++
		}
	}
	if err := report(result); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}
