package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/grantor-dev/grantor/test/openloop"
)

// summary is what came of the load so far.
type summary struct {
	Sent          int
	Outcomes      map[string]int
	P50, P99, Max time.Duration
	// Signers are the ids of the keys that signed tokens.
	Signers []string
	// Last are the last failures, in words.
	Last []string
}

// serveLoad exchanges tokens at a fixed rate from the start and verifies each; every second request is on a connection of its
// own. GET /signers says which keys have signed tokens so far. GET /report ends it and says what came of it.
func serveLoad(ctx context.Context, o options) error {
	verifier, err := newVerifier(ctx, o)
	if err != nil {
		return err
	}
	kept, err := transport(o.caFile)
	if err != nil {
		return err
	}
	fresh := kept.Clone()
	fresh.DisableKeepAlives = true
	s := &shooter{o: o, verifier: verifier, clients: [2]*http.Client{
		{Transport: kept, Timeout: 10 * time.Second}, {Transport: fresh, Timeout: 10 * time.Second},
	}, failures: make(chan string, 5), signers: map[string]bool{}}
	load := openloop.Start(ctx, o.perSecond, s.shoot)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /signers", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(s.seen()) })
	mux.HandleFunc("GET /report", func(w http.ResponseWriter, _ *http.Request) {
		r := load.Stop()
		sum := summary{Sent: r.Sent, Outcomes: r.Outcomes, P50: r.Quantile(0.5), P99: r.Quantile(0.99), Max: r.Quantile(1), Signers: s.seen()}
		for len(s.failures) > 0 {
			sum.Last = append(sum.Last, <-s.failures)
		}
		_ = json.NewEncoder(w).Encode(sum)
	})
	return serve(ctx, o.listen, mux)
}

type shooter struct {
	o        options
	verifier *oidc.IDTokenVerifier
	clients  [2]*http.Client
	failures chan string

	mu      sync.Mutex
	signers map[string]bool
}

// seen are the ids of the keys that have signed so far.
func (s *shooter) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.signers))
}

// signedBy notes the key of a token that has been verified.
func (s *shooter) signedBy(token string) error {
	encoded, _, _ := strings.Cut(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(encoded)
	var header struct{ Kid string }
	if err == nil {
		err = json.Unmarshal(text, &header)
	}
	if err != nil {
		return fmt.Errorf("read header: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signers[header.Kid] = true
	return nil
}

func (s *shooter) shoot(ctx context.Context, n int) string {
	a, err := exchange(ctx, s.clients[n%len(s.clients)], s.o)
	outcome := "exchange failed"
	if err == nil {
		_, err = s.verifier.Verify(ctx, a.AccessToken)
		outcome = "not verified"
	}
	if err == nil {
		err = s.signedBy(a.AccessToken)
	}
	if err == nil {
		return "ok"
	}
	select {
	case s.failures <- fmt.Sprintf("%s %s", time.Now().UTC().Format(time.TimeOnly), err):
	default:
	}
	return outcome
}
