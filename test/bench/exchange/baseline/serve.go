package baseline

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"
)

// Listeners are where a server listens, and the files of its certificate, or none.
type Listeners struct{ Listen, OpsListen, CertFile, KeyFile string }

// Serve answers with a handler until the context ends, as net/http does by default. /readyz and /metrics, which tells what
// the process allocates, have an address of their own, as in Grantor.
func Serve(ctx context.Context, l Listeners, handler http.Handler) error {
	ops := http.NewServeMux()
	ops.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	ops.Handle("GET /metrics", promhttp.Handler())
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return serve(ctx, l.Listen, handler, l.CertFile, l.KeyFile) })
	group.Go(func() error { return serve(ctx, l.OpsListen, ops, "", "") })
	return group.Wait()
}

func serve(ctx context.Context, address string, handler http.Handler, certFile, keyFile string) error {
	socket, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if certFile != "" {
		err = server.ServeTLS(socket, certFile, keyFile)
	} else {
		err = server.Serve(socket)
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}
