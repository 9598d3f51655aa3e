package hostile

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// publishedRows: the documents that anybody may read, and what nobody may on the public port.
func publishedRows() []row {
	return []row{
		{id: "P-01", name: "jwks-public-only", run: publicKeysOnly},
		{id: "P-03", name: "metadata-issuer", run: metadataTellsTheTruth},
		{id: "P-04", name: "metadata-method", want: notAllowed, send: readOnly("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"), after: noEcho},
		{id: "P-07", name: "debug-endpoints", want: notFound.or(notHTTP), send: gets(
			"/debug/pprof", "/debug/pprof/", "/debug/pprof/heap", "/debug/vars", "/metrics", "/healthz", "/readyz", "/livez", "/debug/requests", "/oauth2/introspect/", "/oauth2/introspection", "/oauth2/revoke/", "/oauth2/revocation", "/oauth2/authorize", "/.well-known/", "/.well-known/jwks.json",
			"/.well-known/oauth-authorization-server/", "/.well-known/oauth-authorization-server/x", "/oauth2/jwks/", "/oauth2/keys", "/api/v1/secrets",
		)},
		{id: "P-x03", name: "documents-in-caches", run: cachesOfDocuments},
		{id: "P-x04", name: "documents-of-tenants", run: tenantDocuments},
		{id: "P-x02", name: "documents-by-head", run: documentsByHead},
		{id: "P-x01", name: "documents-ignore-the-request", run: documentsIgnoreTheRequest},
	}
}

var documents = []string{"/oauth2/jwks", "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"}

// document reads a public document.
func (w *world) document(t *testing.T, target string, into any) {
	t.Helper()
	got := w.get(t, target)
	if got.status != http.StatusOK || mediaType(got.header.Get("Content-Type")) != "application/json" || !strings.Contains(got.header.Get("Cache-Control"), "max-age=") {
		t.Fatalf("%s is %d %v: %s", target, got.status, got.header, got.body)
	}
	if err := json.Unmarshal(got.body, into); err != nil {
		t.Fatal(err)
	}
}

func publicKeysOnly(t *testing.T, w *world) {
	var set struct{ Keys []map[string]any }
	w.document(t, "/oauth2/jwks", &set)
	if len(set.Keys) == 0 {
		t.Fatal("no key is published")
	}
	seen := map[any]bool{}
	for _, key := range set.Keys {
		for name := range key {
			if !slices.Contains([]string{"kty", "kid", "use", "alg", "crv", "x", "y", "n", "e"}, name) {
				t.Errorf("a published key has the member %s", name)
			}
		}
		if kid, _ := key["kid"].(string); kid == "" || seen[key["kid"]] || key["use"] != "sig" || key["alg"] != "ES256" {
			t.Errorf("a published key is for %v, %v, kid %v", key["use"], key["alg"], key["kid"])
		}
		seen[key["kid"]] = true
	}
}

func metadataTellsTheTruth(t *testing.T, w *world) {
	for _, target := range documents[1:] {
		var m struct {
			Issuer         string   `json:"issuer"`
			TokenEndpoint  string   `json:"token_endpoint"`
			JWKSURI        string   `json:"jwks_uri"`
			Grants         []string `json:"grant_types_supported"`
			Methods        []string `json:"token_endpoint_auth_methods_supported"`
			ResponseTypes  []string `json:"response_types_supported"`
			Authorization  any      `json:"authorization_endpoint"`
			Introspection  string   `json:"introspection_endpoint"`
			AskMethods     []string `json:"introspection_endpoint_auth_methods_supported"`
			Revocation     string   `json:"revocation_endpoint"`
			IDTokenSigning []string `json:"id_token_signing_alg_values_supported"`
		}
		w.document(t, target, &m)
		if m.Issuer != w.issuer || m.TokenEndpoint != w.issuer+"/oauth2/token" || m.JWKSURI != w.issuer+"/oauth2/jwks" {
			t.Errorf("%s tells of %+v, the issuer is %s", target, m, w.issuer)
		}
		if !slices.Equal(m.Grants, []string{jwtBearer, clientCredentials, tokenExchange, refreshToken}) || !slices.Equal(m.Methods, []string{"client_secret_basic", "client_secret_post", "private_key_jwt", "none"}) {
			t.Errorf("%s tells of grants %v and methods %v", target, m.Grants, m.Methods)
		}
		if m.Revocation != w.issuer+revocationPath {
			t.Errorf("%s tells of revocation at %s", target, m.Revocation)
		}
		if m.Introspection != w.issuer+introspectionPath || !slices.Equal(m.AskMethods, []string{"client_secret_basic", "client_secret_post", "private_key_jwt"}) {
			t.Errorf("%s tells of introspection at %s with methods %v", target, m.Introspection, m.AskMethods)
		}
		if m.Authorization != nil || len(m.ResponseTypes) != 0 || slices.Contains(m.IDTokenSigning, "none") {
			t.Errorf("%s tells of what there is not: %+v", target, m)
		}
	}
	if len(w.publishedKeys(t)) == 0 {
		t.Error("no key is published")
	}
}

// readOnly are requests by methods that the documents do not take.
func readOnly(methods ...string) []variant {
	m := map[string]func(*request){}
	for _, target := range documents {
		for _, method := range methods {
			m[method+strings.ReplaceAll(target, "/", " ")] = func(r *request) { r.method, r.target = method, target }
		}
	}
	return requests(m)
}

func gets(targets ...string) []variant {
	m := map[string]func(*request){}
	for _, target := range targets {
		m[strings.ReplaceAll(target, "/", " ")] = func(r *request) { r.method, r.target, r.params = http.MethodGet, target, nil }
	}
	return requests(m)
}

// documentsByHead: HEAD tells what GET does, without the body.
func documentsByHead(t *testing.T, w *world) {
	for _, target := range documents {
		full := w.get(t, target)
		got := w.send(t, &request{method: http.MethodHead, target: target, header: http.Header{}})
		if got.status != http.StatusOK || len(got.body) != 0 || got.header.Get("Cache-Control") != full.header.Get("Cache-Control") || got.header.Get("Content-Type") != full.header.Get("Content-Type") {
			t.Errorf("%s by HEAD is %d %v, by GET %v", target, got.status, got.header, full.header)
		}
	}
}

// documentsIgnoreTheRequest: no header and no query of a request shows in a document that others get from a cache.
func documentsIgnoreTheRequest(t *testing.T, w *world) {
	for _, target := range documents {
		first := w.get(t, target)
		for _, name := range []string{"Host", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Original-Url", "Origin", "Authorization", "Accept"} {
			r := &request{method: http.MethodGet, target: target + "?issuer=https://evil.test", header: http.Header{name: {"evil.test"}}}
			got := w.send(t, r)
			if got.status != http.StatusOK || string(got.body) != string(first.body) || got.header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s with %s is %d %s", target, name, got.status, got.body)
			}
		}
	}
}
