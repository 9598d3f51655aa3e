package interop

import (
	"context"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	oauth2jwt "golang.org/x/oauth2/jwt"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

const (
	jwtBearer     = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	tokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange"
	jwtType       = "urn:ietf:params:oauth:token-type:jwt"
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
)

// trusting is a context for the libraries, which makes them use an HTTP client that trusts the server. change may change
// its requests, and be nil.
func trusting(ctx context.Context, t *testing.T, change func(*http.Request)) context.Context {
	t.Helper()
	transport := world.certificate.Transport()
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: changing{transport, change}}
	return oidc.ClientContext(context.WithValue(ctx, oauth2.HTTPClient, client), client)
}

// changing changes requests.
type changing struct {
	next   http.RoundTripper
	change func(*http.Request)
}

func (c changing) RoundTrip(r *http.Request) (*http.Response, error) {
	if c.change != nil {
		r = r.Clone(r.Context())
		c.change(r)
	}
	return c.next.RoundTrip(r)
}

// signed is a fresh JWT with the key of that name.
func signed(key, issuer, subject, audience string) string {
	return signedAt(time.Now(), key, issuer, subject, audience)
}

func signedAt(at time.Time, key, issuer, subject, audience string) string {
	now := at.Unix()
	claims := jwttest.Object{}.Add("iss", jwttest.Quote(issuer)).Add("sub", jwttest.Quote(subject)).Add("aud", jwttest.Quote(audience)).
		Add("iat", fmt.Sprint(now)).Add("exp", fmt.Sprint(now+60)).Add("jti", jwttest.Quote(fmt.Sprint(time.Now().UnixNano())))
	return jwttest.Compact("ES256", jwttest.EC(key, elliptic.P256()), `{"alg":"ES256","typ":"JWT"}`, claims.String())
}

func assertion() string { return signed("partner", partner, "alice", world.Provider.Audience) }

// clientAssertion is one of the client with a key.
func clientAssertion() url.Values {
	id := world.Clients["key"].ID
	return url.Values{"client_assertion_type": {assertionType}, "client_assertion": {signed("batch", id, id, world.Issuer)}}
}

// presenting makes a client present an assertion in place of what the library thinks of.
func presenting(more url.Values) url.Values {
	values := url.Values{"grant_type": {jwtBearer}, "assertion": {assertion()}}
	maps.Copy(values, more)
	return values
}

// swapping makes a client exchange a token.
func swapping(more url.Values) url.Values {
	values := url.Values{"grant_type": {tokenExchange}, "subject_token": {assertion()}, "subject_token_type": {jwtType}}
	maps.Copy(values, more)
	return values
}

// TestOAuth2: golang.org/x/oauth2 is the client, and go-oidc the API that is called with the access token.
func TestOAuth2(t *testing.T) {
	ctx := trusting(t.Context(), t, nil)
	secret := world.Clients["secret"]
	portal := clientcredentials.Config{ClientID: secret.ID, ClientSecret: secret.Secret, AuthStyle: oauth2.AuthStyleInHeader}
	for name, tc := range map[string]struct {
		config clientcredentials.Config
		style  oauth2.AuthStyle
		more   url.Values
		want   expectation
	}{
		"exchange, client_secret_basic":           {portal, oauth2.AuthStyleInHeader, presenting(nil), granted(secret.ID, alice)},
		"exchange, client_secret_post":            {portal, oauth2.AuthStyleInParams, presenting(nil), granted(secret.ID, alice)},
		"exchange, method found by trying":        {portal, oauth2.AuthStyleAutoDetect, presenting(nil), granted(secret.ID, alice)},
		"exchange, private_key_jwt":               {clientcredentials.Config{}, oauth2.AuthStyleInParams, presenting(clientAssertion()), granted("team-a.batch", alice)},
		"exchange, none":                          {clientcredentials.Config{ClientID: "team-a.app"}, oauth2.AuthStyleInParams, presenting(nil), granted("team-a.app", alice)},
		"client credentials, client_secret_basic": {portal, oauth2.AuthStyleInHeader, nil, granted(secret.ID, secret.ID)},
		"client credentials, private_key_jwt":     {clientcredentials.Config{}, oauth2.AuthStyleInParams, clientAssertion(), granted("team-a.batch", "team-a.batch")},
		"token exchange":                          {portal, oauth2.AuthStyleInHeader, swapping(nil), granted(secret.ID, alice)},
		"token exchange for an actor": {portal, oauth2.AuthStyleInHeader, swapping(url.Values{
			"actor_token": {signed("partner", partner, "robot", world.Provider.Audience)}, "actor_token_type": {jwtType},
		}), acting(secret.ID, alice, robot)},
		"refused: subject token": {portal, oauth2.AuthStyleInHeader, swapping(url.Values{"subject_token": {"x"}}), refused(400, "invalid_request")},
		"refused: wrong secret":  {clientcredentials.Config{ClientID: secret.ID, ClientSecret: "wrong"}, oauth2.AuthStyleInHeader, presenting(nil), refused(401, "invalid_client")},
		"refused: not signed":    {portal, oauth2.AuthStyleInHeader, presenting(url.Values{"assertion": {"x"}}), refused(400, "invalid_grant")},
		"refused: scope":         {portal, oauth2.AuthStyleInHeader, presenting(url.Values{"scope": {"admin"}}), refused(400, "invalid_scope")},
	} {
		t.Run(name, func(t *testing.T) {
			tc.config.TokenURL, tc.config.Scopes, tc.config.EndpointParams, tc.config.AuthStyle = world.Issuer+"/oauth2/token", []string{"read"}, tc.more, tc.style
			if tc.more.Has("scope") {
				tc.config.Scopes = nil
			}
			token, err := tc.config.Token(ctx)
			tc.want.check(t, reported(ctx, t, token, err))
		})
	}
}

// TestOAuth2Refresh: golang.org/x/oauth2 refreshes a token that has expired by itself, and keeps the next refresh token.
func TestOAuth2Refresh(t *testing.T) {
	ctx, secret := trusting(t.Context(), t, nil), world.Clients["secret"]
	endpoint := oauth2.Endpoint{TokenURL: world.Issuer + "/oauth2/token", AuthStyle: oauth2.AuthStyleInHeader}
	first, err := (&clientcredentials.Config{
		ClientID: secret.ID, ClientSecret: secret.Secret, TokenURL: endpoint.TokenURL, AuthStyle: endpoint.AuthStyle,
		Scopes: []string{"read"}, EndpointParams: presenting(nil),
	}).Token(ctx)
	if err != nil || first.RefreshToken == "" {
		t.Fatalf("no refresh token: %v", err)
	}
	config := oauth2.Config{ClientID: secret.ID, ClientSecret: secret.Secret, Endpoint: endpoint}
	last := first.RefreshToken
	for range 3 {
		token, err := config.TokenSource(ctx, &oauth2.Token{RefreshToken: last}).Token()
		granted(secret.ID, alice).check(t, reported(ctx, t, token, err))
		if token.RefreshToken == last {
			t.Fatal("the next refresh token is the one before")
		}
		last = token.RefreshToken
	}
	_, err = config.TokenSource(ctx, &oauth2.Token{RefreshToken: first.RefreshToken}).Token()
	refused(400, "invalid_grant").check(t, reported(ctx, t, nil, err))
}

// TestOAuth2JWT: golang.org/x/oauth2/jwt makes assertions itself. It authenticates no client, so somebody must do it.
func TestOAuth2JWT(t *testing.T) {
	private := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(world.rsa)})
	secret := world.Clients["secret"]
	for name, tc := range map[string]struct {
		change func(*http.Request)
		want   expectation
	}{
		"client authenticated by the transport": {func(r *http.Request) {
			r.SetBasicAuth(url.QueryEscape(secret.ID), url.QueryEscape(secret.Secret))
		}, granted(secret.ID, "team-a/accounts:alice")},
		"refused: no client": {nil, refused(401, "invalid_client")},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := trusting(t.Context(), t, tc.change)
			config := oauth2jwt.Config{
				Email: google, Subject: "alice", PrivateKey: private, TokenURL: world.Issuer + "/oauth2/token", Audience: world.Provider.Audience,
				PrivateClaims: map[string]any{"jti": fmt.Sprint(time.Now().UnixNano())},
			}
			token, err := config.TokenSource(ctx).Token()
			got := reported(ctx, t, token, err)
			if got.Claims.Scope == "read write" { // the library has no parameter scope
				got.Claims.Scope, got.Response.Scope = "read", "read"
			}
			tc.want.check(t, got)
		})
	}
}

// reported is what the libraries say: the client of the answer, and the API of the access token.
func reported(ctx context.Context, t *testing.T, token *oauth2.Token, err error) result {
	t.Helper()
	if err != nil {
		var retrieve *oauth2.RetrieveError
		if !errors.As(err, &retrieve) {
			t.Fatal(err)
		}
		got := result{Failed: "refused", Status: retrieve.Response.StatusCode, Error: retrieve.ErrorCode, Description: retrieve.ErrorDescription}
		if got.Error == "" { // package jwt returns the body as it is
			var body struct{ Error string }
			if err := json.Unmarshal(retrieve.Body, &body); err != nil {
				t.Fatal(err)
			}
			got.Error, got.Description = body.Error, string(retrieve.Body)
		}
		return got
	}
	provider, err := oidc.NewProvider(ctx, world.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	verified, err := provider.Verifier(&oidc.Config{ClientID: resource}).Verify(ctx, token.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	got := result{Response: tokenResponse{AccessToken: token.AccessToken, TokenType: strings.ToLower(token.TokenType), ExpiresIn: time.Until(token.Expiry).Seconds()}}
	got.Response.Scope, _ = token.Extra("scope").(string)
	if err := verified.Claims(&got.Claims); err != nil {
		t.Fatal(err)
	}
	return got
}
