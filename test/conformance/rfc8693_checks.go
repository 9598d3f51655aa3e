package conformance

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// swap exchanges a fresh token about alice, with parameters added or replaced; an empty one is removed.
func (s *Server) swap(t *testing.T, who authentication, more ...string) answer {
	t.Helper()
	form := url.Values{"grant_type": {tokenExchange}, "subject_token": {s.assertion()}, "subject_token_type": {jwtType}, "scope": {"read"}}
	for i := 0; i < len(more); i += 2 {
		if form.Set(more[i], more[i+1]); more[i+1] == "" {
			form.Del(more[i])
		}
	}
	return s.token(t, form, who)
}

// actor is a fresh token of a robot that acts.
func (s *Server) actor() string { return s.assertion(claim("sub", `"robot"`)) }

func subjectTokenIsRequired(t *testing.T, s *Server) {
	for _, name := range []string{"subject_token", "subject_token_type"} {
		s.swap(t, portal(), name, "").wantError(t, http.StatusBadRequest, "invalid_request")
	}
	s.swap(t, portal()).wantGranted(t)
}

func actorTokenIsWhole(t *testing.T, s *Server) {
	s.swap(t, portal(), "actor_token", s.actor()).wantError(t, http.StatusBadRequest, "invalid_request")
	s.swap(t, portal(), "actor_token_type", jwtType).wantError(t, http.StatusBadRequest, "invalid_request")
	s.swap(t, portal(), "actor_token", s.actor(), "actor_token_type", jwtType).wantGranted(t)
}

func subjectTokenIsValidated(t *testing.T, s *Server) {
	bad := map[string]string{
		"garbage": "x", "expired": s.assertion(claim("exp", "1")), "for others": s.assertion(claim("aud", `"https://other.test"`)),
		"of a stranger": signed("conformance stranger", partner, "alice", Audience(s.Issuer)), "of a client": s.clientAssertion(),
	}
	for name, token := range bad {
		if a := s.swap(t, portal(), "subject_token", token); a.status != http.StatusBadRequest || a.body["error"] != "invalid_request" {
			t.Errorf("%s as subject: the answer is %d %s", name, a.status, a.text)
		}
		if a := s.swap(t, portal(), "actor_token", token, "actor_token_type", jwtType); a.status != http.StatusBadRequest || a.body["error"] != "invalid_request" {
			t.Errorf("%s as actor: the answer is %d %s", name, a.status, a.text)
		}
	}
	for _, kind := range []string{"urn:ietf:params:oauth:token-type:saml2", "urn:ietf:params:oauth:token-type:refresh_token", "jwt"} {
		s.swap(t, portal(), "subject_token_type", kind).wantError(t, http.StatusBadRequest, "invalid_request")
	}
}

func requestedType(t *testing.T, s *Server) {
	a := s.swap(t, portal(), "requested_token_type", accessTokenType)
	a.wantGranted(t)
	if a.body["issued_token_type"] != accessTokenType {
		t.Errorf("issued_token_type is %v", a.body["issued_token_type"])
	}
	s.swap(t, portal(), "requested_token_type", "urn:ietf:params:oauth:token-type:saml2").wantError(t, http.StatusBadRequest, "invalid_request")
}

func exchangeTarget(t *testing.T, s *Server) {
	for _, name := range []string{"resource", "audience"} {
		if diff := cmp.Diff([]string{stock}, audience(t, s.swap(t, portal(), name, stock))); diff != "" {
			t.Errorf("aud of %s (-want +got):\n%s", name, diff)
		}
		s.swap(t, portal(), name, "https://other.test").wantError(t, http.StatusBadRequest, "invalid_target")
		two := func(r *http.Request, form url.Values) { portal()(r, form); form[name] = []string{orders, stock} }
		if diff := cmp.Diff([]string{orders, stock}, audience(t, s.swap(t, two))); diff != "" {
			t.Errorf("aud of two %s (-want +got):\n%s", name, diff)
		}
	}
}

func exchangeIsAuthenticated(t *testing.T, s *Server) {
	s.swap(t, basic(portalID, "wrong")).wantError(t, http.StatusUnauthorized, "invalid_client")
	s.swap(t, nobody).wantError(t, http.StatusUnauthorized, "invalid_client")
	s.swap(t, basic(plainID, plainSecret)).wantError(t, http.StatusBadRequest, "unauthorized_client")
}

func exchangeAnswer(t *testing.T, s *Server) {
	a := s.swap(t, portal())
	a.wantGranted(t)
	if a.body["issued_token_type"] != accessTokenType || a.body["token_type"] != "Bearer" {
		t.Errorf("the answer is %s", a.text)
	}
	notStored(t, a)
	if id := claimsOf(t, a.body["access_token"], 1)["client_id"]; id != portalID {
		t.Errorf("client_id is %v", id)
	}
}

func actClaim(t *testing.T, s *Server) {
	plain := s.swap(t, portal())
	plain.wantGranted(t)
	if act := claimsOf(t, plain.body["access_token"], 1)["act"]; act != nil {
		t.Errorf("nobody acts, and act is %v", act)
	}
	a := s.swap(t, portal(), "actor_token", s.actor(), "actor_token_type", jwtType)
	a.wantGranted(t)
	claims := claimsOf(t, a.body["access_token"], 1)
	act, _ := claims["act"].(map[string]any)
	if sub, _ := act["sub"].(string); sub == "" || sub == claims["sub"] || claims["sub"] != claimsOf(t, plain.body["access_token"], 1)["sub"] {
		t.Errorf("sub is %v, act is %v", claims["sub"], claims["act"])
	}
}

func mayAct(t *testing.T, s *Server) {
	for who, allowed := range map[string]bool{"robot": true, "somebody": false} {
		subject := s.assertion(claim("may_act", `{"sub":"`+who+`"}`))
		a := s.swap(t, portal(), "subject_token", subject, "actor_token", s.actor(), "actor_token_type", jwtType)
		if granted := a.status == http.StatusOK; granted != allowed {
			t.Errorf("where %s may act, the robot gets %d %s", who, a.status, a.text)
		}
	}
}
