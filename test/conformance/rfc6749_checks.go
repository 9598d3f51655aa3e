package conformance

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func idIsNoProof(t *testing.T, s *Server) {
	for _, id := range []string{portalID, batchID, plainID} {
		s.exchange(t, only(id)).wantError(t, http.StatusUnauthorized, "invalid_client")
	}
	s.exchange(t, nobody).wantError(t, http.StatusUnauthorized, "invalid_client")
	s.exchange(t, only(appID)).wantGranted(t) // it has no credentials
}

func oneMethod(t *testing.T, s *Server) {
	two := func(r *http.Request, form url.Values) { portal()(r, form); post(portalID, portalSecret)(r, form) }
	s.exchange(t, two).wantError(t, http.StatusBadRequest, "invalid_request")
	three := func(r *http.Request, form url.Values) { portal()(r, form); withAssertion(s.clientAssertion())(r, form) }
	s.exchange(t, three).wantError(t, http.StatusBadRequest, "invalid_request")
}

// basicWorks also shows the form encoding: the secret has characters that it changes.
func basicWorks(t *testing.T, s *Server) {
	s.exchange(t, portal()).wantGranted(t)
	plain := func(r *http.Request, _ url.Values) { r.SetBasicAuth(portalID, portalSecret) }
	s.exchange(t, plain).wantError(t, http.StatusUnauthorized, "invalid_client")
	s.exchange(t, post(portalID, portalSecret)).wantGranted(t)
}

func notInTheURI(t *testing.T, s *Server) {
	form := url.Values{"grant_type": {jwtBearer}, "assertion": {s.assertion()}}
	query := url.Values{"client_id": {portalID}, "client_secret": {portalSecret}}.Encode()
	s.ask(t, s.endpoint(t, "token_endpoint")+"?"+query, form, nobody).wantError(t, http.StatusBadRequest, "invalid_request")
}

func noFragment(t *testing.T, s *Server) {
	for name, value := range s.metadata(t).body {
		if text, ok := value.(string); ok && strings.HasSuffix(name, "_endpoint") && strings.Contains(text, "#") {
			t.Errorf("%s is %s", name, text)
		}
	}
}

func postOnly(t *testing.T, s *Server) {
	form := url.Values{"grant_type": {jwtBearer}, "assertion": {s.assertion()}, "client_id": {appID}}
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		r, err := http.NewRequestWithContext(t.Context(), method, s.endpoint(t, "token_endpoint")+"?"+form.Encode(), strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if a := s.do(t, r); a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != http.MethodPost || a.body["access_token"] != nil {
			t.Errorf("%s answers %d with Allow %q: %s", method, a.status, a.header.Get("Allow"), a.text)
		}
	}
}

func emptyIsOmitted(t *testing.T, s *Server) {
	a := s.exchange(t, portal(), "scope", "", "resource", "")
	a.wantGranted(t)
	if a.body["scope"] != "read write" {
		t.Errorf("scope is %v", a.body["scope"])
	}
	s.exchange(t, portal(), "assertion", "").wantError(t, http.StatusBadRequest, "invalid_request")
	s.exchange(t, portal(), "grant_type", "").wantError(t, http.StatusBadRequest, "invalid_request")
}

func unknownIsIgnored(t *testing.T, s *Server) {
	s.exchange(t, portal(), "nobody_knows", "x", "response_type", "code").wantGranted(t)
}

func onlyOnce(t *testing.T, s *Server) {
	for _, name := range []string{"grant_type", "assertion", "scope", "client_id", "nobody_knows"} {
		twice := func(r *http.Request, form url.Values) {
			portal()(r, form)
			form[name] = []string{form.Get(name), form.Get(name)}
		}
		s.exchange(t, twice, "client_id", portalID, "scope", "read").wantError(t, http.StatusBadRequest, "invalid_request")
	}
}

func scopeCase(t *testing.T, s *Server) {
	s.exchange(t, portal(), "scope", "READ").wantError(t, http.StatusBadRequest, "invalid_scope")
}

func otherScopeIsSaid(t *testing.T, s *Server) {
	a := s.exchange(t, portal(), "scope", "read nobody-knows")
	if a.status == http.StatusOK && a.body["scope"] != "read" {
		t.Errorf("the answer says scope %v", a.body["scope"])
	}
	if b := s.exchange(t, portal()); b.body["scope"] != "read write" {
		t.Errorf("without request, the answer says scope %v", b.body["scope"])
	}
}

func defaultScope(t *testing.T, s *Server) {
	a := s.exchange(t, portal())
	a.wantGranted(t)
	if claims := claimsOf(t, a.body["access_token"], 1); claims["scope"] != a.body["scope"] {
		t.Errorf("the token has scope %v, the answer says %v", claims["scope"], a.body["scope"])
	}
}

// ownName asks for a token in the client's own name.
func (s *Server) ownName(t *testing.T, who authentication) answer {
	t.Helper()
	return s.token(t, url.Values{"grant_type": {clientCredentials}}, who)
}

func ownNameIsConfidential(t *testing.T, s *Server) {
	s.ownName(t, only(appID)).wantError(t, http.StatusBadRequest, "unauthorized_client")
	s.ownName(t, portal()).wantGranted(t)
}

func ownNameIsAuthenticated(t *testing.T, s *Server) {
	s.ownName(t, basic(portalID, "wrong")).wantError(t, http.StatusUnauthorized, "invalid_client")
	s.ownName(t, only(portalID)).wantError(t, http.StatusUnauthorized, "invalid_client")
}

func ownNameHasNoRefreshToken(t *testing.T, s *Server) {
	if a := s.ownName(t, portal()); a.body["refresh_token"] != nil || a.status != http.StatusOK {
		t.Errorf("the answer is %d %s", a.status, a.text)
	}
}

func extensionGrant(t *testing.T, s *Server) {
	s.exchange(t, portal(), "grant_type", "jwt-bearer").wantError(t, http.StatusBadRequest, "unsupported_grant_type")
	s.exchange(t, portal()).wantGranted(t)
}

func answerIsJSON(t *testing.T, s *Server) {
	a := s.exchange(t, portal())
	if a.status != http.StatusOK || !isJSON(a) {
		t.Errorf("the answer is %d %s", a.status, a.header.Get("Content-Type"))
	}
}

func isJSON(a answer) bool {
	return a.header.Get("Content-Type") == "application/json" || strings.HasPrefix(a.header.Get("Content-Type"), "application/json;")
}

func answerMembers(t *testing.T, s *Server) {
	a := s.exchange(t, portal())
	a.wantGranted(t)
	if kind, _ := a.body["token_type"].(string); !strings.EqualFold(kind, "Bearer") {
		t.Errorf("token_type is %v", a.body["token_type"])
	}
	number, ok := a.body["expires_in"].(json.Number)
	if seconds, err := number.Int64(); !ok || err != nil || seconds <= 0 {
		t.Errorf("expires_in is %v", a.body["expires_in"])
	}
}

func answerIsNotStored(t *testing.T, s *Server) { notStored(t, s.exchange(t, portal())) }

func notStored(t *testing.T, a answer) {
	t.Helper()
	if a.header.Get("Cache-Control") != "no-store" || a.header.Get("Pragma") != "no-cache" {
		t.Errorf("Cache-Control is %q, Pragma is %q", a.header.Get("Cache-Control"), a.header.Get("Pragma"))
	}
}
