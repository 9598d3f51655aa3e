package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	// probeInterval is how often a token server is asked whether it has a change: that exact the latency is.
	probeInterval = 2 * time.Millisecond
	// probeTimeout is how long a change may take.
	probeTimeout = time.Minute
)

// question is a token request without an assertion: whether the client is known is said before that is missed.
type question struct{ clientID, secret string }

// answer is what tells the states of a client apart.
type answer struct {
	status int
	code   string
}

// The answers to a client that is known, and to one that is not.
var (
	known   = answer{http.StatusBadRequest, "invalid_request"}
	unknown = answer{http.StatusUnauthorized, "invalid_client"}
)

// endpoints are those of all token servers.
type endpoints struct {
	urls   []string
	client *http.Client
}

func newEndpoints(urls []string) endpoints {
	return endpoints{urls, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}}}
}

// await waits until all of them give the answer, and returns when the last one did.
func (e endpoints) await(ctx context.Context, q question, want answer) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	errs := make([]error, len(e.urls))
	var asking sync.WaitGroup
	for i, u := range e.urls {
		asking.Go(func() { errs[i] = e.awaitOne(ctx, u, q, want) })
	}
	asking.Wait()
	end := time.Now()
	for _, err := range errs {
		if err != nil {
			return end, err
		}
	}
	return end, nil
}

func (e endpoints) awaitOne(ctx context.Context, base string, q question, want answer) error {
	tick := time.NewTicker(probeInterval)
	defer tick.Stop()
	for {
		got, err := e.ask(ctx, base, q)
		if err != nil {
			return err
		}
		if got == want {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("client %s: the answer is still %d %s", q.clientID, got.status, got.code)
		case <-tick.C:
		}
	}
}

func (e endpoints) ask(ctx context.Context, base string, q question) (answer, error) {
	form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}}.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/oauth2/token", strings.NewReader(form))
	if err != nil {
		return answer{}, fmt.Errorf("make request: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(url.QueryEscape(q.clientID), url.QueryEscape(q.secret))
	response, err := e.client.Do(r)
	if err != nil {
		return answer{}, fmt.Errorf("ask token endpoint: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	var body struct {
		Error string `json:"error"`
	}
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		return answer{}, fmt.Errorf("read answer: %w", err)
	}
	return answer{response.StatusCode, body.Error}, nil
}
