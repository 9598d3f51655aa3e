package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// answer is what the token endpoint says.
type answer struct {
	AccessToken string `json:"access_token"`
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

// exchange presents a ServiceAccount token, as the assertion and as the proof of who the client is.
func exchange(ctx context.Context, c *http.Client, o options) (answer, error) {
	token, err := readToken(o.tokenFile)
	if err != nil {
		return answer{}, err
	}
	form := url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {token}, "client_id": {o.clientID},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {token},
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, o.issuer+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, fmt.Errorf("make request: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	text, status, err := fetch(c, r)
	if err != nil {
		return answer{}, err
	}
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		return answer{}, fmt.Errorf("the token endpoint answers %d, and no JSON: %w", status, err)
	}
	if status != http.StatusOK {
		return a, fmt.Errorf("the token endpoint answers %d %s: %s", status, a.Error, a.Description)
	}
	return a, nil
}

func fetch(c *http.Client, r *http.Request) (text []byte, status int, err error) {
	res, err := c.Do(r)
	if err != nil {
		return nil, 0, fmt.Errorf("ask: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	if text, err = io.ReadAll(io.LimitReader(res.Body, 1<<20)); err != nil {
		return nil, 0, fmt.Errorf("read answer: %w", err)
	}
	return text, res.StatusCode, nil
}

// reached asks again while nobody answers: a Service leads to its pods some time after they are Ready.
type reached struct{ next http.RoundTripper }

func (r reached) RoundTrip(request *http.Request) (*http.Response, error) {
	for begin := time.Now(); ; {
		res, err := r.next.RoundTrip(request)
		if err == nil || time.Since(begin) > 30*time.Second || request.Body != nil && request.GetBody == nil {
			return res, err
		}
		select {
		case <-request.Context().Done():
			return res, err
		case <-time.After(200 * time.Millisecond):
		}
		if request.GetBody != nil {
			if request.Body, err = request.GetBody(); err != nil {
				return nil, fmt.Errorf("send again: %w", err)
			}
		}
	}
}

// work exchanges a token, calls the API with it and without, and prints what the API says.
func work(ctx context.Context, o options) error {
	t, err := transport(o.caFile)
	if err != nil {
		return err
	}
	c := &http.Client{Transport: reached{t}}
	a, err := exchange(ctx, c, o)
	if err != nil {
		return err
	}
	for _, call := range []struct {
		authorization string
		want          int
	}{{"", http.StatusUnauthorized}, {"Bearer " + a.AccessToken, http.StatusOK}} {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, o.api+"/whoami", nil)
		if err != nil {
			return fmt.Errorf("make request: %w", err)
		}
		r.Header.Set("Authorization", call.authorization)
		text, status, err := fetch(c, r)
		if err != nil {
			return err
		}
		if status != call.want {
			return fmt.Errorf("the API answers %d instead of %d: %s", status, call.want, text)
		}
		if status == http.StatusOK {
			_, _ = os.Stdout.Write(text)
		}
	}
	return nil
}

// look asks the API server for paths with the permissions of this pod, and prints the status of each.
func look(ctx context.Context, o options) error {
	const mounted = "/var/run/secrets/kubernetes.io/serviceaccount/"
	t, err := transport(mounted + "ca.crt")
	if err != nil {
		return err
	}
	token, err := readToken(mounted + "token")
	if err != nil {
		return err
	}
	c := &http.Client{Transport: t}
	for _, path := range o.paths {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://kubernetes.default.svc"+path, nil)
		if err != nil {
			return fmt.Errorf("make request: %w", err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		_, status, err := fetch(c, r)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintln(os.Stdout, status, path)
	}
	return nil
}
