package tokenserver

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

func (f *fixture) ifNoneMatch(t *testing.T, method, path string, tags ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := ask(method, path, "")
	r.Header["If-None-Match"] = tags
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}

// RFC 9110 §13.1.2, §15.4.5: who has the document already is told so, with what a cache needs to keep it longer.
func TestConditionalRequests(t *testing.T) {
	f := newFixture(t)
	for _, path := range []string{PathJWKS, PathMetadata, PathOpenIDMetadata, PathMetadata + "/t/team-a"} {
		full := f.ifNoneMatch(t, http.MethodGet, path)
		tag := full.Header().Get("ETag")
		if len(tag) < 10 || tag[0] != '"' || tag[len(tag)-1] != '"' || full.Code != http.StatusOK {
			t.Fatalf("%s is %d with the tag %s", path, full.Code, tag)
		}
		for name, tc := range map[string]struct {
			tags []string
			hit  bool
		}{
			"same":       {[]string{tag}, true},
			"weak":       {[]string{"W/" + tag}, true},
			"one of":     {[]string{`"a", ` + tag + `,"b"`}, true},
			"other line": {[]string{`"a"`, tag}, true},
			"any":        {[]string{"*"}, true},
			"other":      {[]string{`"a"`}, false},
			"unquoted":   {[]string{tag[1 : len(tag)-1]}, false},
			"empty":      {[]string{""}, false},
		} {
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				w := f.ifNoneMatch(t, method, path, tc.tags...)
				want := http.StatusOK
				if tc.hit {
					want = http.StatusNotModified
				}
				if w.Code != want || tc.hit && w.Body.Len() != 0 || w.Header().Get("ETag") != tag || w.Header().Get("Cache-Control") != publicMaxAge {
					t.Errorf("%s %s, %s: %d %v %q", method, path, name, w.Code, w.Header(), w.Body)
				}
			}
		}
	}
}

// P-02: a key set that has changed is another one to caches.
func TestTagFollowsTheKeys(t *testing.T) {
	f := newFixture(t)
	before := f.ifNoneMatch(t, http.MethodGet, PathJWKS).Header().Get("ETag")
	f.store.Update(func(tx *trust.Tx) { tx.SetRing(must(keyring.Generate(noon.Add(-time.Hour)))) })
	if w := f.ifNoneMatch(t, http.MethodGet, PathJWKS, before); w.Code != http.StatusOK || w.Header().Get("ETag") == before {
		t.Errorf("after a change: %d with the tag %s", w.Code, w.Header().Get("ETag"))
	}
}

// What is no public document is never told from another by a tag.
func TestNoTagElsewhere(t *testing.T) {
	f := newFixture(t)
	f.store.Update(func(tx *trust.Tx) { tx.SetRing(nil) })
	for path, status := range map[string]int{PathToken: 405, "/": 404, PathJWKS: 503} {
		if w := f.ifNoneMatch(t, http.MethodGet, path, "*"); w.Code != status || w.Header().Get("ETag") != "" {
			t.Errorf("%s is %d with the tag %q", path, w.Code, w.Header().Get("ETag"))
		}
	}
}
