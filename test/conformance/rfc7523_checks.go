package conformance

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

// present presents an assertion with changed claims, which must be refused.
func (s *Server) present(t *testing.T, changes ...change) {
	t.Helper()
	s.exchange(t, portal(), "assertion", s.assertion(changes...)).wantError(t, http.StatusBadRequest, "invalid_grant")
}

// presentAsClient presents a client assertion with changed claims, which must be refused.
func (s *Server) presentAsClient(t *testing.T, changes ...change) {
	t.Helper()
	s.exchange(t, withAssertion(s.clientAssertion(changes...))).wantError(t, http.StatusUnauthorized, "invalid_client")
}

func assertionIsRequired(t *testing.T, s *Server) {
	s.exchange(t, portal(), "assertion", "").wantError(t, http.StatusBadRequest, "invalid_request")
	s.exchange(t, portal()).wantGranted(t)
}

func clientAssertionIsWhole(t *testing.T, s *Server) {
	typeAlone := func(_ *http.Request, form url.Values) { form.Set("client_assertion_type", clientAssertionType) }
	assertionAlone := func(_ *http.Request, form url.Values) { form.Set("client_assertion", s.clientAssertion()) }
	otherType := func(r *http.Request, form url.Values) {
		withAssertion(s.clientAssertion())(r, form)
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer")
	}
	for name, who := range map[string]authentication{"type alone": typeAlone, "assertion alone": assertionAlone, "other type": otherType} {
		if a := s.exchange(t, who); a.body["access_token"] != nil || a.status != http.StatusBadRequest && a.status != http.StatusUnauthorized {
			t.Errorf("%s: the answer is %d %s", name, a.status, a.text)
		}
	}
	s.exchange(t, withAssertion(s.clientAssertion())).wantGranted(t)
}

func clientIDOfAssertion(t *testing.T, s *Server) {
	with := func(id string) authentication {
		return func(r *http.Request, form url.Values) {
			withAssertion(s.clientAssertion())(r, form)
			form.Set("client_id", id)
		}
	}
	s.exchange(t, with(batchID)).wantGranted(t)
	for _, other := range []string{portalID, appID, "nobody"} {
		if a := s.exchange(t, with(other)); a.body["access_token"] != nil || a.status != http.StatusBadRequest && a.status != http.StatusUnauthorized {
			t.Errorf("client_id %s: the answer is %d %s", other, a.status, a.text)
		}
	}
}

func badClientAssertion(t *testing.T, s *Server) {
	s.exchange(t, withAssertion("x")).wantError(t, http.StatusUnauthorized, "invalid_client")
	s.presentAsClient(t, claim("exp", "1"))
	forged := signed(partnerKey, batchID, batchID, s.Issuer)
	s.exchange(t, withAssertion(forged)).wantError(t, http.StatusUnauthorized, "invalid_client")
}

func issuerIsRequired(t *testing.T, s *Server) {
	s.present(t, claim("iss", ""))
	s.present(t, claim("iss", `"https://nobody.conformance.test"`))
	s.present(t, claim("iss", jwttest.Quote(partner+"/"))) // RFC 3986 §6.2.1: simple string comparison
	s.present(t, claim("iss", jwttest.Quote(strings.ToUpper(partner))))
	s.presentAsClient(t, claim("iss", ""))
}

func subjectIsRequired(t *testing.T, s *Server) {
	s.present(t, claim("sub", ""))
	s.present(t, claim("sub", `""`))
	s.presentAsClient(t, claim("sub", ""))
}

func clientIsSubject(t *testing.T, s *Server) {
	subjectIsRequired(t, s)
	s.presentAsClient(t, claim("sub", jwttest.Quote(portalID)))
	s.presentAsClient(t, claim("iss", jwttest.Quote(partner)))
}

func audienceIsRequired(t *testing.T, s *Server) {
	for _, aud := range []string{"", `"https://other.conformance.test"`, jwttest.Quote(Audience(s.Issuer) + "/"), `[]`, `1`} {
		s.present(t, claim("aud", aud))
		s.presentAsClient(t, claim("aud", aud))
	}
	s.exchange(t, portal(), "assertion", s.assertion(claim("aud", fmt.Sprintf(`[%q]`, Audience(s.Issuer))))).wantGranted(t)
}

// fromNow is a NumericDate that long from now.
func fromNow(d time.Duration) string { return fmt.Sprint(time.Now().Add(d).Unix()) }

func expiryIsRequired(t *testing.T, s *Server) {
	for _, exp := range []string{"", fromNow(-10 * time.Minute), `"` + fromNow(time.Minute) + `"`} {
		s.present(t, claim("exp", exp))
		s.presentAsClient(t, claim("exp", exp))
	}
}

func notBefore(t *testing.T, s *Server) {
	s.present(t, claim("nbf", fromNow(10*time.Minute)), claim("exp", fromNow(20*time.Minute)))
	s.presentAsClient(t, claim("nbf", fromNow(10*time.Minute)), claim("exp", fromNow(20*time.Minute)))
}

func signatureIsRequired(t *testing.T, s *Server) {
	whole := s.assertion()
	unsigned := whole[:strings.LastIndexByte(whole, '.')+1]
	_, rest, _ := strings.Cut(unsigned, ".")
	none := jwttest.Part(`{"alg":"none"}`) + "." + rest
	for _, text := range []string{unsigned, none, signed("conformance stranger", partner, "alice", Audience(s.Issuer))} {
		s.exchange(t, portal(), "assertion", text).wantError(t, http.StatusBadRequest, "invalid_grant")
	}
	s.exchange(t, portal(), "assertion", whole).wantGranted(t)
}

func usedOnce(t *testing.T, s *Server) {
	used := s.assertion()
	s.exchange(t, portal(), "assertion", used).wantGranted(t)
	s.exchange(t, portal(), "assertion", used).wantError(t, http.StatusBadRequest, "invalid_grant")
	s.exchange(t, only(appID), "assertion", used).wantError(t, http.StatusBadRequest, "invalid_grant")
}

func singleJWT(t *testing.T, s *Server) {
	for _, text := range []string{s.assertion() + " " + s.assertion(), s.assertion() + "," + s.assertion(), `["` + s.assertion() + `"]`, s.assertion() + ".x", "x"} {
		s.exchange(t, portal(), "assertion", text).wantError(t, http.StatusBadRequest, "invalid_grant")
	}
}

func singleClientJWT(t *testing.T, s *Server) {
	for _, text := range []string{s.clientAssertion() + " " + s.clientAssertion(), s.clientAssertion() + ".x"} {
		s.exchange(t, withAssertion(text)).wantError(t, http.StatusUnauthorized, "invalid_client")
	}
}

func otherClaims(t *testing.T, s *Server) {
	a := s.exchange(t, portal(), "assertion", s.assertion(claim("nobody_knows", `{"a":[1,null]}`), claim("client_id", `"somebody"`)))
	a.wantGranted(t)
	if claims := claimsOf(t, a.body["access_token"], 1); claims["nobody_knows"] != nil || claims["client_id"] != portalID {
		t.Errorf("the access token says %v", claims)
	}
}

func clientAudience(t *testing.T, s *Server) {
	for _, aud := range []string{jwttest.Quote(Audience(s.Issuer)), fmt.Sprintf(`[%q,%q]`, s.Issuer, Audience(s.Issuer)), fmt.Sprintf(`[%q,"https://other.test"]`, s.Issuer)} {
		s.presentAsClient(t, claim("aud", aud))
	}
	s.exchange(t, withAssertion(s.clientAssertion())).wantGranted(t)
}
