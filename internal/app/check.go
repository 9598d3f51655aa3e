package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/internal/probe"
	"github.com/grantor-dev/grantor/internal/visible"
)

// checkInterval is how long to wait until the next attempt.
const checkInterval = time.Second

// checkFlags are the flags of the check command.
type checkFlags struct {
	connect             string
	plainHTTP, insecure bool
	wait                time.Duration
}

func checkCommand() *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:   "check ISSUER",
		Short: "Ask a token server for its metadata, its keys and a refusal, as callers do",
		Long: `Ask a token server for its metadata and its keys, and at its token endpoint for a refusal, as callers do. What stands
between them and the server is checked with it: name, certificate, proxy, path. Nothing secret is sent.

With --connect, ask a server that is not yet reached by that name. Exits with 1 where an answer is wrong.`,
		Example: `  grantor check https://auth.example.com
  grantor check --connect localhost:8080 --plain-http https://auth.example.com`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return check(cmd.Context(), f, args[0], cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.connect, "connect", "", "host:port to connect to, in place of the host of the issuer")
	flags.BoolVar(&f.plainHTTP, "plain-http", false, "speak HTTP without TLS, as to a server behind a proxy that ends TLS")
	flags.BoolVar(&f.insecure, "insecure", false, "do not look at who signed the certificate of the server")
	flags.DurationVar(&f.wait, "wait", 0, "how long to ask again while an answer is wrong")
	return cmd
}

// check asks until all answers are right or the time is over, and prints the last ones.
func check(ctx context.Context, f checkFlags, issuer string, out io.Writer) error {
	client := f.client()
	end := time.Now().Add(f.wait)
	for {
		steps := probe.Run(ctx, client, issuer)
		failed := steps[len(steps)-1].Err
		if failed == nil || time.Now().After(end) {
			return report(out, steps)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(checkInterval):
		}
	}
}

func report(out io.Writer, steps []probe.Step) error {
	for _, s := range steps {
		if s.Err != nil {
			_, err := fmt.Fprintf(out, "✗ %s: %s\n", s.Name, visible.WithoutTokens(s.Err.Error()))
			return errors.Join(errors.New("not all is well"), err)
		}
		if _, err := fmt.Fprintf(out, "✓ %s\n", s.Name); err != nil {
			return err
		}
	}
	return nil
}

func (f checkFlags) client() *http.Client {
	transport := &http.Transport{
		DisableKeepAlives: true,
		Proxy:             http.ProxyFromEnvironment,
		TLSClientConfig:   &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: f.insecure}, //nolint:gosec // Asked for by flag; nothing secret is sent.
	}
	if f.connect != "" {
		// It is asked there, whatever proxy leads to others.
		transport.Proxy = nil
		transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, f.connect)
		}
	}
	var tripper http.RoundTripper = transport
	if f.plainHTTP {
		tripper = plainHTTP{transport}
	}
	return &http.Client{
		Transport: tripper,
		Timeout:   5 * time.Second,
		// Where a caller's library follows no redirect, one is a mistake.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// plainHTTP asks by HTTP for what has a URL with https: the host stays the one that callers name.
type plainHTTP struct{ next http.RoundTripper }

func (p plainHTTP) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme = "http"
	return p.next.RoundTrip(r)
}
