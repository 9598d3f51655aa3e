package conformance

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// refusals are some of every kind, with what they must be.
func (s *Server) refusals(t *testing.T) map[string]struct {
	got    answer
	status int
	code   string
} {
	t.Helper()
	type refusal = struct {
		got    answer
		status int
		code   string
	}
	return map[string]refusal{
		"no grant_type":    {s.exchange(t, portal(), "grant_type", ""), 400, "invalid_request"},
		"no assertion":     {s.exchange(t, portal(), "assertion", ""), 400, "invalid_request"},
		"wrong secret":     {s.exchange(t, basic(portalID, "wrong")), 401, "invalid_client"},
		"unknown client":   {s.exchange(t, basic("nobody", "wrong")), 401, "invalid_client"},
		"no client":        {s.exchange(t, nobody), 401, "invalid_client"},
		"no JWT":           {s.exchange(t, portal(), "assertion", `"\`), 400, "invalid_grant"},
		"expired":          {s.exchange(t, portal(), "assertion", s.assertion(claim("exp", "1"))), 400, "invalid_grant"},
		"another audience": {s.exchange(t, portal(), "assertion", s.assertion(claim("aud", `"https://other.test"`))), 400, "invalid_grant"},
		"not its grant":    {s.ownName(t, basic(plainID, plainSecret)), 400, "unauthorized_client"},
		"unknown grant":    {s.exchange(t, portal(), "grant_type", `"\`), 400, "unsupported_grant_type"},
		"unknown scope":    {s.exchange(t, portal(), "scope", "nobody-knows"), 400, "invalid_scope"},
		"malformed scope":  {s.exchange(t, portal(), "scope", `"\`), 400, "invalid_scope"},
		"unknown resource": {s.exchange(t, portal(), "resource", "https://other.test"), 400, "invalid_target"},
	}
}

// errorsAreWhole checks all that RFC 6749 §5.2 says of any refusal.
func errorsAreWhole(t *testing.T, s *Server) {
	codes := []string{
		"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope",
		"invalid_target", // RFC 8707 §2
	}
	for name, r := range s.refusals(t) {
		r.got.wantError(t, r.status, r.code)
		code, _ := r.got.body["error"].(string)
		if !slices.Contains(codes, code) {
			t.Errorf("%s: the code is %q", name, code)
		}
		text, _ := r.got.body["error_description"].(string)
		if strings.ContainsFunc(text, func(c rune) bool { return c < 0x20 || c > 0x7e || c == '"' || c == '\\' }) {
			t.Errorf("%s: the description is %q", name, text)
		}
		if !isJSON(r.got) {
			t.Errorf("%s: the answer is %s", name, r.got.header.Get("Content-Type"))
		}
		notStored(t, r.got)
	}
}

// wantCode checks that the refusals of these names are what they must be.
func (s *Server) wantCode(t *testing.T, code string) {
	t.Helper()
	seen := false
	for _, r := range s.refusals(t) {
		if r.code == code {
			seen = true
			r.got.wantError(t, r.status, code)
		}
	}
	if !seen {
		t.Fatalf("nothing is refused as %s", code)
	}
}

func invalidRequest(t *testing.T, s *Server) {
	s.wantCode(t, "invalid_request")
	onlyOnce(t, s)
}

func invalidClient(t *testing.T, s *Server)        { s.wantCode(t, "invalid_client") }
func invalidGrant(t *testing.T, s *Server)         { s.wantCode(t, "invalid_grant") }
func unauthorizedClient(t *testing.T, s *Server)   { s.wantCode(t, "unauthorized_client") }
func unsupportedGrantType(t *testing.T, s *Server) { s.wantCode(t, "unsupported_grant_type") }
func invalidScope(t *testing.T, s *Server)         { s.wantCode(t, "invalid_scope") }

func challenge(t *testing.T, s *Server) {
	for _, who := range []authentication{basic(portalID, "wrong"), func(r *http.Request, _ url.Values) { r.Header.Set("Authorization", "Basic !") }} {
		a := s.exchange(t, who)
		a.wantError(t, http.StatusUnauthorized, "invalid_client")
		if scheme, _, _ := strings.Cut(a.header.Get("WWW-Authenticate"), " "); !strings.EqualFold(scheme, "Basic") {
			t.Errorf("WWW-Authenticate is %q", a.header.Get("WWW-Authenticate"))
		}
	}
}
