package conformance

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func issuerIsURL(t *testing.T, s *Server) {
	issuer, _ := s.metadata(t).body["issuer"].(string)
	u, err := url.Parse(issuer)
	if err != nil || u.Scheme != "https" || u.Host == "" || strings.ContainsAny(issuer, "?#") {
		t.Errorf("issuer is %q: %v", issuer, err)
	}
}

func metadataIssuer(t *testing.T, s *Server) {
	if a := s.metadata(t); a.status != http.StatusOK || a.body["issuer"] != s.Issuer {
		t.Errorf("the answer is %d %s", a.status, a.text)
	}
}

func metadataIsJSON(t *testing.T, s *Server) {
	if a := s.metadata(t); a.status != http.StatusOK || !isJSON(a) {
		t.Errorf("the answer is %d %s", a.status, a.header.Get("Content-Type"))
	}
}

// documentsWork also shows that nothing private is published.
func documentsWork(t *testing.T, s *Server) {
	a := s.get(t, s.endpoint(t, "jwks_uri"))
	keys, _ := a.body["keys"].([]any)
	if a.status != http.StatusOK || len(keys) == 0 {
		t.Fatalf("the keys are %d %s", a.status, a.text)
	}
	for _, k := range keys {
		members, _ := k.(map[string]any)
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
			if _, there := members[private]; there {
				t.Errorf("a key has the member %s", private)
			}
		}
		if members["kty"] == nil || members["kid"] == nil || members["use"] != "sig" {
			t.Errorf("a key is %v", members)
		}
	}
	s.exchange(t, portal()).wantGranted(t) // which finds the endpoint in the metadata
}

// list returns a list of the metadata, nil where it is not there.
func (s *Server) list(t *testing.T, name string) []string {
	t.Helper()
	all, ok := s.metadata(t).body[name].([]any)
	if !ok {
		return nil
	}
	list := []string{}
	for _, e := range all {
		text, _ := e.(string)
		list = append(list, text)
	}
	return list
}

func responseTypes(t *testing.T, s *Server) {
	if list := s.list(t, "response_types_supported"); list == nil || len(list) != 0 {
		t.Errorf("response_types_supported is %v", list)
	}
}

func grantTypes(t *testing.T, s *Server) {
	list := s.list(t, "grant_types_supported")
	for _, grant := range []string{jwtBearer, clientCredentials, tokenExchange, "refresh_token"} {
		if !slices.Contains(list, grant) {
			t.Errorf("grant_types_supported is %v, without %s", list, grant)
		}
	}
	for _, grant := range list { // None of them may be one that the server does not know.
		if a := s.token(t, url.Values{"grant_type": {grant}}, portal()); a.body["error"] == "unsupported_grant_type" {
			t.Errorf("%s is in grant_types_supported and refused as unsupported", grant)
		}
	}
}

func methodsAreListed(t *testing.T, s *Server) {
	list := s.list(t, "token_endpoint_auth_methods_supported")
	for _, method := range []string{"client_secret_basic", "client_secret_post", "private_key_jwt", "none"} {
		if !slices.Contains(list, method) {
			t.Errorf("token_endpoint_auth_methods_supported is %v, without %s", list, method)
		}
	}
}

func algorithmsAreListed(t *testing.T, s *Server) {
	list := s.list(t, "token_endpoint_auth_signing_alg_values_supported")
	if !slices.Contains(list, "RS256") || !slices.Contains(list, "ES256") || slices.Contains(list, "none") {
		t.Errorf("token_endpoint_auth_signing_alg_values_supported is %v", list)
	}
}

func resourceIsAbsolute(t *testing.T, s *Server) {
	for _, resource := range []string{"/api", "orders.conformance.test/api", orders + "#x", orders + "/", "https://other.test", "https://%zz"} {
		s.exchange(t, portal(), "resource", resource).wantError(t, http.StatusBadRequest, "invalid_target")
	}
}

// audience is the aud of the access token in an answer.
func audience(t *testing.T, a answer) []string {
	t.Helper()
	a.wantGranted(t)
	switch aud := claimsOf(t, a.body["access_token"], 1)["aud"].(type) {
	case string:
		return []string{aud}
	case []any:
		var all []string
		for _, e := range aud {
			text, _ := e.(string)
			all = append(all, text)
		}
		return all
	default:
		return nil
	}
}

func severalResources(t *testing.T, s *Server) {
	two := func(r *http.Request, form url.Values) { portal()(r, form); form["resource"] = []string{orders, stock} }
	if diff := cmp.Diff([]string{orders, stock}, audience(t, s.exchange(t, two))); diff != "" {
		t.Errorf("aud (-want +got):\n%s", diff)
	}
}

func resourceIsAudience(t *testing.T, s *Server) {
	for asked, want := range map[string]string{orders: orders, stock: stock, "": orders} {
		if diff := cmp.Diff([]string{want}, audience(t, s.exchange(t, portal(), "resource", asked))); diff != "" {
			t.Errorf("aud of resource %q (-want +got):\n%s", asked, diff)
		}
	}
}

func tokenIsSigned(t *testing.T, s *Server) {
	a := s.exchange(t, portal())
	header := claimsOf(t, a.body["access_token"], 0)
	if alg, _ := header["alg"].(string); alg == "" || strings.EqualFold(alg, "none") || strings.HasPrefix(alg, "HS") {
		t.Errorf("alg is %v", header["alg"])
	}
	keys, _ := s.get(t, s.endpoint(t, "jwks_uri")).body["keys"].([]any)
	if !slices.ContainsFunc(keys, func(k any) bool {
		members, _ := k.(map[string]any)
		return members["kid"] == header["kid"]
	}) {
		t.Errorf("no published key has the kid %v", header["kid"])
	}
}

func tokenType(t *testing.T, s *Server) {
	for _, a := range []answer{s.exchange(t, portal()), s.ownName(t, portal())} {
		if typ := claimsOf(t, a.body["access_token"], 0)["typ"]; typ != "at+jwt" && typ != "application/at+jwt" {
			t.Errorf("typ is %v", typ)
		}
	}
}

func tokenClaims(t *testing.T, s *Server) {
	for _, a := range []answer{s.exchange(t, portal()), s.ownName(t, portal())} {
		claims := claimsOf(t, a.body["access_token"], 1)
		for _, name := range []string{"iss", "exp", "aud", "sub", "client_id", "iat", "jti"} {
			if claims[name] == nil || claims[name] == "" {
				t.Errorf("there is no %s", name)
			}
		}
		if claims["iss"] != s.Issuer || claims["client_id"] != portalID {
			t.Errorf("iss is %v, client_id is %v", claims["iss"], claims["client_id"])
		}
		for _, name := range []string{"exp", "iat"} {
			if _, ok := claims[name].(json.Number); !ok {
				t.Errorf("%s is %v", name, claims[name])
			}
		}
	}
}

func tokenIDs(t *testing.T, s *Server) {
	seen := map[any]bool{}
	for range 50 {
		id := claimsOf(t, s.ownName(t, portal()).body["access_token"], 1)["jti"]
		if seen[id] {
			t.Fatalf("jti %v came twice", id)
		}
		seen[id] = true
	}
}

func tokenIsNoAssertion(t *testing.T, s *Server) {
	a := s.exchange(t, portal())
	a.wantGranted(t)
	own, _ := a.body["access_token"].(string)
	s.exchange(t, portal(), "assertion", own).wantError(t, http.StatusBadRequest, "invalid_grant")
	s.exchange(t, withAssertion(own)).wantError(t, http.StatusUnauthorized, "invalid_client")
	s.exchange(t, portal(), "assertion", s.clientAssertion()).wantError(t, http.StatusBadRequest, "invalid_grant")
	s.exchange(t, withAssertion(s.assertion())).wantError(t, http.StatusUnauthorized, "invalid_client")
}

func ownNameSubject(t *testing.T, s *Server) {
	if sub := claimsOf(t, s.ownName(t, portal()).body["access_token"], 1)["sub"]; sub != portalID {
		t.Errorf("sub of a client's own token is %v", sub)
	}
	a := s.exchange(t, portal(), "assertion", s.assertion(claim("sub", `"`+portalID+`"`)))
	if a.status == http.StatusOK && claimsOf(t, a.body["access_token"], 1)["sub"] == portalID {
		t.Error("an assertion got its client a token that looks like its own")
	}
}
