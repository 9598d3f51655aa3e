package tokenserver

import (
	"crypto/elliptic"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/claimrules"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

func rules(r claimrules.Rules) *claimrules.Program {
	return must(must(claimrules.NewCompiler()).Compile(r))
}

// typed is an assertion with a typ.
func typed(typ string, claims jwttest.Object) string {
	return jwttest.Compact("ES256", jwttest.EC(idpA, elliptic.P256()), `{"alg":"ES256","typ":"`+typ+`"}`, claims.String())
}

// W-36, W-59, W-60, H-07, W-70: what the policy of a provider makes of an assertion, from the request to the token.
func TestProfiles(t *testing.T) {
	there := trust.ObjectKey{Namespace: "team-b", Name: "shared"}
	for name, tc := range map[string]struct {
		provider func(*trust.Provider)
		client   func(*trust.Client)
		claims   map[string]string
		typ      string
		want     map[string]any // of the access token
		reason   oauth.Reason
	}{
		"W-60 mapped claims": {
			func(p *trust.Provider) {
				p.Rules = rules(claimrules.Rules{Subject: "claims.login", Mappings: []claimrules.Mapping{
					{Claim: "groups", Expression: "claims.groups.filter(g, g.startsWith('dev'))"}, {Claim: "admin", Expression: "'root' in claims.groups"},
				}})
			}, nil,
			map[string]string{"login": `"al"`, "groups": `["dev-a","ops","dev-b"]`, "scope": `"admin"`},
			"JWT",
			map[string]any{"sub": "team-a/idp-a:al", "groups": []any{"dev-a", "dev-b"}, "admin": false, "scope": "read"},
			"",
		},
		"W-60 default, role of a group": {
			func(p *trust.Provider) {
				p.Rules = rules(claimrules.Rules{Mappings: []claimrules.Mapping{
					{Claim: "tier", Expression: "has(claims.tier) ? claims.tier : 'free'"}, {Claim: "roles", Expression: "claims.groups.map(g, {'ops': 'admin'}[?g].orValue('user'))"},
				}})
			}, nil,
			map[string]string{"groups": `["ops","dev"]`},
			"JWT",
			map[string]any{"tier": "free", "roles": []any{"admin", "user"}},
			"",
		},
		"W-61 nothing is copied unmapped": {
			nil, nil, map[string]string{"groups": `["x"]`}, "JWT", map[string]any{"sub": "team-a/idp-a:alice", "groups": nil}, "",
		},
		"W-59 rule": {
			func(p *trust.Provider) {
				p.Rules = rules(claimrules.Rules{Validations: []claimrules.Validation{{Expression: "claims.env == 'prod'", Message: "only production may"}}})
			}, nil, map[string]string{"env": `"test"`}, "JWT", nil, oauth.ReasonClaimRule,
		},
		"W-59 rule that cannot be evaluated": {
			func(p *trust.Provider) {
				p.Rules = rules(claimrules.Rules{Validations: []claimrules.Validation{{Expression: "claims.env == 'prod'", Message: "only production may"}}})
			}, nil, nil, "JWT", nil, oauth.ReasonClaimRuleFailed,
		},
		"W-70 no prefix":                        {func(p *trust.Provider) { p.SubjectPrefix = "" }, nil, nil, "JWT", map[string]any{"sub": "alice"}, ""},
		"W-70 no prefix, in another's name":     {func(p *trust.Provider) { p.SubjectPrefix = "" }, nil, map[string]string{"sub": `"team-b/idp:x"`}, "JWT", nil, oauth.ReasonSubjectReserved},
		"H-07 ID-JAG":                           {asIDJAG, nil, map[string]string{"client_id": `"c1"`, "aud": `"` + server + `"`}, "oauth-id-jag+jwt", map[string]any{"client_id": "c1"}, ""},
		"H-07 ID-JAG of another client":         {asIDJAG, nil, map[string]string{"client_id": `"c5"`}, "oauth-id-jag+jwt", nil, oauth.ReasonClientIDClaim},
		"C-20 ID-JAG without its type":          {asIDJAG, nil, map[string]string{"client_id": `"c1"`}, "JWT", nil, oauth.ReasonTypeNotAccepted},
		"C-20 ID-JAG elsewhere":                 {nil, nil, map[string]string{"client_id": `"c1"`}, "oauth-id-jag+jwt", nil, oauth.ReasonTypeNotAccepted},
		"H-02 ServiceAccount":                   {accounts, nil, map[string]string{"sub": `"system:serviceaccount:a:b"`}, "JWT", map[string]any{"sub": "team-a/idp-a:system:serviceaccount:a:b"}, ""},
		"H-02 no ServiceAccount":                {accounts, nil, nil, "JWT", nil, oauth.ReasonSubjectForm},
		"W-43 shared by another namespace":      {func(p *trust.Provider) { share(p, there); p.ClientNamespaces.All = true }, func(c *trust.Client) { c.Providers = []trust.ObjectKey{there} }, nil, "JWT", map[string]any{"sub": "team-b/shared:alice"}, ""},
		"W-43 of another namespace, not shared": {func(p *trust.Provider) { share(p, there) }, func(c *trust.Client) { c.Providers = []trust.ObjectKey{there} }, nil, "JWT", nil, oauth.ReasonProviderUnknown},
		"W-43 shared, but not asked for":        {func(p *trust.Provider) { share(p, there); p.ClientNamespaces.All = true }, nil, nil, "JWT", nil, oauth.ReasonProviderUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.change(tc.provider, tc.client)
			claims := f.claims(idpA, "1")
			for name, value := range tc.claims {
				claims = claims.Set(name, value)
			}
			a := f.send(t, f.call("c1", typed(tc.typ, claims)).request())
			if a.reason != string(tc.reason) {
				t.Fatalf("got %d for %q, want %q", a.status, a.reason, tc.reason)
			}
			if tc.reason == "" {
				expectClaims(t, a.token(), tc.want)
			} else if a.status != http.StatusBadRequest || a.code() != string(oauth.InvalidGrant) {
				t.Errorf("got %d %s", a.status, a.code())
			}
		})
	}
}

// change changes provider A and client c1, where there is something to change.
func (f *fixture) change(provide func(*trust.Provider), client func(*trust.Client)) {
	p, c := provider("a", idpA), f.client("c1")
	old := p.Key
	if provide != nil {
		provide(p)
	}
	if client != nil {
		client(c)
	}
	f.store.Update(func(tx *trust.Tx) {
		tx.DeleteProvider(old)
		tx.PutProvider(p)
		tx.PutClient(c)
	})
}

// expectClaims compares the claims of a token that are in want; nil stands for a claim that is not there.
func expectClaims(t *testing.T, token string, want map[string]any) {
	t.Helper()
	got, all := map[string]any{}, claimsOf(t, token)
	for claim := range want {
		got[claim] = all[claim]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
}

func asIDJAG(p *trust.Provider) {
	p.Types, p.ClientIDClaim, p.IDJAG, p.AccessTokens = []string{"oauth-id-jag+jwt"}, true, true, false
	p.AudienceAliases = append(p.AudienceAliases, server)
}

func accounts(p *trust.Provider) { p.SubjectForm = trust.SubjectServiceAccount }

func share(p *trust.Provider, as trust.ObjectKey) {
	p.Key, p.SubjectPrefix = as, as.String()+":"
}

// W-59: the message of a rule is for whoever reads the log, not for the caller.
func TestMessageOfRuleIsNotSent(t *testing.T) {
	f := newFixture(t)
	f.store.Update(func(tx *trust.Tx) {
		p := provider("a", idpA)
		p.Rules = rules(claimrules.Rules{Validations: []claimrules.Validation{{Expression: "false", Message: "nobody may"}}})
		tx.PutProvider(p)
	})
	rule := f.send(t, f.call("c1", f.assertion(idpA, "1")).request())
	expired := f.send(t, f.call("c1", sign(idpA, f.claims(idpA, "1").Set("exp", "1"))).request())
	if rule.text != expired.text {
		t.Errorf("a rule is answered with %s, an expired assertion with %s", rule.text, expired.text)
	}
	if cause := f.records(t)[0]["cause"]; cause != "claimValidationRules[0]: nobody may" {
		t.Errorf("the cause in the log is %v", cause)
	}
}
