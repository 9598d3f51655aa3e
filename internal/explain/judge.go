package explain

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grantor-dev/grantor/tokenserver"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/state"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// request is what a client asks a token server for.
type request struct {
	issuer    string
	grant     string
	client    *trust.Client
	providers []*trust.Provider
	assertion string
	scope     string
	resources []string
	disabled  []string
	now       time.Time
	// absent says that the client takes no part, and credible that it has credentials even where it has none.
	absent, credible bool
}

// answer is what a token server says.
type answer struct {
	reason oauth.Reason
	code   oauth.Code
	// onceOnly says that the assertion was to be remembered as used.
	onceOnly bool
	body     tokenBody
}

// tokenBody is a response of the token endpoint (RFC 6749 §5.1, §5.2).
type tokenBody struct {
	AccessToken  string     `json:"access_token"`
	RefreshToken string     `json:"refresh_token"`
	Scope        string     `json:"scope"`
	ExpiresIn    int64      `json:"expires_in"`
	Error        oauth.Code `json:"error"`
}

// ask lets the handler of a token server answer, one that has keys of its own and forgets everything.
func ask(ctx context.Context, r *request) (answer, error) {
	client, secret := standIn(r.client, r.credible)
	store := trust.NewStore()
	ring, err := keyring.Generate(r.now)
	if err != nil {
		return answer{}, fmt.Errorf("make a signing key: %w", err)
	}
	store.Update(func(tx *trust.Tx) {
		for _, p := range r.providers {
			tx.PutProvider(p)
		}
		if !r.absent {
			tx.PutClient(client)
		}
		tx.SetRing(ring)
		tx.SetDigestKeys(keyring.NewDigestKeys(secret.key))
		tx.MarkLoaded()
	})
	uses := &memory{Memory: state.NewMemory(time.Unix(0, 0))}
	heard := &lastReason{}
	issuer, path, tenant := tokenserver.SplitIssuer(r.issuer)
	domains := map[string]string{}
	if strings.Contains(tenant, ".") { // It is one of --tenant-domain, and somebody has chosen it for this client.
		domains[tenant] = client.Key.Namespace
	}
	handler, err := tokenserver.NewHandler(tokenserver.Config{
		Issuer: issuer, TenantDomains: domains, Trust: store, Replay: uses, Revocations: uses, Now: func() time.Time { return r.now },
		Audit: slog.New(heard), Metrics: prometheus.NewRegistry(), DisabledGrants: r.disabled,
	})
	if err != nil {
		return answer{}, err
	}
	w := &response{header: http.Header{}}
	post, err := r.post(ctx, path+tokenserver.PathToken, client, secret.text)
	if err != nil {
		return answer{}, err
	}
	handler.ServeHTTP(w, post)
	a := answer{reason: heard.reason, onceOnly: uses.asked}
	if err := json.Unmarshal(w.body.Bytes(), &a.body); err != nil {
		return answer{}, fmt.Errorf("read the answer: %w", err)
	}
	a.code = a.body.Error
	if (w.status == http.StatusOK) != (a.reason == "" && a.body.AccessToken != "") {
		return answer{}, fmt.Errorf("the token endpoint answers %d for reason %q", w.status, a.reason)
	}
	return a, nil
}

// post is the request of a client.
func (r *request) post(ctx context.Context, path string, client *trust.Client, secret string) (*http.Request, error) {
	form := url.Values{"grant_type": {r.grant}, "client_id": {client.ID}, "resource": r.resources}
	if r.grant == oauth.GrantTypeJWTBearer {
		form.Set("assertion", r.assertion)
	}
	if r.scope != "" {
		form.Set("scope", r.scope)
	}
	if client.Authentication == trust.AuthenticationSecret {
		form.Set("client_secret", secret)
	}
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, path, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("make a request: %w", err)
	}
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return post, nil
}

// standInSecret is a secret that only this process knows, with the key of its digest.
type standInSecret struct {
	text string
	key  keyring.DigestKey
}

// standIn is the client as it is, but for its credentials: those are its own, and are stood in for by a secret. A public
// client has none, and one without any gets none.
func standIn(c *trust.Client, credible bool) (*trust.Client, standInSecret) {
	key := keyring.GenerateDigestKey()
	secret := standInSecret{text: "stands in for what only the client has", key: key}
	stand := *c
	if c.Authentication == trust.AuthenticationNone {
		return &stand, secret
	}
	stand.Authentication, stand.Keys, stand.Credentials = trust.AuthenticationSecret, nil, nil
	if credible || c.Authentication != trust.AuthenticationSecret || len(c.Credentials) > 0 {
		stand.Credentials = []trust.Credential{{DigestKeyID: key.ID(), Digest: key.Digest(c.UID, secret.text)}}
	}
	return &stand, secret
}

// memory is one of a token server that has seen no assertion yet, and was there before any was made.
type memory struct {
	*state.Memory

	asked bool
}

// Consume takes note that it was asked.
func (m *memory) Consume(ctx context.Context, use state.Use, now time.Time) error {
	m.asked = true
	return m.Memory.Consume(ctx, use, now)
}

// response holds an answer.
type response struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *response) Header() http.Header { return r.header }

func (r *response) WriteHeader(status int) { r.status = status }

func (r *response) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.body.Write(b)
}

// lastReason is an audit log that keeps the reason of the last record.
type lastReason struct {
	reason oauth.Reason
}

// Enabled reports true.
func (*lastReason) Enabled(context.Context, slog.Level) bool { return true }

// Handle keeps the reason.
func (l *lastReason) Handle(_ context.Context, record slog.Record) error {
	record.Attrs(func(a slog.Attr) bool {
		if a.Key == "reason" {
			l.reason = oauth.Reason(a.Value.String())
		}
		return true
	})
	return nil
}

// WithAttrs changes nothing.
func (l *lastReason) WithAttrs([]slog.Attr) slog.Handler { return l }

// WithGroup changes nothing.
func (l *lastReason) WithGroup(string) slog.Handler { return l }
