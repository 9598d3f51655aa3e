package policy

import (
	"crypto/elliptic"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/claimrules"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/refresh"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

const api, other = "https://api.example.com", "https://other.example.com"

// renewing is a family that began at noon, and the world in which one of its tokens is used ten minutes later.
type renewing struct {
	// began is what was granted, and by whom.
	began *fixture
	asked Request
	// now is when the token is used, by what client and provider have become by then.
	now     time.Time
	used    Request
	client  trust.Client
	changed []*trust.Provider
	gone    bool
}

// refreshing is the fixture with a client that gets refresh tokens.
func refreshing() *fixture {
	f := newFixture()
	f.client.GrantTypes = []string{oauth.GrantTypeJWTBearer, oauth.GrantTypeRefreshToken}
	f.client.RefreshTokenLifetime = 24 * time.Hour
	f.client.Scopes, f.client.Resources = []string{"read", "write"}, []string{api, other}
	f.provider.UID, f.provider.RulesID, f.provider.Created = "idp-1", "rules-1", noon
	return f
}

func newRenewing() *renewing {
	f := refreshing()
	r := &renewing{began: f, now: noon.Add(10 * time.Minute), client: f.client, asked: Request{
		GrantType: oauth.GrantTypeJWTBearer, Scope: "read write", Resources: []string{api, other},
	}}
	return r
}

// provider is what the provider of the family has become.
func (r *renewing) provider(change func(*trust.Provider)) {
	p := r.began.provider
	change(&p)
	r.changed = append(r.changed, &p)
}

// prepare grants what was granted.
func (r *renewing) prepare(t testing.TB) refresh.Token {
	t.Helper()
	d, err := r.began.authorize(t, r.asked)
	if err != nil {
		t.Fatal(err)
	}
	token, ok := d.RefreshToken()
	if !ok {
		t.Fatal("no refresh token is granted")
	}
	return token
}

// outcome uses the token, with the given checks.
func (r *renewing) outcome(t testing.TB, checks []check, token refresh.Token) (Decision, error) {
	t.Helper()
	store := trust.NewStore()
	store.Update(func(tx *trust.Tx) {
		if !r.gone {
			tx.PutProvider(&r.began.provider)
		}
		for _, p := range r.changed {
			tx.PutProvider(p)
		}
	})
	world := *r.began
	world.client = r.client
	client, _ := world.authenticate(t)
	return renew(checks, client, token, store.Snapshot(), r.used, server, r.now)
}

// row is one change of what is right, and the reason for which the token is refused.
type row struct {
	change func(*renewing)
	want   oauth.Reason
}

func key(name string) *jose.PublicKey {
	return must(jose.NewPublicKey(jwttest.EC(name, elliptic.P256()).Public()))
}

func within(from, to time.Time) *jose.PublicKey {
	return key("idp").WithCertificate(jose.Certificate{NotBefore: from, NotAfter: to})
}

// renewalRows is every row that concerns a check.
var renewalRows = sync.OnceValue(func() map[string]row {
	client := func(change func(*trust.Client)) func(*renewing) {
		return func(r *renewing) { change(&r.client) }
	}
	provider := func(change func(*trust.Provider)) func(*renewing) {
		return func(r *renewing) { r.provider(change) }
	}
	began := func(change func(*fixture)) func(*renewing) {
		return func(r *renewing) { change(r.began); r.client = r.began.client }
	}
	at := func(now time.Time) func(*renewing) { return func(r *renewing) { r.now = now } }
	both := func(a, b func(*renewing)) func(*renewing) { return func(r *renewing) { a(r); b(r) } }
	capped := began(func(f *fixture) { f.client.CapToAssertion, f.lifetime = true, time.Hour })
	enforced := provider(func(p *trust.Provider) {
		p.EnforceCertificates = true
		p.Keys = []*jose.PublicKey{within(noon, noon.Add(5*time.Minute))}
	})
	return map[string]row{
		"fixture": {func(*renewing) {}, ""},

		"M-04 another client":              {client(func(c *trust.Client) { c.ID, c.UID = "other", "uid-2" }), oauth.ReasonRefreshTokenOtherClient},
		"M-10 client made anew":            {client(func(c *trust.Client) { c.UID = "uid-2" }), oauth.ReasonRefreshTokenOtherClient},
		"M-10 client with another id":      {client(func(c *trust.Client) { c.ID = "app-2" }), oauth.ReasonRefreshTokenOtherClient},
		"W-72 client without the grant":    {client(func(c *trust.Client) { c.GrantTypes = []string{oauth.GrantTypeRefreshToken} }), oauth.ReasonRefreshTokenOrigin},
		"W-81 the grant is off":            {func(r *renewing) { r.used.Disabled = []string{oauth.GrantTypeJWTBearer} }, oauth.ReasonRefreshTokenOrigin},
		"W-81 another grant is off":        {func(r *renewing) { r.used.Disabled = []string{"urn:other"} }, ""},
		"M-08 in its last second":          {at(noon.Add(24*time.Hour - time.Nanosecond)), ""},
		"M-08 at its end":                  {at(noon.Add(24 * time.Hour)), oauth.ReasonRefreshTokenExpired},
		"M-08 long after":                  {at(noon.Add(240 * time.Hour)), oauth.ReasonRefreshTokenExpired},
		"M-08 end is nearer now":           {client(func(c *trust.Client) { c.RefreshTokenLifetime = 10 * time.Minute }), oauth.ReasonRefreshTokenExpired},
		"M-08 end is nearer, not here":     {client(func(c *trust.Client) { c.RefreshTokenLifetime = 11 * time.Minute }), ""},
		"M-08 end is not farther":          {both(client(func(c *trust.Client) { c.RefreshTokenLifetime = 48 * time.Hour }), at(noon.Add(24*time.Hour))), oauth.ReasonRefreshTokenExpired},
		"M-08 no lifetime any more":        {client(func(c *trust.Client) { c.RefreshTokenLifetime = 0 }), oauth.ReasonRefreshTokenExpired},
		"G-17 within the assertion":        {capped, ""},
		"G-17 at the end of the assertion": {both(capped, at(noon.Add(time.Hour))), oauth.ReasonRefreshTokenExpired},
		"G-17 capped since":                {client(func(c *trust.Client) { c.CapToAssertion = true }), oauth.ReasonRefreshTokenExpired},
		"G-17 capped before, not now":      {both(capped, func(r *renewing) { r.client.CapToAssertion = false; r.now = noon.Add(time.Hour) }), oauth.ReasonRefreshTokenExpired},

		"W-72 provider gone":                {func(r *renewing) { r.gone = true }, oauth.ReasonRefreshTokenProviderGone},
		"W-72 provider made anew":           {provider(func(p *trust.Provider) { p.UID = "idp-2" }), oauth.ReasonRefreshTokenProviderGone},
		"W-72 provider of another issuer":   {provider(func(p *trust.Provider) { p.Issuer += "/2" }), oauth.ReasonRefreshTokenProviderGone},
		"W-72 provider lost its issuer":     {provider(func(p *trust.Provider) { p.Key.Name, p.Created = "older", noon.Add(-time.Hour) }), oauth.ReasonRefreshTokenProviderGone},
		"W-72 provider of another name":     {func(r *renewing) { r.gone = true; r.provider(func(p *trust.Provider) { p.Key.Name = "idp-2" }) }, oauth.ReasonRefreshTokenProviderGone},
		"W-43 client names another":         {client(func(c *trust.Client) { c.Providers = []trust.ObjectKey{{Namespace: "team-a", Name: "other"}} }), oauth.ReasonRefreshTokenProviderOther},
		"W-43 client names it":              {client(func(c *trust.Client) { c.Providers = []trust.ObjectKey{{Namespace: "team-a", Name: "idp"}} }), ""},
		"W-43 client is elsewhere":          {client(func(c *trust.Client) { c.Key.Namespace = "team-b" }), oauth.ReasonRefreshTokenProviderOther},
		"W-41 provider disabled":            {provider(func(p *trust.Provider) { p.Enabled = false }), oauth.ReasonRefreshTokenProviderOff},
		"W-72 provider permits none":        {provider(func(p *trust.Provider) { p.NoRefresh = true }), oauth.ReasonRefreshTokenForbidden},
		"W-72 rules changed":                {provider(func(p *trust.Provider) { p.RulesID = "rules-2" }), oauth.ReasonRefreshTokenRulesChanged},
		"W-72 key taken away":               {provider(func(p *trust.Provider) { p.Keys = []*jose.PublicKey{key("other")} }), oauth.ReasonRefreshTokenKeyGone},
		"W-72 no key at all":                {provider(func(p *trust.Provider) { p.Keys = nil }), oauth.ReasonRefreshTokenKeyGone},
		"W-72 key beside another":           {provider(func(p *trust.Provider) { p.Keys = []*jose.PublicKey{key("other"), key("idp")} }), ""},
		"W-72 key has a name now":           {provider(func(p *trust.Provider) { p.Keys = []*jose.PublicKey{key("idp").WithKeyID("k1")} }), ""},
		"L-09 certificate is over":          {enforced, oauth.ReasonRefreshTokenKeyGone},
		"L-09 certificate over within skew": {both(enforced, at(noon.Add(5*time.Minute+30*time.Second))), ""},
		"L-09 certificate has not begun": {provider(func(p *trust.Provider) {
			p.EnforceCertificates = true
			p.Keys = []*jose.PublicKey{within(noon.Add(time.Hour), noon.Add(2*time.Hour))}
		}), oauth.ReasonRefreshTokenKeyGone},
		"L-09 certificate over, not looked": {provider(func(p *trust.Provider) { p.Keys = []*jose.PublicKey{within(noon, noon.Add(5*time.Minute))} }), ""},
		"L-09 one certificate of two counts": {provider(func(p *trust.Provider) {
			p.EnforceCertificates = true
			p.Keys = []*jose.PublicKey{within(noon, noon), within(noon, noon.Add(time.Hour))}
		}), ""},
	}
})

func TestRenew(t *testing.T) {
	for name, tc := range renewalRows() {
		t.Run(name, func(t *testing.T) {
			r := newRenewing()
			tc.change(r)
			d, err := r.outcome(t, renewalChecks(), r.prepare(t))
			if reasonOf(err) != tc.want {
				t.Errorf("reason is %q, want %q", reasonOf(err), tc.want)
			}
			if err != nil && !cmp.Equal(d, Decision{}, cmp.Comparer(func(a, b Decision) bool { return a.client == b.client && a.refresh == b.refresh && a.step == b.step })) {
				t.Error("a refusal holds a decision")
			}
		})
	}
}

// TestEveryCheckIsNeeded leaves out one check at a time: a row that it refuses must pass then, so that nothing else refuses
// what it does. Without providers nobody vouches: that is never granted.
func TestEveryCheckIsNeeded(t *testing.T) {
	for i, c := range renewalChecks() {
		t.Run(c.name, func(t *testing.T) {
			without := slices.Delete(slices.Clone(renewalChecks()), i, i+1)
			noticed := false
			for _, tc := range renewalRows() {
				r := newRenewing()
				tc.change(r)
				token := r.prepare(t)
				_, with := r.outcome(t, renewalChecks(), token)
				_, err := r.outcome(t, without, token)
				noticed = noticed || with != nil && err == nil
				if c.name == "provider" || c.name == "end" {
					noticed = true
					if reasonOf(err) == "" {
						t.Error("granted without anybody who vouches, or without an end")
					}
				}
			}
			if !noticed {
				t.Error("no row is refused by this check alone")
			}
		})
	}
}

// Every voucher counts, not just the first.
func TestEveryVoucherCounts(t *testing.T) {
	second := func() trust.Provider {
		p := refreshing().provider
		p.Key.Name, p.Issuer, p.UID, p.RulesID, p.Keys = "actors", "urn:actors", "actors-1", "rules-a", []*jose.PublicKey{key("actors")}
		return p
	}
	for name, tc := range map[string]struct {
		change func(*trust.Provider)
		want   oauth.Reason
	}{
		"fixture":        {func(*trust.Provider) {}, ""},
		"made anew":      {func(p *trust.Provider) { p.UID = "x" }, oauth.ReasonRefreshTokenProviderGone},
		"other issuer":   {func(p *trust.Provider) { p.Issuer = "x" }, oauth.ReasonRefreshTokenProviderGone},
		"not allowed":    {func(p *trust.Provider) { p.Key.Name = "x" }, oauth.ReasonRefreshTokenProviderGone},
		"disabled":       {func(p *trust.Provider) { p.Enabled = false }, oauth.ReasonRefreshTokenProviderOff},
		"permits none":   {func(p *trust.Provider) { p.NoRefresh = true }, oauth.ReasonRefreshTokenForbidden},
		"rules changed":  {func(p *trust.Provider) { p.RulesID = "x" }, oauth.ReasonRefreshTokenRulesChanged},
		"key taken away": {func(p *trust.Provider) { p.Keys = []*jose.PublicKey{key("idp")} }, oauth.ReasonRefreshTokenKeyGone},
		"no scopes":      {func(p *trust.Provider) { p.Scopes = []string{} }, oauth.ReasonScopeNotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRenewing()
			g := r.prepare(t).Grant()
			p := second()
			g.Vouchers = append(g.Vouchers, refresh.Voucher{Provider: p.Key, UID: p.UID, Issuer: p.Issuer, Key: key("actors").Thumbprint(), RulesID: p.RulesID})
			tc.change(&p)
			r.changed = append(r.changed, &p)
			if _, err := r.outcome(t, renewalChecks(), refresh.New(g, noon)); reasonOf(err) != tc.want {
				t.Errorf("reason is %q, want %q", reasonOf(err), tc.want)
			}
		})
	}
}

// M-01: what is granted again is what was granted, and the step and the next token belong together.
func TestRenewal(t *testing.T) {
	r := newRenewing()
	r.began.subject = "bob"
	g := r.prepare(t).Grant()
	g.Claims = []claimrules.Claim{{Name: "team", Value: []byte(`"a"`)}}
	token := refresh.New(g, noon).Next(noon.Add(time.Minute))
	d, err := r.outcome(t, renewalChecks(), token)
	if err != nil {
		t.Fatal(err)
	}
	if d.Client().ID != "app" || d.Provider().Key.Name != "idp" || d.Subject() != "team-a/idp:bob" || len(d.Once()) != 0 {
		t.Errorf("the decision is about %v, %v, %s", d.Client(), d.Provider(), d.Subject())
	}
	if diff := cmp.Diff(g.Claims, d.MappedClaims()); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
	next, ok := d.RefreshToken()
	step, stepped := d.Step()
	if !ok || !stepped || step != token.Step() || next.Step() != token.Next(r.now).Step() || next.Family() != token.Family() {
		t.Errorf("the step is %v and the next token %v, want %v and %v", step, next.Step(), token.Step(), token.Next(r.now).Step())
	}
}
