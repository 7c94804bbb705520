// The design that Fastlancer began as, in Go: net/http/httputil.ReverseProxy, one for each backend, taken by turns.
package main

import (
	"flag"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

const (
	connectionsPerBackend = 1024
	copyBufferBytes       = 32 * 1024
)

func main() {
	listen := flag.String("listen", "", "host:port")
	backends := flag.String("backends", "", "host:port, comma-separated")
	tuned := flag.Bool("tuned", false, "a connection pool and buffers that fit a proxy")
	certificate := flag.String("certificate", "", "PEM file; empty: no TLS")
	key := flag.String("key", "", "PEM file")
	flag.Parse()

	transport, buffers := http.DefaultTransport, httputil.BufferPool(nil)
	if *tuned {
		transport = &http.Transport{
			DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			MaxIdleConns:        0,
			MaxIdleConnsPerHost: connectionsPerBackend,
			IdleConnTimeout:     90 * time.Second,
			DisableCompression:  true,
			WriteBufferSize:     copyBufferBytes,
			ReadBufferSize:      copyBufferBytes,
		}
		buffers = make(bufferPool, 1024)
	}
	var proxies []*httputil.ReverseProxy
	for _, backend := range strings.Split(*backends, ",") {
		proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: backend})
		proxy.Transport, proxy.BufferPool = transport, buffers
		proxies = append(proxies, proxy)
	}

	var next uint64
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proxies[atomic.AddUint64(&next, 1)%uint64(len(proxies))].ServeHTTP(w, r)
	})
	if *certificate == "" {
		log.Fatal(http.ListenAndServe(*listen, handler))
	}
	log.Fatal(http.ListenAndServeTLS(*listen, *certificate, *key, handler))
}

// A list of buffers that are free.
type bufferPool chan []byte

func (p bufferPool) Get() []byte {
	select {
	case buffer := <-p:
		return buffer
	default:
		return make([]byte, copyBufferBytes)
	}
}

func (p bufferPool) Put(buffer []byte) {
	select {
	case p <- buffer:
	default:
	}
}
