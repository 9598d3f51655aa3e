package probe

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/grantor-dev/grantor/internal/exchange"
)

// Step is one question, and what was wrong with the answer.
type Step struct {
	// Name says what was asked for.
	Name string
	// Err is nil where the answer is right.
	Err error
}

// Run asks for the metadata of an issuer, for its key set, and at its token endpoint. It ends with the first answer that is
// wrong, for what follows depends on it.
func Run(ctx context.Context, client *http.Client, issuer string) []Step {
	p := prober{client: client, issuer: issuer}
	var steps []Step
	for _, s := range []struct {
		name string
		ask  func(context.Context) error
	}{
		{"metadata (RFC 8414)", p.metadata},
		{"key set", p.keySet},
		{"token endpoint", p.tokenEndpoint},
	} {
		err := s.ask(ctx)
		steps = append(steps, Step{Name: s.name, Err: err})
		if err != nil {
			break
		}
	}
	return steps
}

// prober holds what the metadata said.
type prober struct {
	client            *http.Client
	issuer            string
	keySetURL, tokens string
}

func (p *prober) metadata(ctx context.Context) error {
	document, err := exchange.Discover(ctx, p.client, p.issuer)
	if err != nil {
		return err
	}
	p.keySetURL, p.tokens = document.KeySetURL, document.TokenEndpoint
	return nil
}

func (p *prober) keySet(ctx context.Context) error {
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	if err := p.get(ctx, p.keySetURL, &set); err != nil {
		return err
	}
	if len(set.Keys) == 0 {
		return fmt.Errorf("%s holds no key, so no access token can be verified", p.keySetURL)
	}
	for _, key := range set.Keys {
		if kid, ok := key["kid"].(string); !ok || kid == "" {
			return fmt.Errorf("%s holds a key without kid", p.keySetURL)
		}
		// RFC 7517 §9.2: private keys are for nobody else.
		if _, ok := key["d"]; ok || key["kty"] == "oct" {
			return fmt.Errorf("%s holds a private key", p.keySetURL)
		}
	}
	return nil
}

// tokenEndpoint sends a request that asks for nothing, and must be told so in the words of RFC 6749 §5.2.
func (p *prober) tokenEndpoint(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.tokens, strings.NewReader(url.Values{}.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var refusal struct {
		Error string `json:"error"`
	}
	head, err := exchange.Ask(p.client, req, &refusal)
	if err != nil {
		return err
	}
	refused := []string{"invalid_request", "invalid_client", "unsupported_grant_type"}
	if head.Status != http.StatusBadRequest && head.Status != http.StatusUnauthorized || !slices.Contains(refused, refusal.Error) {
		return fmt.Errorf("%s answers a request without grant by %d %q", p.tokens, head.Status, refusal.Error)
	}
	return nil
}

func (p *prober) get(ctx context.Context, from string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, http.NoBody)
	if err != nil {
		return err
	}
	head, err := exchange.Ask(p.client, req, into)
	if err != nil {
		return err
	}
	if head.Status != http.StatusOK {
		return fmt.Errorf("%s answers %d", from, head.Status)
	}
	return nil
}
