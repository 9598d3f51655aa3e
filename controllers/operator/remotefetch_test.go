package operator

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/resolve"
	"github.com/grantor-dev/grantor/internal/resolve/fetch"
	"github.com/grantor-dev/grantor/tokenserver/jose"
)

// tlsSite is an https server with documents by path, and the headers of the requests for them.
type tlsSite struct {
	*httptest.Server
	documents map[string]string
	headers   []http.Header
}

func newTLSSite(t *testing.T) *tlsSite {
	t.Helper()
	s := &tlsSite{documents: map[string]string{}}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.headers = append(s.headers, r.Header.Clone())
		document, ok := s.documents[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "max-age=300")
		_, _ = io.WriteString(w, document)
	}))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func (s *tlsSite) ca() string { return string(block("CERTIFICATE", s.Certificate().Raw)) }

func loopback() *fetch.Fetcher {
	return fetch.New(fetch.Policy{AllowedNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
}

func jwkSet(t *testing.T, keys ...v1alpha1.JSONWebKey) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func discoveryOf(issuer, uri string) string {
	return `{"issuer":"` + issuer + `","jwks_uri":"` + uri + `"}`
}

func TestKeyFetcher(t *testing.T) {
	s := newTLSSite(t)
	s.documents["/jwks"] = jwkSet(t, jwk("a"), unsupported("x"))
	s.documents["/empty"] = jwkSet(t)
	s.documents["/useless"] = jwkSet(t, unsupported("x"))
	s.documents["/html"] = "<html>"
	s.documents["/discovery"] = discoveryOf(issuer, s.URL+"/jwks")
	s.documents["/other"] = discoveryOf("https://other.example", s.URL+"/jwks")
	s.documents["/plain"] = discoveryOf(issuer, "http://127.0.0.1/jwks")
	set := func(path string) RemoteSource {
		return RemoteSource{Kind: SourceJWKSURI, URL: s.URL + path, CA: s.ca()}
	}
	discovery := func(path string) RemoteSource {
		return RemoteSource{Kind: SourceDiscovery, URL: s.URL + path, Issuer: issuer, CA: s.ca()}
	}
	for name, tc := range map[string]struct {
		source RemoteSource
		// problem is the one of the error; nothing for a good set of one key.
		problem string
	}{
		"W-04 JWK Set":                  {set("/jwks"), ""},
		"W-04 discovery":                {discovery("/discovery"), ""},
		"no document":                   {set("/missing"), string(fetch.StatusNotOK)},
		"empty set":                     {set("/empty"), string(jose.ProblemMalformed)},
		"set without a usable key":      {set("/useless"), string(jose.ProblemUnsupported)},
		"HTML":                          {set("/html"), string(jose.ProblemMalformed)},
		"discovery of another issuer":   {discovery("/other"), string(resolve.ProblemOtherIssuer)},
		"discovery that leads to http":  {discovery("/plain"), string(fetch.URLNotAllowed)},
		"no discovery":                  {discovery("/missing"), string(fetch.StatusNotOK)},
		"a set instead of discovery":    {discovery("/jwks"), string(jose.ProblemMalformed)},
		"an authority that is not ours": {RemoteSource{Kind: SourceJWKSURI, URL: s.URL + "/jwks"}, string(fetch.TLSFailed)},
		"a bundle without certificate":  {RemoteSource{Kind: SourceJWKSURI, URL: s.URL + "/jwks", CA: "PEM"}, string(fetch.InvalidCABundle)},
		"the same, for discovery":       {RemoteSource{Kind: SourceDiscovery, URL: s.URL + "/discovery", Issuer: issuer}, string(fetch.TLSFailed)},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := KeyFetcher{Documents: loopback()}.Fetch(t.Context(), tc.source)
			if problem := problemOf(err); problem != tc.problem {
				t.Fatalf("problem %s, want %s: %v", problem, tc.problem, err)
			}
			if tc.problem == "" && (len(got.Keys.Keys) != 1 || len(got.Keys.Skipped) != 1 || got.FreshFor != 5*time.Minute) {
				t.Errorf("fetched %+v", got)
			}
			if tc.problem != "" && len(got.Keys.Keys) != 0 {
				t.Errorf("keys with error %v", err)
			}
		})
	}
	// K-11: whoever a tenant names gets nothing of ours.
	for _, h := range s.headers {
		if h.Get("Authorization") != "" || h.Get("Cookie") != "" {
			t.Errorf("headers %v", h)
		}
	}
}

func problemOf(err error) string {
	if f, ok := errors.AsType[*fetch.Error](err); ok {
		return string(f.Problem)
	}
	if k, ok := errors.AsType[*jose.KeyError](err); ok {
		return string(k.Problem)
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func TestKeyFetcherKeepsOutOfThePrivateNetwork(t *testing.T) {
	s := newTLSSite(t)
	s.documents["/jwks"] = jwkSet(t, jwk("a"))
	_, err := KeyFetcher{Documents: fetch.New(fetch.Policy{})}.Fetch(t.Context(), RemoteSource{Kind: SourceJWKSURI, URL: s.URL + "/jwks", CA: s.ca()})
	if reasonOfFetch(err) != v1alpha1.ReasonURLNotAllowed || len(s.headers) != 0 {
		t.Errorf("error %v, %d requests", err, len(s.headers))
	}
}

func TestKeyFetcherClusterIssuer(t *testing.T) {
	good := map[string]string{
		"/.well-known/openid-configuration": discoveryOf(issuer, "https://unreachable.example/openid/v1/jwks"),
		"/openid/v1/jwks":                   jwkSet(t, jwk("a")),
	}
	for name, tc := range map[string]struct {
		change  func(map[string]string)
		problem string
	}{
		"good": {func(map[string]string) {}, ""},
		"another issuer": {func(d map[string]string) {
			d["/.well-known/openid-configuration"] = discoveryOf("https://x", "https://y")
		}, string(resolve.ProblemOtherIssuer)},
		"no discovery":     {func(d map[string]string) { delete(d, "/.well-known/openid-configuration") }, errAPI.Error()},
		"no keys document": {func(d map[string]string) { delete(d, "/openid/v1/jwks") }, errAPI.Error()},
		"no keys":          {func(d map[string]string) { d["/openid/v1/jwks"] = jwkSet(t) }, string(jose.ProblemMalformed)},
	} {
		t.Run(name, func(t *testing.T) {
			documents := maps.Clone(good)
			tc.change(documents)
			f := KeyFetcher{Cluster: func(_ context.Context, path string) ([]byte, error) {
				if text, ok := documents[path]; ok {
					return []byte(text), nil
				}
				return nil, errAPI
			}}
			got, err := f.Fetch(t.Context(), RemoteSource{Kind: SourceClusterIssuer, Issuer: issuer})
			if problem := problemOf(err); problem != tc.problem || (len(got.Keys.Keys) == 1) != (tc.problem == "") {
				t.Errorf("problem %s, want %s; keys %v", problem, tc.problem, got.Keys)
			}
		})
	}
}

func TestAPIServerDocuments(t *testing.T) {
	const token = "service-account-token"
	elsewhere := newTLSSite(t)
	elsewhere.documents["/x"] = "{}"
	var seen []string
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.URL.Path+" "+r.Header.Get("Authorization"))
		switch r.URL.Path {
		case "/prefix/good":
			_, _ = io.WriteString(w, "document")
		case "/prefix/largest":
			_, _ = w.Write(make([]byte, fetch.MaxBodyBytes))
		case "/prefix/larger":
			_, _ = w.Write(make([]byte, fetch.MaxBodyBytes+1))
		case "/prefix/redirect":
			http.Redirect(w, r, elsewhere.URL+"/x", http.StatusFound)
		default:
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	t.Cleanup(server.Close)
	config := &rest.Config{
		Host: server.URL + "/prefix", BearerToken: token,
		TLSClientConfig: rest.TLSClientConfig{CAData: block("CERTIFICATE", server.Certificate().Raw)},
	}
	get, err := APIServerDocuments(config)
	if err != nil {
		t.Fatal(err)
	}
	for path, tc := range map[string]struct {
		size int
		say  string
	}{
		"/good":      {8, ""},
		"/largest":   {fetch.MaxBodyBytes, ""},
		"/larger":    {0, "larger than 1024 KiB"},
		"/forbidden": {0, "answers 403 for /forbidden: let the operator's ServiceAccount get that path"},
		"/redirect":  {0, "answers 302 for /redirect"},
	} {
		body, err := get(t.Context(), path)
		if len(body) != tc.size || (err == nil) != (tc.say == "") || err != nil && !strings.Contains(err.Error(), tc.say) {
			t.Errorf("%s: %d bytes, %v", path, len(body), err)
		}
		if err != nil && strings.Contains(err.Error(), token) {
			t.Errorf("%s: error %v", path, err)
		}
	}
	for _, s := range seen {
		if !strings.HasSuffix(s, " Bearer "+token) {
			t.Errorf("request %q", s)
		}
	}
	if len(elsewhere.headers) != 0 {
		t.Errorf("the credentials went elsewhere: %v", elsewhere.headers)
	}
	server.Close()
	if _, err := get(t.Context(), "/good"); !errors.Is(err, errAPIServer) {
		t.Errorf("error %v", err)
	}
	if http.DefaultClient.CheckRedirect != nil {
		t.Error("the default client was changed")
	}
}

func TestAPIServerDocumentsNeedAConfiguration(t *testing.T) {
	for name, config := range map[string]*rest.Config{
		"CA":   {Host: "https://localhost", TLSClientConfig: rest.TLSClientConfig{CAFile: "/does/not/exist"}},
		"host": {Host: "https://[", BearerToken: "x"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := APIServerDocuments(config); err == nil {
				t.Error("no error")
			}
		})
	}
	plain, err := APIServerDocuments(&rest.Config{Host: "http://127.0.0.1:1"})
	if err != nil || http.DefaultClient.CheckRedirect != nil {
		t.Fatalf("error %v; the default client was changed", err)
	}
	if _, err := plain(t.Context(), "/x"); !errors.Is(err, errAPIServer) {
		t.Errorf("error %v", err)
	}
}
