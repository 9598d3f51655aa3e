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

const (
	// memoryLimit is what docs/production.md says a container should have for that much trust.
	memoryLimit = "512MiB"
	// timeout bounds the whole run.
	timeout = time.Hour
	// program is what the tables of the page are called after.
	program = "bench"
)

func main() { os.Exit(benchMain(os.Args[1:])) }

func benchMain(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctrl.SetLogger(logr.Discard())
	if len(args) > 0 && (args[0] == serveCommand || args[0] == scaleCommand) {
		return child(ctx, args)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	opts, page, err := parse(args)
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
		fmt.Fprintf(os.Stderr, "bench failed: %v\n", err)
		return 1
	}
	if !met {
		fmt.Fprintln(os.Stderr, "bench: targets were missed")
		return 1
	}
	return 0
}

// child is this program as one of those that are measured.
func child(ctx context.Context, args []string) (status int) {
	var err error
	if args[0] == serveCommand {
		err = serve(ctx, args[1:])
	} else {
		err = scale(ctx, os.Stdout, os.Stderr, args[1:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// bench runs everything, prints the tables, and writes them into the page if there is one.
func bench(ctx context.Context, opts options, page string) (met bool, err error) {
	if opts.self, err = os.Executable(); err != nil {
		return false, fmt.Errorf("find this program: %w", err)
	}
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
	f := flag.NewFlagSet(program, flag.ContinueOnError)
	f.IntVar(&opts.full.providers, "providers", 10_000, "IdentityProviders that are loaded: at most 100, or a multiple of 100")
	f.IntVar(&opts.full.clients, "clients", 100_000, "OAuthClients that are loaded")
	f.IntVar(&opts.rounds, "count", 5, "rounds in which all servers take their turn")
	f.DurationVar(&opts.duration, "duration", 3*time.Second, "how long one measurement takes")
	f.StringVar(&opts.memoryLimit, "memory-limit", memoryLimit, "GOMEMLIMIT of each server")
	f.BoolVar(&opts.smoke, "smoke", false, "few providers and clients, short rounds, and no target for how fast anything is but a generous one")
	f.StringVar(&page, "page", "", "Markdown page whose tables are replaced")
	if err := f.Parse(args); err != nil {
		return opts, "", fmt.Errorf("read flags: %w", err)
	}
	if opts.smoke {
		opts = smokeOptions()
	}
	w := opts.full
	if f.NArg() != 1 || w.providers < 1 || w.clients < w.namespaces() || w.providers%w.namespaces() != 0 || opts.rounds < 1 || opts.duration < 100*time.Millisecond {
		return opts, "", errors.New("usage: exchange [flags] BINARY, with at least one provider, as many clients, one round and 100ms; " +
			"more than 100 providers are a multiple of 100")
	}
	opts.binary = f.Arg(0)
	return opts, page, nil
}

// smokeOptions are those of a quick run that shows that everything works.
func smokeOptions() options {
	return options{full: world{providers: 20, clients: 100}, rounds: 3, duration: 200 * time.Millisecond, memoryLimit: memoryLimit, smoke: true}
}
