package trustsync

import (
	"crypto/elliptic"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// withSecret is the client of the fixtures, which has a secret.
func withSecret() *v1alpha1.OAuthClient {
	c := oauthClient()
	c.Spec.Authentication = v1alpha1.ClientAuthentication{ClientSecret: &v1alpha1.ClientSecretAuthentication{}}
	return c
}

func TestCompileClientMapsEveryField(t *testing.T) {
	digestOf := func(fill byte) (d [32]byte) {
		for i := range d {
			d[i] = fill
		}
		return d
	}
	for name, tc := range map[string]struct {
		change func(*v1alpha1.OAuthClient)
		want   func(*trust.Client)
	}{
		"defaults": {func(*v1alpha1.OAuthClient) {}, func(*trust.Client) {}},
		"all spelt out": {func(c *v1alpha1.OAuthClient) {
			c.Spec.GrantEnabled = new(false)
			c.Spec.Scopes, c.Spec.Resources = []v1alpha1.Scope{"read"}, []string{"https://api.example"}
			c.Spec.IdentityProviders = []v1alpha1.IdentityProviderReference{
				{Name: "partner"}, {Namespace: "team-b", Name: "other"}, {Namespace: "team-a", Name: "third"},
			}
			c.Spec.AccessToken = &v1alpha1.AccessTokenPolicy{Lifetime: "10m", CapToAssertion: new(true)}
			c.Spec.ResourceServer = &v1alpha1.ResourceServer{Resources: []string{"https://own.example", "urn:example:own"}}
		}, func(c *trust.Client) {
			c.Enabled, c.CapToAssertion, c.AccessTokenLifetime = false, true, 10*time.Minute
			c.Serves = []string{"https://own.example", "urn:example:own"}
			c.Scopes, c.Resources, c.Providers = []string{"read"}, []string{"https://api.example"}, []trust.ObjectKey{
				{Namespace: "team-a", Name: "partner"}, {Namespace: "team-b", Name: "other"}, {Namespace: "team-a", Name: "third"},
			}
		}},
		"M-08 refresh token policy": {func(c *v1alpha1.OAuthClient) {
			c.Spec.GrantTypes = append(c.Spec.GrantTypes, v1alpha1.GrantRefreshToken)
			c.Spec.RefreshToken = &v1alpha1.RefreshTokenPolicy{Lifetime: "36h"}
		}, func(c *trust.Client) {
			c.GrantTypes = append(c.GrantTypes, oauth.GrantTypeRefreshToken)
			c.RefreshTokenLifetime = 36 * time.Hour
		}},
		"M-08 empty refresh token policy": {func(c *v1alpha1.OAuthClient) {
			c.Spec.RefreshToken = &v1alpha1.RefreshTokenPolicy{}
		}, func(*trust.Client) {}},
		"empty access token policy": {func(c *v1alpha1.OAuthClient) {
			c.Spec.AccessToken = &v1alpha1.AccessTokenPolicy{CapToAssertion: new(false)}
		}, func(*trust.Client) {}},
		"id is the one that was resolved": {func(c *v1alpha1.OAuthClient) { c.Spec.ClientID = "new" }, func(*trust.Client) {}},
		"every grant type": {func(c *v1alpha1.OAuthClient) {
			c.Spec.GrantTypes = []v1alpha1.GrantType{v1alpha1.GrantClientCredentials, v1alpha1.GrantTokenExchange, v1alpha1.GrantJWTBearer}
		}, func(c *trust.Client) {
			c.GrantTypes = []string{oauth.GrantTypeClientCredentials, oauth.GrantTypeTokenExchange, oauth.GrantTypeJWTBearer}
		}},
		"no grant types": {func(c *v1alpha1.OAuthClient) { c.Spec.GrantTypes = nil }, func(c *trust.Client) { c.GrantTypes = nil }},
		"no credentials": {func(c *v1alpha1.OAuthClient) { c.Status.Credentials = nil }, func(c *trust.Client) { c.Credentials = nil }},
		"previous credential": {func(c *v1alpha1.OAuthClient) {
			c.Status.Credentials = append(c.Status.Credentials, v1alpha1.ClientCredential{DigestKeyID: "d0", KeyedDigest: digest("b")})
		}, func(c *trust.Client) {
			c.Credentials = append(c.Credentials, trust.Credential{DigestKeyID: "d0", Digest: digestOf('b')})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			o := withSecret()
			want := &trust.Client{
				Key: trust.ObjectKey{Namespace: "team-a", Name: "app"}, UID: "c-1", Created: created().Time,
				ID: "team-a.app", Authentication: trust.AuthenticationSecret, Enabled: true, GrantTypes: []string{oauth.GrantTypeJWTBearer},
				Credentials: []trust.Credential{{DigestKeyID: "d1", Digest: digestOf('a')}}, AccessTokenLifetime: time.Hour,
				RefreshTokenLifetime: 720 * time.Hour,
			}
			tc.change(o)
			tc.want(want)
			got, err := CompileClient(o)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCompileClientRefuses(t *testing.T) {
	credential := func(d string) func(*v1alpha1.OAuthClient) {
		return func(c *v1alpha1.OAuthClient) {
			c.Status.Credentials = append(c.Status.Credentials, v1alpha1.ClientCredential{DigestKeyID: "d1", KeyedDigest: d})
		}
	}
	for name, tc := range map[string]struct {
		change     func(*v1alpha1.OAuthClient)
		noIdentity bool
	}{
		"no client id":              {func(c *v1alpha1.OAuthClient) { c.Status.ClientID = "" }, true},
		"being deleted":             {func(c *v1alpha1.OAuthClient) { c.DeletionTimestamp = new(created()) }, true},
		"short digest":              {credential("AAAA"), false},
		"empty digest":              {credential(""), false},
		"digest not base64":         {credential("!" + digest("b")[1:]), false},
		"digest with trailing bits": {credential(digest("b")[:42] + "J"), false},
		"unreadable key": {func(c *v1alpha1.OAuthClient) {
			c.Spec.Authentication = v1alpha1.ClientAuthentication{PrivateKeyJWT: &v1alpha1.PrivateKeyJWTAuthentication{}}
			c.Status.KeySet = &v1alpha1.KeySet{Keys: []v1alpha1.TrustedKey{{PublicJWK: "{}"}}}
		}, false},
		"unknown grant":     {func(c *v1alpha1.OAuthClient) { c.Spec.GrantTypes = append(c.Spec.GrantTypes, "Password") }, false},
		"lifetime":          {func(c *v1alpha1.OAuthClient) { c.Spec.AccessToken = &v1alpha1.AccessTokenPolicy{Lifetime: "long"} }, false},
		"M-08 lifetime":     {func(c *v1alpha1.OAuthClient) { c.Spec.RefreshToken = &v1alpha1.RefreshTokenPolicy{Lifetime: "long"} }, false},
		"M-08 negative":     {func(c *v1alpha1.OAuthClient) { c.Spec.RefreshToken = &v1alpha1.RefreshTokenPolicy{Lifetime: "-1h"} }, false},
		"negative lifetime": {func(c *v1alpha1.OAuthClient) { c.Spec.AccessToken = &v1alpha1.AccessTokenPolicy{Lifetime: "-1h"} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := withSecret()
			tc.change(c)
			got, err := CompileClient(c)
			if err == nil || got != nil {
				t.Fatalf("got %v, %v", got, err)
			}
			if errors.Is(err, ErrNoIdentity) != tc.noIdentity {
				t.Errorf("error %v", err)
			}
		})
	}
}

// The method is what the spec says now. What the status holds of another one authenticates nobody.
func TestCompileClientMethods(t *testing.T) {
	key := trusted(t, "k", jwttest.EC("client", elliptic.P256()).Public(), "ES256")
	everything := func(c *v1alpha1.OAuthClient, source, url string) {
		c.Status.KeySet = &v1alpha1.KeySet{Source: source, URL: url, Keys: []v1alpha1.TrustedKey{key}}
	}
	privateKey := v1alpha1.ClientAuthentication{PrivateKeyJWT: &v1alpha1.PrivateKeyJWTAuthentication{}}
	federated := func(ns string) v1alpha1.ClientAuthentication {
		return v1alpha1.ClientAuthentication{Federated: &v1alpha1.FederatedAuthentication{
			IdentityProviderRef: v1alpha1.IdentityProviderReference{Namespace: ns, Name: "cluster"}, Subject: "me",
		}}
	}
	type outcome struct {
		Authentication    trust.Authentication
		Credentials, Keys int
		Remote            bool
		Workload          trust.Workload
	}
	for name, tc := range map[string]struct {
		auth        v1alpha1.ClientAuthentication
		source, url string
		want        outcome
	}{
		"secret":                 {withSecret().Spec.Authentication, "JWKS", "", outcome{Authentication: trust.AuthenticationSecret, Credentials: 1}},
		"keys":                   {privateKey, "JWKS", "", outcome{Authentication: trust.AuthenticationPrivateKey, Keys: 1}},
		"keys of a URL":          {privateKey, "JWKSURI", "https://client.example/jwks", outcome{Authentication: trust.AuthenticationPrivateKey, Keys: 1, Remote: true}},
		"federated":              {federated(""), "JWKSURI", "https://x", outcome{Authentication: trust.AuthenticationFederated, Workload: trust.Workload{Provider: trust.ObjectKey{Namespace: "team-a", Name: "cluster"}, Subject: "me"}}},
		"federated by another":   {federated("team-b"), "", "", outcome{Authentication: trust.AuthenticationFederated, Workload: trust.Workload{Provider: trust.ObjectKey{Namespace: "team-b", Name: "cluster"}, Subject: "me"}}},
		"public":                 {v1alpha1.ClientAuthentication{Public: &v1alpha1.PublicAuthentication{}}, "JWKS", "", outcome{Authentication: trust.AuthenticationNone}},
		"no method that is here": {v1alpha1.ClientAuthentication{}, "JWKS", "", outcome{}},
	} {
		t.Run(name, func(t *testing.T) {
			o := oauthClient()
			o.Spec.Authentication = tc.auth
			everything(o, tc.source, tc.url)
			c, err := CompileClient(o)
			if err != nil {
				t.Fatal(err)
			}
			got := outcome{c.Authentication, len(c.Credentials), len(c.Keys), c.RemoteKeys, c.Workload}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
