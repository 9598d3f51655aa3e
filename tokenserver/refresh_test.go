package tokenserver

import (
	"context"
	"crypto/elliptic"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// refresher notes what it is asked for and does as it is told.
type refresher struct {
	asked   []string
	refresh func(*trust.Provider) bool
}

func (r *refresher) Request(_ context.Context, p *trust.Provider) {
	r.asked = append(r.asked, "no wait: "+p.Key.String())
}

func (r *refresher) RequestClient(_ context.Context, c *trust.Client) {
	r.asked = append(r.asked, "no wait: client "+c.Key.String())
}

func (r *refresher) Refresh(_ context.Context, p *trust.Provider) bool {
	r.asked = append(r.asked, p.Key.String())
	return r.refresh(p)
}

// remote is provider A with one key, of that kid, from a URL.
func remote(kid string) *trust.Provider {
	p := provider("a", idpA)
	p.Keys, p.RemoteKeys = []*jose.PublicKey{must(jose.NewPublicKey(jwttest.EC(kid, elliptic.P256()).Public())).WithKeyID(kid)}, true
	return p
}

// ofKind is a key of a kind that the assertions do not use.
func ofKind(kid string) []*jose.PublicKey {
	return []*jose.PublicKey{must(jose.NewPublicKey(jwttest.Ed25519(kid).Public())).WithKeyID(kid)}
}

// signedBy names the key unless it has no name.
func signedBy(kid string, claims jwttest.Object) string {
	if kid == "" {
		return sign(idpA, claims)
	}
	return jwttest.Compact("ES256", jwttest.EC(kid, elliptic.P256()), `{"alg":"ES256","kid":"`+kid+`"}`, claims.String())
}

// K-16, D-13: an assertion that names an unknown key of a provider with remote keys makes the server ask for newer ones,
// once, and is looked at again when there are any, in the world as it is by then.
func TestRefreshKeys(t *testing.T) {
	publish := func(changes ...func(*fixture, *trust.Tx)) func(*fixture) bool {
		return func(f *fixture) bool {
			f.store.Update(func(tx *trust.Tx) {
				for _, change := range changes {
					change(f, tx)
				}
			})
			return true
		}
	}
	newKey := func(_ *fixture, tx *trust.Tx) { tx.PutProvider(remote("k2")) }
	changed := func(change func(*trust.Client)) func(*fixture, *trust.Tx) {
		return func(f *fixture, tx *trust.Tx) { c := f.client("c1"); change(c); tx.PutClient(c) }
	}
	once := []string{"team-a/idp-a"}
	for name, tc := range map[string]struct {
		kid      string
		provider func(*trust.Provider)
		refresh  func(*fixture) bool
		asked    []string
		want     oauth.Reason
	}{
		"K-16 key is there by then":    {"k2", nil, publish(newKey), once, ""},
		"K-16 key is still not there":  {"k2", nil, publish(), once, oauth.ReasonNoMatchingKey},
		"K-16 another key is there":    {"k2", nil, publish(func(_ *fixture, tx *trust.Tx) { tx.PutProvider(remote("k3")) }), once, oauth.ReasonNoMatchingKey},
		"K-16 nothing came":            {"k2", nil, func(f *fixture) bool { publish(newKey)(f); return false }, once, oauth.ReasonNoMatchingKey},
		"K-16 key is known":            {"k1", nil, publish(newKey), nil, ""},
		"K-16 key of another kind":     {"k2", func(p *trust.Provider) { p.Keys = ofKind("k1") }, publish(newKey), once, ""},
		"D-17 kid of another kind":     {"k2", func(p *trust.Provider) { p.Keys = ofKind("k2") }, publish(newKey), nil, oauth.ReasonAlgorithmNotAllowed},
		"D-17 kid of two kinds":        {"k2", func(p *trust.Provider) { p.Keys = append(p.Keys, ofKind("k2")...) }, publish(newKey), nil, oauth.ReasonNoMatchingKey},
		"D-13 no kid":                  {"", func(p *trust.Provider) { p.Keys = ofKind("k1") }, publish(newKey), nil, oauth.ReasonAlgorithmNotAllowed},
		"D-13 keys of a Secret":        {"k2", func(p *trust.Provider) { p.RemoteKeys = false }, publish(newKey), nil, oauth.ReasonNoMatchingKey},
		"D-13 provider disabled":       {"k2", func(p *trust.Provider) { p.Enabled = false }, publish(newKey), nil, oauth.ReasonProviderDisabled},
		"W-41 disabled meanwhile":      {"k2", nil, publish(newKey, func(_ *fixture, tx *trust.Tx) { p := remote("k2"); p.Enabled = false; tx.PutProvider(p) }), once, oauth.ReasonProviderDisabled},
		"W-40 gone meanwhile":          {"k2", nil, publish(func(_ *fixture, tx *trust.Tx) { tx.DeleteProvider(remote("k2").Key) }), once, oauth.ReasonProviderUnknown},
		"B-13 client gone meanwhile":   {"k2", nil, publish(newKey, func(f *fixture, tx *trust.Tx) { tx.DeleteClient(f.client("c1").Key) }), once, oauth.ReasonNoMatchingKey},
		"B-13 client off meanwhile":    {"k2", nil, publish(newKey, changed(func(c *trust.Client) { c.Enabled = false })), once, oauth.ReasonNoMatchingKey},
		"B-11 grant gone meanwhile":    {"k2", nil, publish(newKey, changed(func(c *trust.Client) { c.GrantTypes = nil })), once, oauth.ReasonGrantNotAllowed},
		"B-12 not allowed meanwhile":   {"k2", nil, publish(newKey, changed(func(c *trust.Client) { c.Providers = named("idp-b") })), once, oauth.ReasonProviderNotAllowed},
		"J-02 no scope left meanwhile": {"k2", nil, publish(newKey, changed(func(c *trust.Client) { c.Scopes = nil })), once, oauth.ReasonScopeNotAllowed},
		"not ready meanwhile":          {"k2", nil, publish(newKey, func(_ *fixture, tx *trust.Tx) { tx.MarkUnloaded() }), once, oauth.ReasonNoMatchingKey},
	} {
		t.Run(name, func(t *testing.T) {
			r := &refresher{}
			f := newFixture(t, func(c *Config) { c.KeyRefresher = r })
			r.refresh = func(*trust.Provider) bool { return tc.refresh(f) }
			p := remote("k1")
			if tc.provider != nil {
				tc.provider(p)
			}
			f.store.Update(func(tx *trust.Tx) { tx.PutProvider(p) })
			a := f.send(t, f.call("c1", signedBy(tc.kid, f.claims(idpA, "1"))).request())
			if a.reason != string(tc.want) {
				t.Errorf("got %d for %q, want %q", a.status, a.reason, tc.want)
			}
			if diff := cmp.Diff(tc.asked, r.asked); diff != "" {
				t.Errorf("asked for keys (-want +got):\n%s", diff)
			}
		})
	}
}

// K-16: the client assertion of a workload whose key is not known makes the server ask, but does not wait: nobody has
// authenticated yet. The next one finds the key.
func TestRefreshKeysOfClient(t *testing.T) {
	r := &refresher{}
	f := newFixture(t, func(c *Config) { c.KeyRefresher = r })
	f.addClients()
	f.store.Update(func(tx *trust.Tx) { tx.PutProvider(remote("k1")) })
	r.refresh = func(*trust.Provider) bool { t.Error("waits"); return false }
	request := func(clientID, jti string) *http.Request {
		c := f.without(f.assertion(idpB, jti)).asserting(signedBy("k2", f.claims(idpA, "c-1").Set("aud", jwttest.Quote(server))))
		c.form.Set("client_id", clientID)
		return c.request()
	}
	for i, want := range []oauth.Reason{oauth.ReasonUnknownClient, oauth.ReasonNoMatchingKey, "", oauth.ReasonReplayed} {
		id := []string{"nobody", "work1", "work1", "work1"}[i]
		if i == 2 {
			f.store.Update(func(tx *trust.Tx) { tx.PutProvider(remote("k2")) })
		}
		if a := f.send(t, request(id, string(rune('a'+i)))); a.reason != string(want) {
			t.Errorf("request %d gets %d for %q, want %q", i, a.status, a.reason, want)
		}
	}
	if diff := cmp.Diff([]string{"no wait: team-a/idp-a"}, r.asked); diff != "" {
		t.Errorf("asked for keys (-want +got):\n%s", diff)
	}
}

// K-16: so does the assertion that a client signs with a key of its own that is not known, where its keys are remote.
func TestRefreshKeysThatAClientSignsWith(t *testing.T) {
	for name, tc := range map[string]struct {
		remote    bool
		kid       string
		refresher bool
		want      []string
	}{
		"remote":           {true, "k2", true, []string{"no wait: client team-a/key1"}},
		"known key":        {true, "k1", true, nil},
		"key without name": {true, "", true, nil},
		"not remote":       {false, "k2", true, nil},
		"nobody to ask":    {true, "k2", false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := &refresher{refresh: func(*trust.Provider) bool { t.Error("waits"); return false }}
			f := newFixture(t, func(c *Config) {
				if tc.refresher {
					c.KeyRefresher = r
				}
			})
			f.store.Update(func(tx *trust.Tx) {
				c := f.client("key1")
				c.Authentication, c.Credentials, c.RemoteKeys = trust.AuthenticationPrivateKey, nil, tc.remote
				c.Keys = ofKind("k1")
				tx.PutClient(c)
			})
			claims := f.claims(idpA, "c-1").Set("aud", jwttest.Quote(server)).Set("iss", `"key1"`).Set("sub", `"key1"`)
			a := f.send(t, f.without(f.assertion(idpB, "1")).asserting(signedBy(tc.kid, claims)).request())
			if a.status != http.StatusUnauthorized {
				t.Errorf("got %d for %q", a.status, a.reason)
			}
			if diff := cmp.Diff(tc.want, r.asked); diff != "" {
				t.Errorf("asked for keys (-want +got):\n%s", diff)
			}
		})
	}
}

// S-07: a client assertion that has been used is not used again when the grant has to be looked at again.
func TestRefreshKeysUsesClientAssertionOnce(t *testing.T) {
	r := &refresher{}
	f := newFixture(t, func(c *Config) { c.KeyRefresher = r })
	f.addClients()
	f.store.Update(func(tx *trust.Tx) { tx.PutProvider(remote("k1")) })
	r.refresh = func(*trust.Provider) bool {
		f.store.Update(func(tx *trust.Tx) { tx.PutProvider(remote("k2")) })
		return true
	}
	if a := f.send(t, f.as("key1", signedBy("k2", f.claims(idpA, "1")), "c-1").request()); a.status != http.StatusOK {
		t.Errorf("got %d for %q", a.status, a.reason)
	}
}

// D-13: without a refresher an unknown key is an unknown key.
func TestNoRefresher(t *testing.T) {
	f := newFixture(t)
	f.store.Update(func(tx *trust.Tx) { tx.PutProvider(remote("k1")) })
	if a := f.send(t, f.call("c1", signedBy("k2", f.claims(idpA, "1"))).request()); a.reason != string(oauth.ReasonNoMatchingKey) {
		t.Errorf("got %d for %q", a.status, a.reason)
	}
}
