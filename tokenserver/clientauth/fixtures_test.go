package clientauth

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/assertion"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/throttle"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

const (
	secret   = "correct-horse-battery-staple"
	previous = "previous-horse-battery-staple"
	uid      = "3f0c8a52-6f0e-4f1e-9f5d-0a8f0f3f5a11"
	grant    = oauth.GrantTypeJWTBearer
)

// form returns the parameters as the token endpoint reads them.
func form(tb testing.TB, values url.Values) oauth.Form {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "/oauth2/token", strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	f, err := oauth.ParseForm(httptest.NewRecorder(), r)
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

func body(id, secret string) url.Values {
	return url.Values{"client_id": {id}, "client_secret": {secret}}
}

func header(authorizations ...string) http.Header {
	return http.Header{"Authorization": authorizations}
}

// plain is a Basic header of the text as it is, encoded one of the text form-encoded before (RFC 6749 §2.3.1).
func plain(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
}

func encoded(id, secret string) string { return plain(url.QueryEscape(id), url.QueryEscape(secret)) }

func reasonOf(err error) oauth.Reason {
	if err == nil {
		return ""
	}
	if e := (*oauth.Error)(nil); errors.As(err, &e) {
		return e.Reason
	}
	return "no refusal: " + oauth.Reason(err.Error())
}

// world is a store with a client, "c1" unless changed, that has a current and a previous secret.
func world(change func(c *trust.Client, k keyring.DigestKey)) *trust.Snapshot {
	return worldWith(keyring.NewDigestKeys(keyring.GenerateDigestKey()), change)
}

func worldWith(keys keyring.DigestKeys, change func(c *trust.Client, k keyring.DigestKey)) *trust.Snapshot {
	digestKey := keys.Active()
	s := trust.NewStore()
	s.Update(func(t *trust.Tx) {
		t.SetDigestKeys(keys)
		c := &trust.Client{
			Key: trust.ObjectKey{Namespace: "team-a", Name: "c1"}, UID: uid, ID: "c1", Enabled: true,
			GrantTypes: []string{grant}, Authentication: trust.AuthenticationSecret,
			Credentials: []trust.Credential{credential(digestKey, secret), credential(digestKey, previous)},
		}
		change(c, digestKey)
		t.PutClient(c)
	})
	return s.Snapshot()
}

// threeDigestKeys is the set in the middle of two rotations.
func threeDigestKeys(tb testing.TB) keyring.DigestKeys {
	tb.Helper()
	keys, err := keyring.ParseDigestKeys(map[string][]byte{
		keyring.DigestDataKey:         []byte(strings.Repeat("a", 32)),
		keyring.PreviousDigestDataKey: []byte(strings.Repeat("b", 32)),
		keyring.NextDigestDataKey:     []byte(strings.Repeat("c", 32)),
	})
	if err != nil {
		tb.Fatal(err)
	}
	return keys
}

// secretOf are credentials with a secret.
func secretOf(id, secret, method string) Credentials {
	return Credentials{untrustedID: id, secret: secret, method: method}
}

// authenticate authenticates at noon, with a store that knows of no uses.
func authenticate(snapshot *trust.Snapshot, c Credentials, tenant string) (Client, error) {
	client, _, err := authenticator().Authenticate(context.Background(), snapshot, c, Place{Issuer: server, Namespace: tenant}, noon)
	return client, err
}

const server = "https://auth.example.com"

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// unbounded lets clients fail as often as they like.
var unbounded = (*throttle.Throttle)(nil)

// redeemed notes what it is asked to redeem and answers as it is told.
type redeemed struct {
	err   error
	asked []assertion.VerifiedClient
}

func (r *redeemed) RedeemClient(_ context.Context, v assertion.VerifiedClient, _ time.Time) error {
	r.asked = append(r.asked, v)
	return r.err
}

// authenticator is one whose verifier is made once: it takes time.
func authenticator() *Authenticator { return New(verifier(), &redeemed{}, unbounded) }

var verifier = sync.OnceValue(func() *assertion.Verifier { return assertion.NewVerifier(server) })

func credential(k keyring.DigestKey, secret string) trust.Credential {
	return trust.Credential{DigestKeyID: k.ID(), Digest: k.Digest(uid, secret)}
}

func unchanged(*trust.Client, keyring.DigestKey) {}
