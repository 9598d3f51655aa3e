package conformance

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// refreshRows: RFC 6749 §6, refresh tokens.
func refreshRows() []Row {
	refused := func(names ...string) []string {
		return in("tokenserver TestRefusalDoesNotUseTheRefreshToken/", names...)
	}
	return []Row{
		{RFC: "6749", Section: "6", Name: "required", Says: "refresh_token is there", Check: refreshTokenIsRequired, Tests: refused("M-07_no_token", "M-07_twice")},
		{RFC: "6749", Section: "6", Name: "authenticated", Says: "a client with credentials is authenticated", Check: refreshIsAuthenticated, Tests: refused("M-05_no_credentials", "M-05_wrong_secret")},
		{RFC: "6749", Section: "6", Name: "bound", Says: "a refresh token works for the client alone that it was issued to", Check: refreshTokenIsBound, Tests: refused("M-04_other_client")},
		{RFC: "6749", Section: "6", Name: "validated", Says: "the refresh token is validated", Check: refreshTokenIsValidated, Tests: refused("M-07_random", "M-07_changed", "M-07_an_access_token")},
		{RFC: "6749", Section: "6", Name: "scope", Says: "scope asks for nothing that was not granted; without it, it is what was granted", Check: refreshedScope, Tests: refused("M-06_wider_scope")},
		{RFC: "6749", Section: "6", Name: "next-scope", Says: "the scope of the next refresh token is that of the one before", Check: nextRefreshTokenIsWhole, Tests: in("tokenserver ", "TestRefreshTokenNarrowed")},
		{RFC: "6749", Section: "10.4", Name: "rotation", Says: "a refresh token that is used twice is noticed, and ends those that followed", Check: refreshTokenIsUsedOnce, Tests: in("tokenserver ", "TestRefreshTokenReuse", "TestRefreshTokenRace")},
	}
}

// refreshToken is a fresh one of a client.
func (s *Server) refreshToken(t *testing.T, who authentication, more ...string) string {
	t.Helper()
	return s.exchange(t, who, more...).refreshToken(t)
}

func (a answer) refreshToken(t *testing.T) string {
	t.Helper()
	a.wantGranted(t)
	token, _ := a.body["refresh_token"].(string)
	if token == "" {
		t.Fatalf("there is no refresh token: %s", a.text)
	}
	return token
}

// refresh uses a refresh token.
func (s *Server) refresh(t *testing.T, token string, who authentication, more ...string) answer {
	t.Helper()
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return s.token(t, form, who)
}

func refreshTokenIsRequired(t *testing.T, s *Server) {
	s.refresh(t, "", portal()).wantError(t, http.StatusBadRequest, "invalid_request")
	s.refresh(t, s.refreshToken(t, portal()), portal()).wantGranted(t)
	s.refresh(t, s.refreshToken(t, only(appID)), only(appID)).wantGranted(t)
}

func refreshIsAuthenticated(t *testing.T, s *Server) {
	token := s.refreshToken(t, portal())
	for _, who := range []authentication{nobody, only(portalID), basic(portalID, "wrong")} {
		s.refresh(t, token, who).wantError(t, http.StatusUnauthorized, "invalid_client")
	}
	s.refresh(t, token, portal()).wantGranted(t) // nobody has used it
}

func refreshTokenIsBound(t *testing.T, s *Server) {
	token := s.refreshToken(t, portal())
	s.refresh(t, token, only(appID)).wantError(t, http.StatusBadRequest, "invalid_grant")
	s.refresh(t, token, portal()).wantGranted(t)
}

func refreshTokenIsValidated(t *testing.T, s *Server) {
	token := s.refreshToken(t, portal())
	for _, text := range []string{"x", token + "A", token[:len(token)-1], strings.ToUpper(token), s.issued(t), s.assertion()} {
		s.refresh(t, text, portal()).wantError(t, http.StatusBadRequest, "invalid_grant")
	}
}

func refreshedScope(t *testing.T, s *Server) {
	token := s.refreshToken(t, portal(), "scope", "read")
	s.refresh(t, token, portal(), "scope", "read write").wantError(t, http.StatusBadRequest, "invalid_scope")
	a := s.refresh(t, token, portal())
	if claims := claimsOf(t, a.body["access_token"], 1); claims["scope"] != "read" {
		t.Errorf("scope is %v", claims["scope"])
	}
}

func nextRefreshTokenIsWhole(t *testing.T, s *Server) {
	narrowed := s.refresh(t, s.refreshToken(t, portal()), portal(), "scope", "read")
	if claims := claimsOf(t, narrowed.body["access_token"], 1); claims["scope"] != "read" {
		t.Errorf("scope is %v", claims["scope"])
	}
	a := s.refresh(t, narrowed.refreshToken(t), portal())
	if claims := claimsOf(t, a.body["access_token"], 1); claims["scope"] != "read write" {
		t.Errorf("scope after that is %v", claims["scope"])
	}
}

func refreshTokenIsUsedOnce(t *testing.T, s *Server) {
	first := s.refreshToken(t, portal())
	a := s.refresh(t, first, portal())
	second := a.refreshToken(t)
	access, _ := a.body["access_token"].(string)
	s.introspect(t, access, api()).wantActive(t, true)
	s.refresh(t, first, portal()).wantError(t, http.StatusBadRequest, "invalid_grant")
	s.refresh(t, second, portal()).wantError(t, http.StatusBadRequest, "invalid_grant")
	s.introspect(t, access, api()).wantActive(t, false)
}

func refreshedResource(t *testing.T, s *Server) {
	two := func(r *http.Request, form url.Values) { portal()(r, form); form["resource"] = []string{orders, stock} }
	a := s.refresh(t, s.refreshToken(t, two), portal(), "resource", stock)
	if diff := cmp.Diff([]string{stock}, audience(t, a)); diff != "" {
		t.Errorf("aud (-want +got):\n%s", diff)
	}
	token := s.refreshToken(t, portal(), "resource", orders)
	s.refresh(t, token, portal(), "resource", stock).wantError(t, http.StatusBadRequest, "invalid_target")
	if diff := cmp.Diff([]string{orders}, audience(t, s.refresh(t, token, portal()))); diff != "" {
		t.Errorf("aud without resource (-want +got):\n%s", diff)
	}
}
