// Command workload is what the end-to-end tests run in pods: an API that verifies access tokens, a worker that exchanges its
// ServiceAccount token for one and calls it, a reader that finds one in a file, a load that exchanges all the time, and a look at
// the API server with the permissions of the pod. It uses nothing of Grantor's: it is what those have who use Grantor.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// options are the flags of all commands.
type options struct {
	// issuer is Grantor's, and audience what the API calls itself.
	issuer, audience string
	caFile           string
	// tokenFile holds the ServiceAccount token that is presented, or the access token of the reader.
	tokenFile string
	// clientID is that of a client that the token authenticates, too.
	clientID  string
	api       string
	listen    string
	perSecond int
	paths     []string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "workload:", err)
		os.Exit(1) //nolint:gocritic // Nothing is left to be undone.
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("name a command: api, worker, reader, load or look")
	}
	var o options
	f := flag.NewFlagSet(args[0], flag.ContinueOnError)
	f.StringVar(&o.issuer, "issuer", "", "issuer of the access tokens")
	f.StringVar(&o.audience, "audience", "https://api.example.com/", "what the API calls itself")
	f.StringVar(&o.caFile, "ca", "/etc/ca/ca.crt", "authorities that sign the issuer's certificate")
	f.StringVar(&o.tokenFile, "token", "/var/run/secrets/tokens/grantor", "file with the ServiceAccount token")
	f.StringVar(&o.clientID, "client-id", "", "client id")
	f.StringVar(&o.api, "api", "", "URL of the API")
	f.StringVar(&o.listen, "listen", ":8080", "address to listen on")
	f.IntVar(&o.perSecond, "rate", 100, "exchanges per second")
	if err := f.Parse(args[1:]); err != nil {
		return fmt.Errorf("read flags: %w", err)
	}
	o.paths = f.Args()
	switch args[0] {
	case "api":
		return serveAPI(ctx, o)
	case "worker":
		return work(ctx, o)
	case "load":
		return serveLoad(ctx, o)
	case "reader":
		return serveReader(ctx, o)
	case "look":
		return look(ctx, o)
	default:
		return fmt.Errorf("unknown command %q", args[0])
	}
}

// transport trusts the authorities of a file and those alone.
func transport(caFile string) (*http.Transport, error) {
	text, err := os.ReadFile(caFile) // #nosec G304 -- named by who runs this
	if err != nil {
		return nil, fmt.Errorf("read authorities: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate", caFile)
	}
	return &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 100,
		IdleConnTimeout: 30 * time.Second,
	}, nil
}

// serve answers until ctx ends.
func serve(ctx context.Context, address string, handler http.Handler) error {
	s := &http.Server{Addr: address, Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = s.Shutdown(ending)
	})
	if err := s.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

func readToken(file string) (string, error) {
	text, err := os.ReadFile(file) // #nosec G304 -- named by who runs this
	if err != nil {
		return "", fmt.Errorf("read ServiceAccount token: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}
