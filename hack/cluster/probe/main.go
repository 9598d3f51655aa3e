// Command probe is the workload with which hack/cluster/check.sh tries the test cluster: a server, and a caller that finds it
// by its name.
package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// timeout bounds how long the caller tries.
const timeout = time.Minute

func main() { os.Exit(probeMain()) }

func probeMain() int {
	var err error
	switch {
	case len(os.Args) == 3 && os.Args[1] == "serve":
		err = serve(os.Args[2])
	case len(os.Args) == 4 && os.Args[1] == "call":
		err = call(os.Stdout, os.Args[2], os.Args[3])
	default:
		err = errors.New("usage: probe serve ADDRESS, probe call URL TOKENFILE")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func serve(address string) error {
	server := &http.Server{
		Addr:              address,
		ReadHeaderTimeout: time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "served")
		}),
	}
	return server.ListenAndServe()
}

// call prints what the server answers, what the service account token claims, and how a name is looked up that is not of
// this cluster.
func call(w io.Writer, url, tokenFile string) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	body, err := fetch(ctx, url)
	if err != nil {
		return err
	}
	claims, err := untrustedClaims(tokenFile)
	if err != nil {
		return err
	}
	var dnsError *net.DNSError
	_, err = net.DefaultResolver.LookupHost(ctx, "outside.example")
	absent := errors.As(err, &dnsError) && dnsError.IsNotFound
	_, err = fmt.Fprintf(w, "answer: %s\nclaims: %s\noutside absent: %t\n", body, claims, absent)
	return err
}

// fetch repeats the request until it is answered: a Service is not routed at once.
func fetch(ctx context.Context, url string) (string, error) {
	for {
		body, err := fetchOnce(ctx, url)
		if err == nil {
			return body, nil
		}
		select {
		case <-ctx.Done():
			return "", err
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func fetchOnce(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1024))
	return string(body), err
}

// untrustedClaims reads the claims of a compact JWS without verifying it: they are only shown.
func untrustedClaims(file string) (string, error) {
	token, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	parts := strings.Split(string(token), ".")
	if len(parts) != 3 {
		return "", errors.New("the token is no compact JWS")
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	return string(claims), err
}
