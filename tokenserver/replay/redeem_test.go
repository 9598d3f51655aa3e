package replay

import (
	"context"
	"crypto/elliptic"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/assertion"
	"github.com/grantor-dev/grantor/tokenserver/clientauth"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/policy"
	"github.com/grantor-dev/grantor/tokenserver/state"
	"github.com/grantor-dev/grantor/tokenserver/throttle"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

const server = "https://auth.example.com"

// noon is the time of every fixture, skew that of every provider.
var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

const skew = 30 * time.Second

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func date(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

// fixture describes an assertion and who presents it.
type fixture struct {
	namespace, client, provider string
	issuer, key, subject, jti   string
	replay                      trust.ReplayPolicy
	exp, iat, nbf               time.Time
}

func newFixture() fixture {
	return fixture{
		namespace: "team-a", client: "app", provider: "idp", issuer: "https://idp.example.com", key: "idp", subject: "alice", jti: "1",
		exp: noon.Add(5 * time.Minute), iat: noon,
	}
}

func (f fixture) claims() string {
	c := jwttest.Object{}.Add("iss", jwttest.Quote(f.issuer)).Add("sub", jwttest.Quote(f.subject)).
		Add("aud", jwttest.Quote(server)).Add("exp", date(f.exp))
	for name, value := range map[string]time.Time{"iat": f.iat, "nbf": f.nbf} {
		if !value.IsZero() {
			c = c.Add(name, date(value))
		}
	}
	if f.jti != "" {
		c = c.Add("jti", jwttest.Quote(f.jti))
	}
	return c.String()
}

// decision passes the fixture through all steps before Redeem.
func (f fixture) decision(t testing.TB) policy.Decision {
	t.Helper()
	d, _, _ := f.decide(t)
	return d
}

// decide returns the client and the snapshot of the decision too.
func (f fixture) decide(t testing.TB) (policy.Decision, clientauth.Client, *trust.Snapshot) {
	t.Helper()
	key := jwttest.EC(f.key, elliptic.P256())
	store := trust.NewStore()
	store.Update(func(tx *trust.Tx) {
		tx.PutClient(&trust.Client{
			Key: trust.ObjectKey{Namespace: f.namespace, Name: f.client}, ID: f.client, Enabled: true, AccessTokenLifetime: time.Hour,
			Authentication: trust.AuthenticationNone, RefreshTokenLifetime: time.Hour,
			GrantTypes: []string{oauth.GrantTypeJWTBearer, oauth.GrantTypeRefreshToken},
		})
		tx.PutProvider(&trust.Provider{
			Key: trust.ObjectKey{Namespace: f.namespace, Name: f.provider}, Issuer: f.issuer, Enabled: true,
			Keys: []*jose.PublicKey{must(jose.NewPublicKey(key.Public()))}, AudienceAliases: []string{server},
			ClockSkew: skew, MaxLifetime: time.Hour, Replay: f.replay, Types: []string{""},
		})
	})
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader("client_id="+f.client))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	form := must(oauth.ParseForm(httptest.NewRecorder(), r))
	verifier := assertion.NewVerifier(server)
	client, _, err := clientauth.New(verifier, nil, (*throttle.Throttle)(nil)).Authenticate(t.Context(), store.Snapshot(), must(clientauth.FromRequest(r.Header, form)), clientauth.Place{}, noon)
	if err != nil {
		t.Fatal(err)
	}
	compact := jwttest.Compact("ES256", key, `{"alg":"ES256"}`, f.claims())
	verified, _, err := verifier.Verify(t.Context(), store.Snapshot(), client.Object(), compact, server, noon)
	if err != nil {
		t.Fatal(err)
	}
	request := policy.Request{GrantType: oauth.GrantTypeJWTBearer}
	return must(policy.Authorize(client, verified, request, server, noon)), client, store.Snapshot()
}

// fake is a Store that answers as it is told and notes what it is asked.
type fake struct {
	err   error
	uses  []state.Use
	steps []state.Step
	now   time.Time
}

func (f *fake) Consume(_ context.Context, use state.Use, now time.Time) error {
	f.uses, f.now = append(f.uses, use), now
	return f.err
}

func (f *fake) Advance(_ context.Context, step state.Step, now time.Time) error {
	f.steps, f.now = append(f.steps, step), now
	return f.err
}

func TestRedeemErrors(t *testing.T) {
	broken := errors.New("connection refused")
	for name, tc := range map[string]struct {
		answer error
		want   oauth.Reason
	}{
		"new":                       {nil, ""},
		"H-08 used":                 {state.ErrUsed, oauth.ReasonReplayed},
		"used, wrapped":             {errors.Join(broken, state.ErrUsed), oauth.ReasonReplayed},
		"H-20 before the start":     {state.ErrBeforeStart, oauth.ReasonIssuedBeforeStart},
		"H-23 store fails":          {broken, oauth.ReasonStateUnavailable},
		"H-23 store takes too long": {context.DeadlineExceeded, oauth.ReasonStateUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			d := newFixture().decision(t)
			got, err := Redeem(t.Context(), &fake{err: tc.answer}, d, noon)
			var refusal *oauth.Error
			switch {
			case tc.want == "":
				if err != nil || cmp.Diff(d.Subject(), got.Decision().Subject()) != "" {
					t.Errorf("got %v, %v, want the decision", got, err)
				}
			case !errors.As(err, &refusal) || refusal.Reason != tc.want:
				t.Errorf("got %v, want %s", err, tc.want)
			case got.Decision().Client() != nil:
				t.Error("a refusal comes with a decision")
			}
		})
	}
}

func TestRedeemUse(t *testing.T) {
	later, zero := noon.Add(10*time.Second), time.Time{}
	for name, tc := range map[string]struct {
		change func(*fixture)
		want   []state.Use
	}{
		"one time":                 {func(*fixture) {}, []state.Use{{From: noon.Add(-skew), Until: noon.Add(5*time.Minute + skew), Skew: skew, Proven: true}}},
		"H-19 until exp and skew":  {func(f *fixture) { f.exp = noon.Add(5 * time.Second) }, []state.Use{{From: noon.Add(-skew), Until: noon.Add(35 * time.Second), Skew: skew, Proven: true}}},
		"nbf after iat":            {func(f *fixture) { f.nbf = later }, []state.Use{{From: later.Add(-skew), Until: noon.Add(5*time.Minute + skew), Skew: skew, Proven: true}}},
		"nbf before iat":           {func(f *fixture) { f.iat, f.nbf = later, noon }, []state.Use{{From: later.Add(-skew), Until: noon.Add(5*time.Minute + skew), Skew: skew, Proven: true}}},
		"nbf only":                 {func(f *fixture) { f.iat, f.nbf = zero, noon }, []state.Use{{From: noon.Add(-skew), Until: noon.Add(5*time.Minute + skew), Skew: skew, Proven: true}}},
		"G-16 neither":             {func(f *fixture) { f.iat = zero }, []state.Use{{Until: noon.Add(5*time.Minute + skew), Skew: skew, Proven: true}}},
		"if present, with jti":     {func(f *fixture) { f.replay = trust.ReplayOneTimeIfPresent }, []state.Use{{From: noon, Until: noon.Add(5*time.Minute + skew), Skew: skew}}},
		"H-17 if present, without": {func(f *fixture) { f.replay, f.jti = trust.ReplayOneTimeIfPresent, "" }, nil},
		"reuse":                    {func(f *fixture) { f.replay = trust.ReplayReuse }, nil},
		"H-17 reuse without jti":   {func(f *fixture) { f.replay, f.jti = trust.ReplayReuse, "" }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			f, store := newFixture(), &fake{}
			tc.change(&f)
			if _, err := Redeem(t.Context(), store, f.decision(t), noon); err != nil {
				t.Fatal(err)
			}
			got := append([]state.Use(nil), store.uses...)
			for i := range got {
				if got[i].ID == [32]byte{} {
					t.Error("the use has no id")
				}
				got[i].ID = [32]byte{}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("uses (-want +got):\n%s", diff)
			}
			if len(got) > 0 && !store.now.Equal(noon) {
				t.Errorf("the store is told that it is %s, want %s", store.now, noon)
			}
		})
	}
}

// id of the one use of a fixture, changed.
func idOf(t *testing.T, change func(*fixture)) [32]byte {
	t.Helper()
	f, store := newFixture(), &fake{}
	change(&f)
	if _, err := Redeem(t.Context(), store, f.decision(t), noon); err != nil || len(store.uses) != 1 {
		t.Fatalf("%d uses, error %v", len(store.uses), err)
	}
	return store.uses[0].ID
}

// An id stands for issuer, key and jti and for nothing else.
func TestUseID(t *testing.T) {
	first := idOf(t, func(*fixture) {})
	for name, tc := range map[string]struct {
		change func(*fixture)
		same   bool
	}{
		"H-08 again":             {func(*fixture) {}, true},
		"H-09 by another client": {func(f *fixture) { f.client = "other" }, true},
		"in another namespace":   {func(f *fixture) { f.namespace, f.provider = "team-b", "other" }, true},
		"other subject, times and policy": {func(f *fixture) {
			f.subject, f.exp, f.iat, f.replay = "bob", noon.Add(time.Minute), noon.Add(-time.Minute), trust.ReplayOneTimeIfPresent
		}, true},
		"other jti":                        {func(f *fixture) { f.jti = "2" }, false},
		"longer jti":                       {func(f *fixture) { f.jti = "1 " }, false},
		"jti in another case":              {func(f *fixture) { f.jti = "A" }, false},
		"other issuer":                     {func(f *fixture) { f.issuer = "https://idp.example.org" }, false},
		"other key of a same-named issuer": {func(f *fixture) { f.key = "other" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := idOf(t, tc.change); (got == first) != tc.same {
				t.Errorf("the ids are equal: %v, want %v", got == first, tc.same)
			}
		})
	}
}

// No issuer and jti run together to the same text as another issuer and jti.
func TestUseIDIsUnambiguous(t *testing.T) {
	seen := map[[32]byte]string{}
	for _, pair := range [][2]string{
		{"https://a", "b/c"},
		{"https://a/b", "c"},
		{"https://a/", "b/c"},
		{"https://a/b/", "c"},
		{"https://ab", "/c"},
		{"https://a b", "c"},
		{"https://a", "b"},
		{"https://a", "bc"},
		{"https://ab", "c"},
		{"https://a\u00a0b", "c"},
		{"https://a", "\u00a0b/c"},
		{"x", "https://a"},
		{"https://a", "x"},
	} {
		got := idOf(t, func(f *fixture) { f.issuer, f.jti = pair[0], pair[1] })
		if other, ok := seen[got]; ok {
			t.Errorf("%q and %s have one id", pair, other)
		}
		seen[got] = strings.Join(pair[:], " and ")
	}
}
