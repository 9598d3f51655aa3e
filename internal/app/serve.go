package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/grantor-dev/grantor/internal/scrape"
	"github.com/grantor-dev/grantor/tokenserver"
)

// shutdownTimeout bounds how long requests in flight may take to end.
const shutdownTimeout = 20 * time.Second

// opsListenUsage explains --ops-listen.
const opsListenUsage = "address of /healthz and /readyz, and of /metrics if they have no address of their own; keep it off the public network"

// ops answers /healthz and /readyz on a port of its own, and /metrics if they are not on another one.
type ops struct {
	// ready returns nil, or what the process is still waiting for.
	ready            func() error
	stopping         atomic.Bool
	metricsElsewhere bool
}

func (o *ops) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if o.stopping.Load() {
			answer(w, errors.New("stopping"))
			return
		}
		answer(w, o.ready())
	})
	if !o.metricsElsewhere {
		mux.Handle("GET "+scrape.Path, metricsHandler())
	}
	return mux
}

func answer(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = fmt.Fprintln(w, err)
		return
	}
	_, _ = fmt.Fprintln(w, "ok")
}

// leaving asks callers, while the process stops, to open their next connection elsewhere (RFC 9112 §9.6). On one that was
// kept until the sockets close, a request could meet its end.
func (o *ops) leaving(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if o.stopping.Load() {
			w.Header().Set("Connection", "close") // over HTTP/2, net/http makes a GOAWAY of it
		}
		h.ServeHTTP(w, r)
	})
}

// listener is one address with what it serves.
type listener struct {
	// name says what it is for, and flag is the one that sets the address.
	name, flag, address string
	handler             http.Handler
	// keyPair is what TLS is spoken with; nil means plain HTTP.
	keyPair *keyPair
	// patience is how long the handler may take beyond what callers of any server are given.
	patience time.Duration
}

// open opens the socket.
func (l listener) open(ctx context.Context) (net.Listener, error) {
	if l.address == "" { // It would be any port, for everybody.
		return nil, fmt.Errorf("%s must not be empty: name an address, such as 127.0.0.1:8081", l.flag)
	}
	socket, err := (&net.ListenConfig{}).Listen(ctx, "tcp", l.address)
	if err != nil {
		return nil, fmt.Errorf("listen for %s: %w: name another address with %s", l.name, err, l.flag)
	}
	return socket, nil
}

// server returns what answers there.
func (l listener) server(o *ops, log *slog.Logger) *http.Server {
	server := tokenserver.NewServer(o.leaving(l.handler))
	server.ReadTimeout += l.patience // which ends the context of a request, too
	server.WriteTimeout += l.patience
	server.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelDebug)
	return server
}

// serve answers on a socket until the server is shut down.
func (l listener) serve(server *http.Server, socket net.Listener) error {
	var err error
	if l.keyPair == nil {
		err = server.Serve(socket)
	} else {
		server.TLSConfig = l.keyPair.config()
		err = server.ServeTLS(socket, "", "")
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", l.name, err)
	}
	return nil
}

// serve runs work and the listeners until ctx ends or one of them fails, then stops in an order that fails no request:
// not Ready first, drain for others to notice, while every answer is the last one on its connection, end what is in flight,
// and stop work last.
func serve(ctx context.Context, log *slog.Logger, o *ops, drain time.Duration, work func(context.Context) error, listeners ...listener) error {
	sockets, err := openAll(ctx, listeners)
	if err != nil {
		return err
	}
	workCtx, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	group, groupCtx := errgroup.WithContext(workCtx)
	if work != nil {
		group.Go(func() error { return work(groupCtx) })
	}
	servers := make([]*http.Server, len(listeners))
	for i, l := range listeners {
		servers[i] = l.server(o, log)
		log.InfoContext(ctx, "listening", "for", l.name, "address", sockets[i].Addr().String(), "tls", l.keyPair != nil)
		if l.keyPair != nil {
			group.Go(func() error { return l.keyPair.run(groupCtx) })
		}
		group.Go(func() error { return l.serve(servers[i], sockets[i]) })
	}
	select {
	case <-ctx.Done():
		log.InfoContext(ctx, "stopping", "drain", drain.String())
		o.stopping.Store(true)
		wait(groupCtx, drain)
	case <-groupCtx.Done():
	}
	stopped := shutdown(context.WithoutCancel(ctx), servers)
	stopWork()
	if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return stopped
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func shutdown(ctx context.Context, servers []*http.Server) error {
	ctx, cancel := context.WithTimeout(ctx, shutdownTimeout)
	defer cancel()
	var errs []error
	for _, s := range servers {
		if err := s.Shutdown(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stop serving: %w", err))
		}
	}
	return errors.Join(errs...)
}

// openAll opens every socket or none, before there is any work to undo.
func openAll(ctx context.Context, listeners []listener) ([]net.Listener, error) {
	sockets := make([]net.Listener, 0, len(listeners))
	for _, l := range listeners {
		socket, err := l.open(ctx)
		if err != nil {
			errs := []error{err}
			for _, s := range sockets {
				errs = append(errs, s.Close())
			}
			return nil, errors.Join(errs...)
		}
		sockets = append(sockets, socket)
	}
	return sockets, nil
}
