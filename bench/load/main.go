// The load that wrk cannot make, and the backends that nginx cannot be: one program, a word for each.
//
//	load rate | websocket | download | idle | backend   (flags: -h)
//
// Everything is printed as one line of JSON.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	commands := map[string]func([]string) error{
		"rate": rate, "websocket": websocket, "download": download, "idle": idle, "backend": backend,
	}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: load rate|websocket|download|idle|backend [flags]")
		os.Exit(2)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func report(result any) error {
	return json.NewEncoder(os.Stdout).Encode(result)
}
