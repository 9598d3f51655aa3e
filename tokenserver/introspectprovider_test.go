package tokenserver

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// forAPI makes a client get tokens for the API by every grant.
func forAPI(c *trust.Client) {
	refreshing(c)
	c.GrantTypes = append(c.GrantTypes, oauth.GrantTypeTokenExchange, oauth.GrantTypeClientCredentials)
	c.Resources = []string{api}
}

// ofNobodyButB makes a client one whose subjects provider B alone vouches for. Provider A may vouch for the client itself.
func ofNobodyButB(c *trust.Client) { c.Providers = named("idp-b") }

// way is how an access token comes about, and which providers have a part in it.
type way struct {
	by  []string
	get func(f *fixture, send func(call) answer) answer
}

// ways are all in which providers may have a part.
func ways() map[string]way {
	inItsOwnName := func(c call) call {
		c.form.Set("grant_type", oauth.GrantTypeClientCredentials)
		c.form.Del("assertion")
		return c
	}
	once := func(request func(f *fixture) call) func(*fixture, func(call) answer) answer {
		return func(f *fixture, send func(call) answer) answer { return send(request(f)) }
	}
	renewed := func(request func(f *fixture) call) func(*fixture, func(call) answer) answer {
		return func(f *fixture, send func(call) answer) answer {
			return send(f.renewal("c1", send(request(f)).refreshToken()))
		}
	}
	asserted := func(f *fixture) call { return f.call("c1", f.assertion(idpA, "1")) }
	exchanged := func(f *fixture) call { return f.exchangeCall(f.assertion(idpA, "1")) }
	actedFor := func(f *fixture) call { return exchanged(f).acting(f.robot("2")) }
	workload := func(f *fixture) call { return f.as("work1", f.assertion(idpB, "2"), "1") }
	return map[string]way{
		"assertion":            {[]string{"a"}, once(asserted)},
		"refreshed":            {[]string{"a"}, renewed(asserted)},
		"exchanged":            {[]string{"a"}, once(exchanged)},
		"acted for":            {[]string{"a", "b"}, once(actedFor)},
		"acted for, refreshed": {[]string{"a", "b"}, renewed(actedFor)},
		"workload":             {[]string{"a"}, once(func(f *fixture) call { return inItsOwnName(f.as("work1", "", "1")) })},
		"workload, assertion":  {[]string{"a", "b"}, once(workload)},
		"workload, refreshed": {[]string{"a", "b"}, func(f *fixture, send func(call) answer) answer {
			c := f.as("work1", "", "3")
			c.form.Del("assertion")
			c.form.Set("grant_type", oauth.GrantTypeRefreshToken)
			c.form.Set("refresh_token", send(workload(f)).refreshToken())
			return send(c)
		}},
		"client with a secret":       {nil, once(func(f *fixture) call { return inItsOwnName(f.call("c1", "")) })},
		"client with a key":          {nil, once(func(f *fixture) call { return inItsOwnName(f.as("key1", "", "1")) })},
		"client with a key, vouched": {[]string{"b"}, once(func(f *fixture) call { return f.as("key1", f.assertion(idpB, "2"), "1") })},
	}
}

// N-08: what rests on the word of a provider counts while that provider is there, and trusted to vouch; whatever becomes of
// other providers.
func TestActiveWhileProvidersVouch(t *testing.T) {
	edit := func(change func(*trust.Provider)) func(*trust.Tx, *trust.Provider) {
		return func(tx *trust.Tx, p *trust.Provider) { change(p); tx.PutProvider(p) }
	}
	changes := map[string]struct {
		change func(*trust.Tx, *trust.Provider)
		// counts says that a token still counts after it.
		counts bool
	}{
		"disabled":      {edit(func(p *trust.Provider) { p.Enabled = false }), false},
		"deleted":       {func(tx *trust.Tx, p *trust.Provider) { tx.DeleteProvider(p.Key) }, false},
		"made anew":     {edit(func(p *trust.Provider) { p.UID += "2" }), false},
		"other issuer":  {edit(func(p *trust.Provider) { p.Issuer += "/" }), false},
		"under a rival": {edit(func(p *trust.Provider) { p.Key.Name, p.Created = "rival", noon.Add(-time.Hour) }), false},
		"other rules":   {edit(func(p *trust.Provider) { p.RulesID, p.Scopes, p.MaxAge = "x", []string{"none"}, time.Second }), true},
		"other keys":    {edit(func(p *trust.Provider) { p.Keys = nil }), true},
	}
	for name, way := range ways() {
		for what, change := range changes {
			for provided, issuer := range map[string]string{"a": idpA, "b": idpB} {
				t.Run(name+", "+provided+" "+what, func(t *testing.T) {
					f := newFixture(t)
					f.addServers()
					f.addClients()
					f.addForAPI()
					token := way.get(f, func(c call) answer { return f.send(t, c.request()) }).token()
					f.expectActive(t, token, true)
					f.store.Update(func(tx *trust.Tx) { change.change(tx, provider(provided, issuer)) })
					f.expectActive(t, token, change.counts || !slices.Contains(way.by, provided))
					f.store.Update(func(tx *trust.Tx) {
						tx.DeleteProvider(trust.ObjectKey{Namespace: "team-a", Name: "rival"})
						tx.PutProvider(provider(provided, issuer))
					})
					f.expectActive(t, token, true)
				})
			}
		}
	}
}

// addForAPI makes the clients get tokens for the API.
func (f *fixture) addForAPI() {
	f.changeClient("c1", forAPI)
	f.store.Update(func(tx *trust.Tx) {
		for _, id := range []string{"key1", "work1"} {
			c := *f.store.Snapshot().Client(id)
			forAPI(&c)
			ofNobodyButB(&c)
			tx.PutClient(&c)
		}
	})
}

func (f *fixture) expectActive(t *testing.T, token string, want bool) {
	t.Helper()
	a := f.send(t, f.introspect("api1", token).request())
	if !want {
		expectInactive(t, a, oauth.ReasonTokenProviderGone)
		return
	}
	if a.status != http.StatusOK || a.body["active"] != true {
		t.Errorf("got %d for %q: %s", a.status, a.reason, a.text)
	}
}

// N-08: a provider vouches for clients that it admits, and that name it.
func TestActiveWhileClientAndProviderAgree(t *testing.T) {
	abroad := provider("a", idpA)
	abroad.Key.Namespace, abroad.ClientNamespaces.All = "team-b", true
	abroad.SubjectPrefix = abroad.DefaultSubjectPrefix()
	named := func(c *trust.Client) { c.Providers = []trust.ObjectKey{{Namespace: "team-b", Name: "idp-a"}} }
	workload := func(c *trust.Client) { c.Workload.Provider.Namespace = "team-b" }
	for name, tc := range map[string]struct {
		client string
		before func(*trust.Client)
		change func(*trust.Client, *trust.Provider)
		active bool
	}{
		"as it was":                   {"c1", named, func(*trust.Client, *trust.Provider) {}, true},
		"no longer admitted":          {"c1", named, func(_ *trust.Client, p *trust.Provider) { p.ClientNamespaces.All = false }, false},
		"no longer named":             {"c1", named, func(c *trust.Client, _ *trust.Provider) { c.Providers = nil }, false},
		"workload as it was":          {"work1", workload, func(*trust.Client, *trust.Provider) {}, true},
		"workload no longer admitted": {"work1", workload, func(_ *trust.Client, p *trust.Provider) { p.ClientNamespaces.All = false }, false},
		"workload of another":         {"work1", workload, func(c *trust.Client, _ *trust.Provider) { c.Workload.Provider.Name = "idp-b" }, false},
		"workload no longer":          {"work1", workload, func(c *trust.Client, _ *trust.Provider) { c.Authentication = trust.AuthenticationPrivateKey }, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.addServers()
			f.addClients()
			p, c := *abroad, *f.store.Snapshot().Client(tc.client)
			forAPI(&c)
			tc.before(&c)
			f.store.Update(func(tx *trust.Tx) { tx.PutProvider(&p); tx.PutClient(&c) })
			call := f.as(tc.client, f.assertion(idpA, "1"), "c-1")
			if tc.client == "work1" {
				call.form.Set("grant_type", oauth.GrantTypeClientCredentials)
				call.form.Del("assertion")
			}
			token := f.send(t, call.request()).token()
			f.expectActive(t, token, true)
			changedClient, changedProvider := c, p
			tc.change(&changedClient, &changedProvider)
			f.store.Update(func(tx *trust.Tx) { tx.PutProvider(&changedProvider); tx.PutClient(&changedClient) })
			f.expectActive(t, token, tc.active)
		})
	}
}
