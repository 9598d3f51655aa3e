package integration

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// renew uses a refresh token at the first replica, which issued it.
func (tn *tenant) renew(refreshToken string) answer {
	tn.t.Helper()
	return tn.sendFirst("/oauth2/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshToken}}, tn.clientID())
}

// isActive asks the first replica about an access token, as the API that it is for.
func (tn *tenant) isActive(accessToken string) bool {
	tn.t.Helper()
	return tn.sendFirst("/oauth2/introspect", url.Values{"token": {accessToken}}, tn.namespace+".api").Active
}

func (tn *tenant) sendFirst(path string, form url.Values, id string) answer {
	tn.t.Helper()
	a, err := send(tn.t.Context(), grantor.URLs[0]+path, form, id, clientSecret)
	if err != nil {
		tn.t.Fatal(err)
	}
	return a
}

// TestMadeAnew, M-10, N-08: a client, or a provider, that is deleted and made anew in every detail is another one: no refresh
// token goes on, and no access token from before is active. What it gets itself counts.
func TestMadeAnew(t *testing.T) {
	for name, anew := range map[string]func(tn *tenant){
		"client": func(tn *tenant) {
			tn.delete(tn.client("playground"))
			tn.create(tn.refreshing())
			tn.waitReady(&v1alpha1.OAuthClient{}, "playground", v1alpha1.ReasonReady)
		},
		"provider": func(tn *tenant) {
			tn.delete(tn.provider("partner"))
			tn.create(tn.provider("partner"))
			tn.waitReady(&v1alpha1.IdentityProvider{}, "partner", v1alpha1.ReasonReady)
		},
	} {
		t.Run(name, func(t *testing.T) {
			tn := newTenant(t)
			tn.delete(tn.client("playground"))
			tn.create(tn.refreshing())
			tn.create(tn.api())
			tn.waitReady(&v1alpha1.OAuthClient{}, "playground", v1alpha1.ReasonReady)
			tn.waitReady(&v1alpha1.OAuthClient{}, "api", v1alpha1.ReasonReady)
			before := tn.renew(tn.post(0, tn.assertion()).RefreshToken)
			if before.status != http.StatusOK || !tn.isActive(before.AccessToken) {
				t.Fatalf("at first, the client gets %+v, active: %v", before, tn.isActive(before.AccessToken))
			}
			anew(tn)
			if tn.isActive(before.AccessToken) {
				t.Error("an access token from before is active")
			}
			if got := tn.renew(before.RefreshToken); got.status != http.StatusBadRequest || got.Error != "invalid_grant" {
				t.Errorf("a refresh token from before gets %+v", got)
			}
			after := tn.renew(tn.post(0, tn.assertion()).RefreshToken)
			if after.status != http.StatusOK || !tn.isActive(after.AccessToken) {
				t.Errorf("afterwards, the client gets %+v, active: %v", after, tn.isActive(after.AccessToken))
			}
		})
	}
}

func (tn *tenant) resource() string { return "https://api.example.com/" + tn.namespace }

// refreshing is the client playground with refresh tokens, for the client api.
func (tn *tenant) refreshing() *v1alpha1.OAuthClient {
	c := tn.client("playground")
	c.Spec.GrantTypes = append(c.Spec.GrantTypes, v1alpha1.GrantRefreshToken)
	c.Spec.Resources = []string{tn.resource()}
	return c
}

// api is a client that asks about access tokens. It shares the Secret of playground.
func (tn *tenant) api() *v1alpha1.OAuthClient {
	c := tn.client("api")
	c.Spec.GrantTypes = []v1alpha1.GrantType{}
	c.Spec.Authentication.ClientSecret.SecretRef.Name = "playground"
	c.Spec.ResourceServer = &v1alpha1.ResourceServer{Resources: []string{tn.resource()}}
	return c
}
