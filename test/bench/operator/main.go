package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/grantor-dev/grantor/test/bench/measure"
)

// timeout bounds the whole run.
const timeout = 3 * time.Hour

// program is what the tables of the page are called after.
const program = "bench-operator"

func main() { os.Exit(benchMain()) }

func benchMain() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	ctrl.SetLogger(logr.Discard())
	opts, page, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	met, err := bench(ctx, opts, page)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = errors.Join(cause, err)
		}
		fmt.Fprintf(os.Stderr, "bench-operator failed: %v\n", err)
		return 1
	}
	if !met {
		fmt.Fprintln(os.Stderr, "bench-operator: targets were missed")
		return 1
	}
	return 0
}

// bench runs everything, prints the tables, and writes them into the page if there is one.
func bench(ctx context.Context, opts options, page string) (met bool, err error) {
	dir, err := os.MkdirTemp("", "grantor-bench-")
	if err != nil {
		return false, fmt.Errorf("make folder: %w", err)
	}
	r, err := run(ctx, os.Stderr, dir, opts)
	if err != nil {
		return false, fmt.Errorf("%w (logs are kept in %s)", err, dir)
	}
	if err := os.RemoveAll(dir); err != nil {
		return false, fmt.Errorf("remove folder: %w", err)
	}
	if err := measure.Publish(os.Stdout, page, program, r.tables()); err != nil {
		return false, err
	}
	return len(measure.Missed(r.checks(), opts.smoke)) == 0, nil
}

// parse reads the flags and the one argument, the binary.
func parse(args []string) (opts options, page string, err error) {
	opts.quiet = 10 * time.Second
	f := flag.NewFlagSet("bench-operator", flag.ContinueOnError)
	f.IntVar(&opts.full.providers, "providers", 10_000, "IdentityProviders of the largest size")
	f.IntVar(&opts.full.clients, "clients", 100_000, "OAuthClients of the largest size")
	f.IntVar(&opts.replicas, "replicas", 2, "token servers")
	f.IntVar(&opts.changes, "changes", 300, "changes of each sort whose latency is measured")
	f.IntVar(&opts.batches, "batches", 5, "batches of 250 changes of each sort whose cost is measured; 0 for none")
	f.BoolVar(&opts.compare, "compare", true, "measure a hundredth and a tenth of the size too, and compare")
	f.BoolVar(&opts.smoke, "smoke", false, "50 providers and 500 clients, few changes, and no target for how long anything takes")
	f.StringVar(&page, "page", "", "Markdown page whose tables are replaced")
	if err := f.Parse(args); err != nil {
		return opts, "", fmt.Errorf("read flags: %w", err)
	}
	if opts.smoke {
		opts = smokeOptions()
	}
	if f.NArg() != 1 || opts.full.providers < 10 || opts.full.clients < 100 || opts.replicas < 1 || opts.changes < 2 || opts.batches < 0 {
		return opts, "", errors.New("usage: operator [flags] BINARY, with at least 10 providers, 100 clients, 1 replica and 2 changes")
	}
	opts.binary = f.Arg(0)
	return opts, page, nil
}

// smokeOptions are those of a quick run that shows that everything works.
func smokeOptions() options {
	return options{full: size{providers: 50, clients: 500}, replicas: 2, changes: 10, quiet: 4 * time.Second, smoke: true}
}
