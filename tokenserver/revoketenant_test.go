package tokenserver

import (
	"net/http"
	"testing"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// A token is ended wherever its client asks for that: at the issuer that it got it from, at the whole server, and at another
// tenant that stands for its namespace. It does not stay active anywhere when the answer is 200.
func TestRevokeAtAnotherIssuer(t *testing.T) {
	paths := []string{"", "/t/team-a", "/t/" + teamDomain}
	for _, from := range paths {
		for _, to := range paths {
			t.Run("O-03 from "+from+" at "+to, func(t *testing.T) { revokeAt(t, from, to) })
		}
	}
}

const teamDomain = "team-a.example.com"

// revokeAt ends an access token and a family that come from one path, at another.
func revokeAt(t *testing.T, from, to string) {
	t.Helper()
	f := renewing(t, func(c *Config) {
		c.TenantDomains = map[string]string{teamDomain: "team-a", "other.example.com": "team-b"}
	})
	got := func(jti string) answer {
		c := f.call("c1", f.assertion(idpA, jti))
		c.target = from + PathToken
		return f.send(t, c.request())
	}
	active := func(token string) bool {
		c := f.introspect("c1", token)
		c.target = from + PathIntrospection
		return f.send(t, c.request()).body["active"] == true
	}
	access, family := got("1").token(), got("2")
	if !active(access) || !active(family.token()) {
		t.Fatal("the tokens are not active at first")
	}
	for _, token := range []string{access, family.refreshToken()} {
		c := f.revocation("c1", token)
		c.target = to + PathRevocation
		if a := f.sendRevocation(t, c); a.status != http.StatusOK || a.reason != "" {
			t.Errorf("got %d for %q: %s", a.status, a.reason, a.text)
		}
	}
	if active(access) || active(family.token()) {
		t.Error("a token is active that is said to be revoked")
	}
}

// A client of another namespace ends nothing, at whatever issuer.
func TestRevokeOfAnotherNamespace(t *testing.T) {
	f := renewing(t)
	f.changeClient("c9", func(c *trust.Client) { c.Key.Namespace = "team-b" })
	c := f.call("c1", f.assertion(idpA, "1"))
	c.target = "/t/team-a" + PathToken
	token := f.send(t, c.request()).token()
	if a := f.sendRevocation(t, f.revocation("c9", token)); a.reason != string(oauth.ReasonTokenIssuer) {
		t.Errorf("got %d for %q: %s", a.status, a.reason, a.text)
	}
	q := f.introspect("c1", token)
	q.target = "/t/team-a" + PathIntrospection
	if f.send(t, q.request()).body["active"] != true {
		t.Error("the token is not active any more")
	}
}
