package main

import (
	"encoding/binary"
	"flag"
	"math/rand"
	"os"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

const clockMonotonic = 1

type latencies struct {
	Requests int     `json:"requests"`
	Seconds  float64 `json:"seconds"`
	Errors   int     `json:"errors"`
	Late     int     `json:"late"`
	P50      float64 `json:"p50Micros"`
	P99      float64 `json:"p99Micros"`
	P999     float64 `json:"p999Micros"`
}

// rate sends requests at a constant rate, whatever becomes of them. A latency counts from the moment at which its request
// should have been sent: one that had to wait for a free connection has that wait in its latency (no coordinated omission).
func rate(args []string) error {
	flags := flag.NewFlagSet("rate", flag.ExitOnError)
	address := flags.String("address", "", "host:port; of several, separated by commas, each gets as many connections as the others")
	path := flags.String("path", "/", "path")
	perSecond := flags.Float64("rate", 1000, "requests a second")
	seconds := flags.Float64("seconds", 1, "how long")
	connections := flags.Int("connections", 64, "connections")
	_ = flags.Parse(args)

	total := int(*perSecond * *seconds)
	due := make(chan time.Time, total)
	results := make([][]time.Duration, *connections)
	failed := make([]int, *connections)
	late := make([]int, *connections)
	addresses := strings.Split(*address, ",")
	// In no order: requests for several addresses would come strictly by turns, and each find its gateway at rest.
	places := rand.Perm(*connections)
	addressOf := func(i int) string { return addresses[places[i]%len(addresses)] }
	clients := make([]*client, *connections)
	for i := range clients {
		address := addressOf(i)
		connection, err := dial(address, 4096)
		if err != nil {
			return err
		}
		// What a connection costs is not what is measured here.
		if err := connection.exchange(get(address, *path)); err != nil {
			return err
		}
		clients[i] = connection
	}
	var workers sync.WaitGroup
	for i := range clients {
		workers.Add(1)
		go func(i int) {
			defer workers.Done()
			connection := clients[i]
			address := addressOf(i)
			request := get(address, *path)
			for moment := range due {
				if time.Since(moment) > time.Millisecond {
					late[i]++
				}
				err := connection.exchange(request)
				results[i] = append(results[i], time.Since(moment))
				if err == nil {
					continue
				}
				failed[i]++
				connection.Close()
				if connection, err = dial(address, 4096); err != nil {
					return
				}
			}
		}(i)
	}
	begun := time.Now()
	if err := pace(due, total, time.Duration(float64(time.Second) / *perSecond)); err != nil {
		return err
	}
	close(due)
	workers.Wait()

	var all []time.Duration
	result := latencies{Seconds: time.Since(begun).Seconds()}
	for i := range results {
		all = append(all, results[i]...)
		result.Errors += failed[i]
		result.Late += late[i]
	}
	sort.Slice(all, func(a, b int) bool { return all[a] < all[b] })
	result.Requests = len(all)
	result.P50, result.P99, result.P999 = micros(all, 0.5), micros(all, 0.99), micros(all, 0.999)
	return report(result)
}

// pace puts the moments into due, each when it has come. A timer of the kernel's: Go's own sleeps are whole milliseconds.
func pace(due chan<- time.Time, total int, interval time.Duration) error {
	fd, _, errno := syscall.Syscall(syscall.SYS_TIMERFD_CREATE, clockMonotonic, syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if errno != 0 {
		return errno
	}
	spec := [2]syscall.Timespec{syscall.NsecToTimespec(int64(interval)), syscall.NsecToTimespec(int64(interval))}
	start := time.Now()
	if _, _, errno = syscall.Syscall6(syscall.SYS_TIMERFD_SETTIME, fd, 0, uintptr(unsafe.Pointer(&spec)), 0, 0, 0); errno != 0 {
		return errno
	}
	timer := os.NewFile(fd, "timer")
	defer timer.Close()
	ticks := make([]byte, 8)
	for sent := 0; sent < total; {
		if _, err := timer.Read(ticks); err != nil {
			return err
		}
		for n := binary.LittleEndian.Uint64(ticks); n > 0 && sent < total; n-- {
			sent++
			due <- start.Add(time.Duration(sent) * interval)
		}
	}
	return nil
}

func micros(sorted []time.Duration, quantile float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	index := int(quantile * float64(len(sorted)))
	if index >= len(sorted) {
		index = len(sorted) - 1
	}
	return float64(sorted[index]) / float64(time.Microsecond)
}
