package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// serveReader calls the API for whoever asks, with the access token that is in a file at that time, and answers what the API says.
func serveReader(ctx context.Context, o options) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /call", func(w http.ResponseWriter, r *http.Request) {
		text, err := callWithFile(r.Context(), o)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(text)
	})
	return serve(ctx, o.listen, mux)
}

func callWithFile(ctx context.Context, o options) (json.RawMessage, error) {
	token, err := readToken(o.tokenFile)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, o.api+"/whoami", nil)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	text, status, err := fetch(http.DefaultClient, r)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("the API answers %d: %s", status, text)
	}
	return text, nil
}
