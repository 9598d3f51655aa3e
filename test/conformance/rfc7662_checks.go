package conformance

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// api is the client that asks about tokens for orders.
func api() authentication { return basic(apiID, apiSecret) }

func endpointsAreHTTPS(t *testing.T, s *Server) {
	for name, value := range s.metadata(t).body {
		text, ok := value.(string)
		if ok && (strings.HasSuffix(name, "_endpoint") || name == "jwks_uri") && !strings.HasPrefix(text, "https://") {
			t.Errorf("%s is %s", name, text)
		}
	}
}

// issued is a fresh access token of the usual client about alice.
func (s *Server) issued(t *testing.T) string {
	t.Helper()
	a := s.exchange(t, portal(), "scope", "read")
	a.wantGranted(t)
	token, _ := a.body["access_token"].(string)
	return token
}

// introspect asks about a token, revoke ends one; both with more parameters where they are given.
func (s *Server) introspect(t *testing.T, token string, who authentication, more ...string) answer {
	t.Helper()
	return s.about(t, "introspection_endpoint", token, who, more)
}

func (s *Server) revoke(t *testing.T, token string, who authentication, more ...string) answer {
	t.Helper()
	return s.about(t, "revocation_endpoint", token, who, more)
}

func (s *Server) about(t *testing.T, endpoint, token string, who authentication, more []string) answer {
	t.Helper()
	form := url.Values{}
	if token != "" {
		form.Set("token", token)
	}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return s.ask(t, s.endpoint(t, endpoint), form, who)
}

// wantActive checks whether a token is active, and that nothing is said of one that is not.
func (a answer) wantActive(t *testing.T, active bool) {
	t.Helper()
	if a.status != http.StatusOK || !isJSON(a) || a.body["active"] != active {
		t.Fatalf("the answer is %d %s %s", a.status, a.header.Get("Content-Type"), a.text)
	}
	if !active && len(a.body) != 1 {
		t.Errorf("of an inactive token, the answer says %s", a.text)
	}
}

func revokedIsInactive(t *testing.T, s *Server) {
	token, other := s.issued(t), s.issued(t)
	s.introspect(t, token, api()).wantActive(t, true)
	if a := s.revoke(t, token, portal()); a.status != http.StatusOK {
		t.Errorf("the answer is %d %s", a.status, a.text)
	}
	s.introspect(t, token, api()).wantActive(t, false)
	s.introspect(t, token, portal()).wantActive(t, false)
	s.introspect(t, other, api()).wantActive(t, true)
}

func revokedRefreshTokenIsOver(t *testing.T, s *Server) {
	a := s.exchange(t, portal())
	token := a.refreshToken(t)
	access, _ := a.body["access_token"].(string)
	if other := s.revoke(t, token, only(appID)); other.status != http.StatusBadRequest {
		t.Errorf("to another client, the answer is %d %s", other.status, other.text)
	}
	s.introspect(t, access, api()).wantActive(t, true)
	if own := s.revoke(t, token, portal(), "token_type_hint", "access_token"); own.status != http.StatusOK {
		t.Errorf("the answer is %d %s", own.status, own.text)
	}
	s.refresh(t, token, portal()).wantError(t, http.StatusBadRequest, "invalid_grant")
	s.introspect(t, access, api()).wantActive(t, false)
}

func revocationForm(t *testing.T, s *Server) {
	s.revoke(t, "", portal()).wantError(t, http.StatusBadRequest, "invalid_request")
	if a := s.get(t, s.endpoint(t, "revocation_endpoint")+"?token=x"); a.status != http.StatusMethodNotAllowed {
		t.Errorf("GET answers %d", a.status)
	}
}

func revocationHint(t *testing.T, s *Server) {
	token := s.issued(t)
	if a := s.revoke(t, token, portal(), "token_type_hint", "refresh_token"); a.status != http.StatusOK {
		t.Errorf("the answer is %d %s", a.status, a.text)
	}
	s.introspect(t, token, api()).wantActive(t, false)
}

func revocationIsAuthenticated(t *testing.T, s *Server) {
	token := s.issued(t)
	for _, who := range []authentication{nobody, only(portalID), basic(portalID, "wrong"), withAssertion("x")} {
		s.revoke(t, token, who).wantError(t, http.StatusUnauthorized, "invalid_client")
	}
	s.introspect(t, token, api()).wantActive(t, true)
}

func revocationOfOthers(t *testing.T, s *Server) {
	token := s.issued(t)
	for _, who := range []authentication{api(), only(appID), basic(plainID, plainSecret)} {
		if a := s.revoke(t, token, who); a.status != http.StatusBadRequest {
			t.Errorf("the answer is %d %s", a.status, a.text)
		}
	}
	s.introspect(t, token, api()).wantActive(t, true)
}

func revocationIsIdempotent(t *testing.T, s *Server) {
	token := s.issued(t)
	for _, text := range []string{token, token, "x", "x.y.z", s.assertion()} {
		if a := s.revoke(t, text, portal()); a.status != http.StatusOK {
			t.Errorf("the answer is %d %s", a.status, a.text)
		}
	}
}

func introspectionForm(t *testing.T, s *Server) {
	s.introspect(t, "", api()).wantError(t, http.StatusBadRequest, "invalid_request")
	if a := s.get(t, s.endpoint(t, "introspection_endpoint")+"?token=x"); a.status != http.StatusMethodNotAllowed {
		t.Errorf("GET answers %d", a.status)
	}
	a := s.introspect(t, "x", basic(apiID, "wrong"))
	a.wantError(t, http.StatusUnauthorized, "invalid_client")
	if a.header.Get("WWW-Authenticate") == "" {
		t.Error("there is no challenge")
	}
}

func introspectionIsAuthorized(t *testing.T, s *Server) {
	token := s.issued(t)
	for _, who := range []authentication{nobody, only(apiID), basic(apiID, "wrong"), func(r *http.Request, _ url.Values) { r.Header.Set("Authorization", "Bearer "+token) }} {
		s.introspect(t, token, who).wantError(t, http.StatusUnauthorized, "invalid_client")
	}
	if a := s.introspect(t, token, only(appID)); a.status != http.StatusBadRequest && a.status != http.StatusUnauthorized || a.body["active"] != nil {
		t.Errorf("to a public client, the answer is %d %s", a.status, a.text)
	}
}

func introspectionHint(t *testing.T, s *Server) {
	s.introspect(t, s.issued(t), api(), "token_type_hint", "refresh_token").wantActive(t, true)
}

func activeToken(t *testing.T, s *Server) {
	token := s.issued(t)
	a := s.introspect(t, token, api())
	a.wantActive(t, true)
	notStored(t, a)
	for name, value := range claimsOf(t, token, 1) {
		if diff := cmp.Diff(value, a.body[name]); diff != "" {
			t.Errorf("%s (-token +answer):\n%s", name, diff)
		}
	}
}

func inactiveToken(t *testing.T, s *Server) {
	for _, text := range []string{"x", "x.y.z", s.assertion(), s.clientAssertion()} {
		a := s.introspect(t, text, api())
		a.wantActive(t, false)
		notStored(t, a)
	}
	s.introspect(t, s.issued(t), basic(plainID, plainSecret)).wantActive(t, false) // which it is not for
}
