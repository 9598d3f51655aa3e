package probe

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// answer is what the server of a row answers at a path.
type answer struct {
	status      int
	kind, body  string
	destination string
}

// right are the answers of a server that works, for the issuer ISSUER.
func right() map[string]answer {
	return map[string]answer{
		"GET /.well-known/oauth-authorization-server/a": {
			200, "application/json", `{"issuer":"ISSUER","jwks_uri":"ISSUER/keys","token_endpoint":"ISSUER/token"}`, "",
		},
		"GET /a/keys":   {200, "application/jwk-set+json; charset=utf-8", `{"keys":[{"kid":"1","kty":"EC"}]}`, ""},
		"POST /a/token": {400, "application/json", `{"error":"invalid_request"}`, ""},
	}
}

func run(t *testing.T, answers map[string]answer) []Step {
	t.Helper()
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := answers[r.Method+" "+r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", a.kind)
		if a.destination != "" {
			w.Header().Set("Location", a.destination)
		}
		w.WriteHeader(a.status)
		_, _ = fmt.Fprint(w, strings.ReplaceAll(a.body, "ISSUER", server.URL+"/a"))
	}))
	defer server.Close()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return Run(t.Context(), client, server.URL+"/a")
}

func TestRight(t *testing.T) {
	steps := run(t, right())
	if len(steps) != 3 {
		t.Errorf("%d steps", len(steps))
	}
	for _, s := range steps {
		if s.Err != nil {
			t.Errorf("%s: %v", s.Name, s.Err)
		}
	}
}

// TestWrong changes one answer a row.
func TestWrong(t *testing.T) {
	const metadata, keys, token = "GET /.well-known/oauth-authorization-server/a", "GET /a/keys", "POST /a/token"
	document := func(issuer, keys, token string) answer {
		return answer{200, "application/json", fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q,"token_endpoint":%q}`, issuer, keys, token), ""}
	}
	for name, row := range map[string]struct {
		path string
		answer
		says string
	}{
		"page of a proxy":          {metadata, answer{200, "text/html", "<html>", ""}, `answers 200 with "text/html", not with JSON: something else answers there`},
		"nothing there":            {metadata, answer{404, "application/json", "{}", ""}, "answers 404"},
		"redirect":                 {metadata, answer{302, "application/json", "{}", "/elsewhere"}, "answers 302"},
		"broken":                   {metadata, answer{200, "application/json", "{", ""}, "answers with broken JSON"},
		"another issuer":           {metadata, document("https://evil.test", "ISSUER/keys", "ISSUER/token"), `is the document of issuer "https://evil.test"`},
		"issuer with a slash":      {metadata, document("ISSUER/", "ISSUER/keys", "ISSUER/token"), "is the document of issuer"},
		"keys elsewhere":           {metadata, document("ISSUER", "https://evil.test/keys", "ISSUER/token"), "which is not below the issuer"},
		"token endpoint elsewhere": {metadata, document("ISSUER", "ISSUER/keys", "ISSUERevil/token"), "which is not below the issuer"},
		"no keys":                  {keys, answer{200, "application/json", `{"keys":[]}`, ""}, "holds no key"},
		"not ready":                {keys, answer{503, "application/json", `{}`, ""}, "answers 503"},
		"key without kid":          {keys, answer{200, "application/json", `{"keys":[{"kty":"EC"}]}`, ""}, "holds a key without kid"},
		"private key":              {keys, answer{200, "application/json", `{"keys":[{"kid":"1","d":"x"}]}`, ""}, "holds a private key"},
		"shared key":               {keys, answer{200, "application/json", `{"keys":[{"kid":"1","kty":"oct"}]}`, ""}, "holds a private key"},
		"unavailable":              {token, answer{503, "application/json", `{"error":"temporarily_unavailable"}`, ""}, `by 503 "temporarily_unavailable"`},
		"a token for nothing":      {token, answer{200, "application/json", `{"access_token":"x"}`, ""}, `by 200 ""`},
		"other refusal":            {token, answer{400, "application/json", `{"error":"nonsense"}`, ""}, `by 400 "nonsense"`},
		"right words, wrong code":  {token, answer{500, "application/json", `{"error":"invalid_request"}`, ""}, `by 500`},
		"page at token endpoint":   {token, answer{400, "text/html", "", ""}, "something else answers there"},
	} {
		t.Run(name, func(t *testing.T) {
			answers := right()
			answers[row.path] = row.answer
			steps := run(t, answers)
			order := map[string]int{metadata: 1, keys: 2, token: 3}
			last := steps[len(steps)-1]
			if len(steps) != order[row.path] || last.Err == nil || !strings.Contains(last.Err.Error(), row.says) {
				t.Errorf("step %d, %s: %v, want: %s", len(steps), last.Name, last.Err, row.says)
			}
		})
	}
}

// TestEndless: an answer that does not end is not read to its end.
func TestEndless(t *testing.T) {
	answers := right()
	answers["GET /a/keys"] = answer{200, "application/json", `{"keys":[` + strings.Repeat(" ", 1<<20) + `{"kid":"1"}]}`, ""}
	if last := run(t, answers); last[len(last)-1].Err == nil {
		t.Error("read whole")
	}
}

// TestNoIssuer: what cannot be an issuer is not asked.
func TestNoIssuer(t *testing.T) {
	for _, issuer := range []string{"", "auth.example.com", "http://auth.example.com", "https://auth.example.com/"} {
		if steps := Run(t.Context(), http.DefaultClient, issuer); len(steps) != 1 || steps[0].Err == nil || !strings.Contains(steps[0].Err.Error(), "issuer") {
			t.Errorf("%q: %+v", issuer, steps)
		}
	}
}
