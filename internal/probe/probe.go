package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/grantor-dev/grantor/tokenserver"
)

// maxAnswer bounds what is read of an answer.
const maxAnswer = 1 << 20

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
	path, err := tokenserver.CheckIssuer(p.issuer)
	if err != nil {
		return err
	}
	// RFC 8414 §3.1: the well-known part goes between host and path.
	from := strings.TrimSuffix(p.issuer, path) + tokenserver.PathMetadata + path
	var document struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
		Token  string `json:"token_endpoint"`
	}
	if err := p.get(ctx, from, &document); err != nil {
		return err
	}
	// RFC 8414 §3.3: the issuer of the document is the one that was asked for, or the document must not be used.
	if document.Issuer != p.issuer {
		return fmt.Errorf("%s is the document of issuer %q: the server is configured for another issuer, or the URL leads to another server", from, document.Issuer)
	}
	for _, u := range []string{document.Keys, document.Token} {
		if !strings.HasPrefix(u, p.issuer+"/") {
			return fmt.Errorf("%s names the endpoint %q, which is not below the issuer", from, u)
		}
	}
	p.keySetURL, p.tokens = document.Keys, document.Token
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
	status, err := p.do(req, &refusal)
	if err != nil {
		return err
	}
	refused := []string{"invalid_request", "invalid_client", "unsupported_grant_type"}
	if status != http.StatusBadRequest && status != http.StatusUnauthorized || !slices.Contains(refused, refusal.Error) {
		return fmt.Errorf("%s answers a request without grant by %d %q", p.tokens, status, refusal.Error)
	}
	return nil
}

func (p *prober) get(ctx context.Context, from string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, http.NoBody)
	if err != nil {
		return err
	}
	status, err := p.do(req, into)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("%s answers %d", from, status)
	}
	return nil
}

// do reads a JSON object; what comes from something else before the server is seldom one.
func (p *prober) do(req *http.Request, into any) (int, error) {
	res, err := p.client.Do(req)
	if err != nil {
		return 0, err
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return 0, fmt.Errorf("read what %s answers: %w", req.URL, err)
	}
	kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" && kind != "application/jwk-set+json" {
		return 0, fmt.Errorf("%s answers %d with %q, not with JSON: something else answers there", req.URL, res.StatusCode, res.Header.Get("Content-Type"))
	}
	if err := json.Unmarshal(body, into); err != nil {
		return 0, fmt.Errorf("%s answers with broken JSON: %w", req.URL, err)
	}
	return res.StatusCode, nil
}
