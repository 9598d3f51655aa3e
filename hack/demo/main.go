// Command demo runs Grantor on this machine as it is installed in a cluster, and does with it what a newcomer would:
// applies the quickstart, exchanges an assertion with curl, verifies the access token, and rotates the certificate. It
// prints every command that it runs, and stops all that it started.
//
// With -stay FOLDER it starts the same and stays, for whoever wants to do things himself: what to set for that stands in
// FOLDER/env.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// timeout bounds the whole demo.
const timeout = 5 * time.Minute

func main() { os.Exit(demoMain()) }

func demoMain() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) == 4 && os.Args[1] == "-stay" {
		if err := stay(ctx, os.Args[2], os.Args[3]); err != nil {
			fmt.Fprintln(os.Stderr, "demo:", err)
			return 1
		}
		return 0
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: demo [-stay FOLDER] BINARY")
		return 2
	}
	start := time.Now()
	if err := run(ctx, os.Args[1]); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = errors.Join(cause, err)
		}
		fmt.Fprintf(os.Stderr, "\ndemo failed: %v\n", err)
		return 1
	}
	fmt.Printf("\nThe demo took %s. Everything that it started is stopped.\n", time.Since(start).Round(time.Second))
	return 0
}
