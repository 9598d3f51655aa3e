package accesstoken

import (
	"context"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/assertion"
	"github.com/grantor-dev/grantor/tokenserver/claimrules"
	"github.com/grantor-dev/grantor/tokenserver/clientauth"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/policy"
	"github.com/grantor-dev/grantor/tokenserver/replay"
	"github.com/grantor-dev/grantor/tokenserver/state"
	"github.com/grantor-dev/grantor/tokenserver/throttle"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

const server = "https://auth.example.com"

// noon is the time of every fixture.
var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// fixture describes what a token is minted for.
type fixture struct {
	clientID, subject, issuer    string
	scopes, resources, requested []string
	grantTypes                   []string
	mappings                     []claimrules.Mapping
	actor                        string
	lifetime                     time.Duration
	now                          time.Time
}

func newFixture() fixture {
	return fixture{
		clientID: "app", subject: "alice", issuer: "https://idp.example.com", scopes: []string{"read", "write"},
		lifetime: time.Hour, now: noon,
	}
}

type forgetful struct{}

func (forgetful) Consume(context.Context, state.Use, time.Time) error { return nil }

func (forgetful) Advance(context.Context, state.Step, time.Time) error { return nil }

// redeemed passes the fixture through all steps before Mint.
func (f fixture) redeemed(t testing.TB) replay.Redeemed {
	t.Helper()
	key := jwttest.EC("idp", elliptic.P256())
	var rules *claimrules.Program
	if f.mappings != nil {
		rules = must(must(claimrules.NewCompiler()).Compile(claimrules.Rules{Mappings: f.mappings}))
	}
	store := trust.NewStore()
	store.Update(func(tx *trust.Tx) {
		tx.PutClient(&trust.Client{
			Key: trust.ObjectKey{Namespace: "team-a", Name: "app"}, ID: f.clientID, Enabled: true, GrantTypes: f.grantTypes, RefreshTokenLifetime: 24 * time.Hour, AccessTokenLifetime: f.lifetime,
			Authentication: trust.AuthenticationNone, Scopes: f.scopes, Resources: f.resources,
		})
		tx.PutProvider(&trust.Provider{
			Key: trust.ObjectKey{Namespace: "team-a", Name: "idp"}, Issuer: f.issuer, Enabled: true,
			Keys: []*jose.PublicKey{must(jose.NewPublicKey(key.Public()))}, AudienceAliases: []string{server}, MaxLifetime: time.Hour,
			Types: []string{""}, SubjectPrefix: "team-a/idp:", Rules: rules,
		})
	})
	body := url.Values{"client_id": {f.clientID}}.Encode()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	form := must(oauth.ParseForm(httptest.NewRecorder(), r))
	verifier := assertion.NewVerifier(server)
	client, _, err := clientauth.New(verifier, nil, (*throttle.Throttle)(nil)).Authenticate(t.Context(), store.Snapshot(), must(clientauth.FromRequest(r.Header, form)), clientauth.Place{}, f.now)
	if err != nil {
		t.Fatal(err)
	}
	verify := func(subject string) assertion.Verified {
		claims := jwttest.Object{}.Add("iss", jwttest.Quote(f.issuer)).Add("sub", jwttest.Quote(subject)).Add("aud", jwttest.Quote(server)).
			Add("exp", strconv.FormatInt(f.now.Unix()+300, 10)).Add("jti", jwttest.Quote(subject)).Add("scope", `"admin"`).Add("client_id", `"evil"`).Add("act", `{}`)
		compact := jwttest.Compact("ES256", key, `{"alg":"ES256"}`, claims.String())
		verified, _, err := verifier.Verify(t.Context(), store.Snapshot(), client.Object(), compact, server, f.now)
		if err != nil {
			t.Fatal(err)
		}
		return verified
	}
	var actor *assertion.Verified
	if f.actor != "" {
		actor = new(verify(f.actor))
	}
	decision := must(policy.AuthorizeExchange(client, verify(f.subject), actor, policy.Request{Resources: f.requested}, server, f.now))
	return must(replay.Redeem(t.Context(), forgetful{}, decision, f.now))
}

// signer is always the same, so that what is signed and published with it can be compared with a file.
func signer() *jose.Signer {
	der := must(x509.MarshalPKCS8PrivateKey(jwttest.EC("signer", elliptic.P256())))
	return must(jose.ParseSigner(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
}

func ring(activeFrom time.Time) *keyring.Ring {
	return must(keyring.New(keyring.Key{Signer: signer(), ActiveFrom: activeFrom}))
}
