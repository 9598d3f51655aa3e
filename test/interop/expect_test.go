package interop

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// expectation is what a library must make of an answer.
type expectation struct {
	// client and subject are those of the access token.
	client, subject string
	// actor is who acts for the subject.
	actor string
	// introspected says that introspection tells of the token, and inactive that it is not active.
	introspected, inactive bool
	// code is the error that the library must report instead.
	code   string
	status int
	// failure is part of what the library says when it is the one to refuse.
	failure string
}

const (
	alice = "team-a/partner:alice"
	robot = "team-a/partner:robot"
)

// granted is an access token about somebody.
func granted(client, subject string) expectation {
	return expectation{client: client, subject: subject}
}

// acting is one about somebody for whom another acts.
func acting(client, subject, actor string) expectation {
	return expectation{client: client, subject: subject, actor: actor}
}

// active is a token that introspection tells of, inactive one of which it says nothing.
func active(client, subject string) expectation {
	return expectation{client: client, subject: subject, introspected: true}
}

func inactive() expectation { return expectation{introspected: true, inactive: true} }

func refused(status int, code string) expectation { return expectation{status: status, code: code} }

func failing(text string) expectation { return expectation{failure: text} }

// expectations are those of all scripts, by library and case.
func expectations() map[string]expectation {
	return map[string]expectation{
		"jose, verify":                  granted("team-a.app", alice),
		"jose, refused: another API":    failing("ERR_JWT_CLAIM_VALIDATION_FAILED"),
		"jose, refused: another issuer": failing("ERR_JWT_CLAIM_VALIDATION_FAILED"),
		"jose, refused: as an ID token": failing("ERR_JWT_CLAIM_VALIDATION_FAILED"),
		"jose, refused: altered":        failing("ERR_JWS_SIGNATURE_VERIFICATION_FAILED"),

		"oauth4webapi, exchange, client_secret_basic":            granted("team-a.portal", alice),
		"oauth4webapi, exchange, client_secret_post":             granted("team-a.portal", alice),
		"oauth4webapi, exchange, private_key_jwt":                granted("team-a.batch", alice),
		"oauth4webapi, exchange, none":                           granted("team-a.app", alice),
		"oauth4webapi, exchange, discovered by OpenID Connect":   granted("team-a.portal", alice),
		"oauth4webapi, exchange, resource":                       granted("team-a.portal", alice),
		"oauth4webapi, client credentials, client_secret_basic":  granted("team-a.portal", "team-a.portal"),
		"oauth4webapi, client credentials, private_key_jwt":      granted("team-a.batch", "team-a.batch"),
		"oauth4webapi, token exchange":                           granted("team-a.portal", alice),
		"oauth4webapi, token exchange for an actor":              acting("team-a.batch", alice, robot),
		"oauth4webapi, refresh":                                  granted("team-a.portal", alice),
		"oauth4webapi, refresh, none":                            granted("team-a.app", alice),
		"oauth4webapi, refused: refresh token used before":       refused(400, "invalid_grant"),
		"oauth4webapi, introspect":                               active("team-a.portal", alice),
		"oauth4webapi, introspect, unknown":                      inactive(),
		"oauth4webapi, revoke":                                   inactive(),
		"oauth4webapi, refused: revocation by another":           refused(400, "unauthorized_client"),
		"oauth4webapi, refused: subject token":                   refused(400, "invalid_request"),
		"oauth4webapi, introspect, private_key_jwt":              active("team-a.batch", alice),
		"oauth4webapi, refused: introspection by a public":       refused(401, "invalid_client"),
		"oauth4webapi, refused: client credentials of a public":  refused(400, "unauthorized_client"),
		"oauth4webapi, refused: wrong secret":                    refused(401, "invalid_client"),
		"oauth4webapi, refused: wrong audience":                  refused(400, "invalid_grant"),
		"oauth4webapi, refused: scope":                           refused(400, "invalid_scope"),
		"oauth4webapi, refused: resource":                        refused(400, "invalid_target"),
		"oauth4webapi, refused: used before":                     refused(400, "invalid_grant"),
		"openid-client, exchange, client_secret_basic":           granted("team-a.portal", alice),
		"openid-client, exchange, client_secret_post":            granted("team-a.portal", alice),
		"openid-client, exchange, private_key_jwt":               granted("team-a.batch", alice),
		"openid-client, exchange, none":                          granted("team-a.app", alice),
		"openid-client, exchange, discovered by OpenID Connect":  granted("team-a.portal", alice),
		"openid-client, exchange, resource":                      granted("team-a.portal", alice),
		"openid-client, client credentials, client_secret_basic": granted("team-a.portal", "team-a.portal"),
		"openid-client, client credentials, client_secret_post":  granted("team-a.portal", "team-a.portal"),
		"openid-client, client credentials, private_key_jwt":     granted("team-a.batch", "team-a.batch"),
		"openid-client, token exchange":                          granted("team-a.portal", alice),
		"openid-client, token exchange for an actor":             acting("team-a.portal", alice, robot),
		"openid-client, refresh":                                 granted("team-a.portal", alice),
		"openid-client, refresh, less scope":                     granted("team-a.portal", alice),
		"openid-client, refused: refresh token of another":       refused(400, "invalid_grant"),
		"openid-client, introspect":                              active("team-a.portal", alice),
		"openid-client, introspect, unknown":                     inactive(),
		"openid-client, revoke":                                  inactive(),
		"openid-client, refused: revoked refresh token":          refused(400, "invalid_grant"),
		"openid-client, refused: revocation by another":          refused(400, "unauthorized_client"),
		"openid-client, refused: subject token":                  refused(400, "invalid_request"),
		"openid-client, refused: client credentials of a public": refused(400, "unauthorized_client"),
		"openid-client, refused: wrong secret":                   refused(401, "invalid_client"),
		"openid-client, refused: wrong audience":                 refused(400, "invalid_grant"),
		"openid-client, refused: scope":                          refused(400, "invalid_scope"),
		"openid-client, refused: resource":                       refused(400, "invalid_target"),
		"openid-client, refused: used before":                    refused(400, "invalid_grant"),
	}
}

func (e expectation) check(t *testing.T, got result) {
	t.Helper()
	if e.code != "" {
		if got.Failed == "" || got.Error != e.code || got.Status != e.status || got.Description == "" {
			t.Errorf("the library reports %+v instead of %s", got, e.code)
		}
		return
	}
	if e.failure != "" {
		if !strings.Contains(got.Failed, e.failure) {
			t.Errorf("the library says %q instead of %s", got.Failed, e.failure)
		}
		return
	}
	if got.Failed != "" {
		t.Fatal(got.Failed, got.Error, got.Description)
	}
	if e.introspected != (got.Active != nil) || e.introspected && *got.Active == e.inactive {
		t.Fatalf("the library says active: %v", got.Active)
	}
	if e.inactive {
		return
	}
	want := claims{Issuer: world.Issuer, Subject: e.subject, Audience: resource, ClientID: e.client, Scope: "read"}
	want.Actor.Subject = e.actor
	if diff := cmp.Diff(want, got.Claims); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
	if r := got.Response; !e.introspected && (r.AccessToken == "" || r.TokenType != "bearer" || r.ExpiresIn < 3590 || r.ExpiresIn > 3600 || r.Scope != "read") {
		t.Errorf("the library returns %+v", r)
	}
}
