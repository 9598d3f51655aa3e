package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
)

// caller is who called the API, as the access token says.
type caller struct {
	Subject  string `json:"sub"`
	ClientID string `json:"client_id"`
	Scope    string `json:"scope"`
	Expiry   int64  `json:"exp"`
}

// newVerifier finds the keys of the issuer by its metadata.
func newVerifier(ctx context.Context, o options) (*oidc.IDTokenVerifier, error) {
	t, err := transport(o.caFile)
	if err != nil {
		return nil, err
	}
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, &http.Client{Transport: t}), o.issuer)
	if err != nil {
		return nil, fmt.Errorf("find issuer: %w", err)
	}
	return provider.Verifier(&oidc.Config{ClientID: o.audience}), nil
}

// serveAPI answers who calls, to callers with an access token for it.
func serveAPI(ctx context.Context, o options) error {
	verifier, err := newVerifier(ctx, o)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /whoami", func(w http.ResponseWriter, r *http.Request) {
		text, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !bearer {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "no access token", http.StatusUnauthorized)
			return
		}
		var who caller
		token, err := verifier.Verify(r.Context(), text)
		if err == nil {
			err = token.Claims(&who)
		}
		if err != nil {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(who)
	})
	return serve(ctx, o.listen, mux)
}
