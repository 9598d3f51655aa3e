package policy

import (
	"crypto/elliptic"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/assertion"
	"github.com/grantor-dev/grantor/tokenserver/clientauth"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/throttle"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

const (
	server = "https://auth.example.com"
	issuer = "https://idp.example.com"
)

// noon is the time of every fixture.
var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// fixture is a client that has authenticated and an assertion that is verified; rows change what they are about.
type fixture struct {
	client   trust.Client
	provider trust.Provider
	issuer   string
	subject  string
	mayAct   string        // JSON text, or empty
	lifetime time.Duration // of the assertion, from noon
	now      time.Time
}

func newFixture() *fixture {
	return &fixture{
		client: trust.Client{
			Key: trust.ObjectKey{Namespace: "team-a", Name: "app"}, UID: "uid", ID: "app", Enabled: true,
			Authentication: trust.AuthenticationNone, AccessTokenLifetime: time.Hour,
		},
		provider: trust.Provider{
			Key: trust.ObjectKey{Namespace: "team-a", Name: "idp"}, Issuer: issuer, Enabled: true,
			Keys:            []*jose.PublicKey{must(jose.NewPublicKey(jwttest.EC("idp", elliptic.P256()).Public()))},
			AudienceAliases: []string{server}, ClockSkew: 30 * time.Second, MaxLifetime: 24 * time.Hour,
			Types: []string{""}, SubjectPrefix: "team-a/idp:",
		},
		issuer: issuer, subject: "alice", lifetime: 5 * time.Minute, now: noon,
	}
}

// authenticate authenticates the client, by the snapshot that is returned.
func (f *fixture) authenticate(t testing.TB) (clientauth.Client, *trust.Snapshot) {
	t.Helper()
	store := trust.NewStore()
	store.Update(func(tx *trust.Tx) {
		tx.PutClient(&f.client)
		tx.PutProvider(&f.provider)
	})
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader("client_id="+f.client.ID))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	form := must(oauth.ParseForm(httptest.NewRecorder(), r))
	credentials := must(clientauth.FromRequest(r.Header, form))
	authenticator := clientauth.New(assertion.NewVerifier(server), nil, (*throttle.Throttle)(nil))
	client, _, err := authenticator.Authenticate(t.Context(), store.Snapshot(), credentials, clientauth.Place{}, f.now)
	if err != nil {
		t.Fatal(err)
	}
	return client, store.Snapshot()
}

// verify passes client and assertion through the steps that come before authorization.
func (f *fixture) verify(t testing.TB) (clientauth.Client, assertion.Verified) {
	t.Helper()
	client, snapshot := f.authenticate(t)
	verified, _, err := assertion.NewVerifier(server).Verify(t.Context(), snapshot, client.Object(), f.text(), server, f.now)
	if err != nil {
		t.Fatal(err)
	}
	return client, verified
}

// text makes the assertion; its jti is its subject.
func (f *fixture) text() string {
	seconds := func(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }
	end := noon.Add(f.lifetime)
	claims := jwttest.Object{}.Add("iss", jwttest.Quote(f.issuer)).Add("sub", jwttest.Quote(f.subject)).
		Add("aud", jwttest.Quote(server)).Add("exp", seconds(end)).Add("iat", seconds(noon.Add(min(0, f.lifetime)))).Add("jti", jwttest.Quote(f.subject))
	if f.mayAct != "" {
		claims = claims.Add("may_act", f.mayAct)
	}
	return jwttest.Compact("ES256", jwttest.EC("idp", elliptic.P256()), `{"alg":"ES256"}`, claims.String())
}

func (f *fixture) authorize(t testing.TB, r Request) (Decision, error) {
	t.Helper()
	client, verified := f.verify(t)
	return Authorize(client, verified, r, server, f.now)
}

func reasonOf(err error) oauth.Reason {
	if err == nil {
		return ""
	}
	if e := (*oauth.Error)(nil); errors.As(err, &e) {
		return e.Reason
	}
	return "no refusal: " + oauth.Reason(err.Error())
}
