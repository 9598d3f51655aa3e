package policy

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/tokenserver/clientauth"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/throttle"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// confidential authenticates a client by a secret.
func confidential(t *testing.T, c *trust.Client) clientauth.Client {
	t.Helper()
	const secret = "a secret of sufficient length"
	key := keyring.GenerateDigestKey()
	c.Authentication = trust.AuthenticationSecret
	c.Credentials = []trust.Credential{{DigestKeyID: key.ID(), Digest: key.Digest(c.UID, secret)}}
	store := trust.NewStore()
	store.Update(func(tx *trust.Tx) {
		tx.PutClient(c)
		tx.SetDigestKeys(keyring.NewDigestKeys(key))
	})
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(secret))
	credentials := must(clientauth.FromRequest(r.Header, oauth.Form{}))
	client, _, err := clientauth.New(nil, nil, (*throttle.Throttle)(nil)).Authenticate(t.Context(), store.Snapshot(), credentials, clientauth.Place{}, noon)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// RFC 6749 §4.4, RFC 9068 §2.2: what a client gets in its own name.
func TestAuthorizeClient(t *testing.T) {
	const api = "https://api.example.com"
	type outcome struct {
		Subject          string
		Scopes, Audience []string
		ExpiresAt        time.Time
		Reason           oauth.Reason
	}
	refused := func(r oauth.Reason) outcome { return outcome{Reason: r} }
	end := noon.Add(time.Hour)
	for name, tc := range map[string]struct {
		change  func(*trust.Client)
		request Request
		want    outcome
	}{
		"everything":                {nil, Request{}, outcome{"app", []string{"read", "write"}, []string{api}, end, ""}},
		"part of the scopes":        {nil, Request{Scope: "write admin"}, outcome{"app", []string{"write"}, []string{api}, end, ""}},
		"J-02 scope not allowed":    {nil, Request{Scope: "admin"}, refused(oauth.ReasonScopeNotAllowed)},
		"J-04 malformed scope":      {nil, Request{Scope: "a  b"}, refused(oauth.ReasonMalformedScope)},
		"resource":                  {nil, Request{Resources: []string{"urn:b"}}, outcome{"app", []string{"read", "write"}, []string{"urn:b"}, end, ""}},
		"resource not allowed":      {nil, Request{Resources: []string{"urn:c"}}, refused(oauth.ReasonTargetNotAllowed)},
		"default audience":          {func(c *trust.Client) { c.Resources = nil }, Request{}, outcome{"app", []string{"read", "write"}, []string{server}, end, ""}},
		"G-17 there is no cap":      {func(c *trust.Client) { c.CapToAssertion = true }, Request{}, outcome{"app", []string{"read", "write"}, []string{api}, end, ""}},
		"id like a subject":         {func(c *trust.Client) { c.ID = "team-b/idp:alice" }, Request{}, refused(oauth.ReasonClientIDReserved)},
		"id with a slash":           {func(c *trust.Client) { c.ID = "team-b/idp" }, Request{}, outcome{"team-b/idp", []string{"read", "write"}, []string{api}, end, ""}},
		"id that is a SPIFFE":       {func(c *trust.Client) { c.ID = "spiffe://a/b" }, Request{}, outcome{"spiffe://a/b", []string{"read", "write"}, []string{api}, end, ""}},
		"order: id before the rest": {func(c *trust.Client) { c.ID = "a/b:c" }, Request{Scope: "admin"}, refused(oauth.ReasonClientIDReserved)},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture()
			f.client.Scopes, f.client.Resources = []string{"read", "write"}, []string{api, "urn:b"}
			if tc.change != nil {
				tc.change(&f.client)
			}
			d, err := AuthorizeClient(confidential(t, &f.client), tc.request, server, noon)
			got := outcome{d.Subject(), d.Scopes(), d.Audience(), d.ExpiresAt(), reasonOf(err)}
			if err != nil {
				got = refused(got.Reason)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("decision (-want +got):\n%s", diff)
			}
			if d.Provider() != nil || len(d.Once()) != 0 || (d.Client() == &f.client) != (err == nil) {
				t.Errorf("provider %v, to use up %v, client %v", d.Provider(), d.Once(), d.Client())
			}
		})
	}
}

// RFC 6749 §4.4: "MUST only be used by confidential clients".
func TestAuthorizePublicClient(t *testing.T) {
	f := newFixture()
	client, _ := f.verify(t) // it is public
	if d, err := AuthorizeClient(client, Request{}, server, noon); reasonOf(err) != oauth.ReasonPublicClient || d.Client() != nil {
		t.Errorf("got a decision for %v, reason %q", d.Client(), reasonOf(err))
	}
	if _, err := AuthorizeClient(clientauth.Client{}, Request{}, server, noon); reasonOf(err) != oauth.ReasonInternal {
		t.Errorf("nobody gets %v", err)
	}
}
