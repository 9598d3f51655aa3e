package tokenserver

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

var update = flag.Bool("update", false, "rewrite testdata/*.golden")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func indented(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(text), "", "  "); err != nil {
		t.Fatal(err)
	}
	return b.String() + "\n"
}

// P-01, P-03: the public documents, byte for byte.
func TestDocuments(t *testing.T) {
	for name, tc := range map[string]struct {
		path   string
		change func(*Config)
	}{
		"P-01-jwks":                  {PathJWKS, func(*Config) {}},
		"P-03-metadata":              {PathMetadata, func(*Config) {}},
		"P-03-openid-metadata":       {PathOpenIDMetadata, func(*Config) {}},
		"P-03-metadata-of-path":      {PathMetadata + "/tenant", func(c *Config) { c.Issuer = server + "/tenant" }},
		"W-05-metadata-grant-is-off": {PathMetadata, func(c *Config) { c.DisabledGrants = []string{oauth.GrantTypeJWTBearer} }},
	} {
		t.Run(name, func(t *testing.T) {
			a := newFixture(t, tc.change).at(t, http.MethodGet, tc.path)
			if a.status != http.StatusOK {
				t.Fatalf("got %d: %s", a.status, a.text)
			}
			golden(t, name, indented(t, a.text))
		})
	}
}

// Error bodies are part of the interface too.
func TestErrorBodies(t *testing.T) {
	f := newFixture(t)
	bodies := map[string]string{
		"no endpoint": f.at(t, http.MethodGet, "/").text,
		"no method":   f.at(t, http.MethodGet, PathToken).text,
		"no read":     f.at(t, http.MethodPost, PathJWKS).text,
		"client":      f.send(t, f.call("nobody", "x").request()).text,
		"assertion":   f.send(t, f.call("c1", "x").request()).text,
		"issuer":      f.send(t, f.call("c1", f.assertion("https://unknown.test", "1")).request()).text,
	}
	b, err := json.MarshalIndent(bodies, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "J-07-error-bodies", string(b)+"\n")
}

// P-01: every key of the ring is published, also one that does not sign yet, with nothing private and each kid once.
func TestJWKSOfRing(t *testing.T) {
	f, next := newFixture(t), must(jose.GenerateSigner(jose.ES256))
	both := must(keyring.New(keyring.Key{Signer: signer(), ActiveFrom: noon}, keyring.Key{Signer: next, ActiveFrom: noon.Add(time.Hour)}))
	f.store.Update(func(tx *trust.Tx) { tx.SetRing(both) })
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal([]byte(f.at(t, http.MethodGet, PathJWKS).text), &set); err != nil {
		t.Fatal(err)
	}
	var kids []string
	for _, k := range set.Keys {
		kids = append(kids, k["kid"])
		for _, member := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
			if _, ok := k[member]; ok {
				t.Errorf("key %s has the private member %s", k["kid"], member)
			}
		}
		if k["use"] != "sig" || k["alg"] != "ES256" {
			t.Errorf("key %s is for use %q with alg %q", k["kid"], k["use"], k["alg"])
		}
		if _, err := jose.ParseJWK(must(json.Marshal(k))); err != nil {
			t.Errorf("key %s cannot be read back: %v", k["kid"], err)
		}
	}
	if want := []string{signer().PublicKey().KeyID(), next.PublicKey().KeyID()}; !slices.Equal(kids, want) {
		t.Errorf("kids are %v, want %v", kids, want)
	}
}

// The document follows the ring, though it is kept.
func TestJWKSFollowsTheRing(t *testing.T) {
	f := newFixture(t)
	get := func() string {
		w := httptest.NewRecorder()
		f.ServeHTTP(w, ask(http.MethodGet, PathJWKS, ""))
		return w.Body.String()
	}
	before := get()
	if again := get(); again != before {
		t.Errorf("%s, and then %s", before, again)
	}
	ring := must(keyring.Generate(f.now))
	f.store.Update(func(tx *trust.Tx) { tx.SetRing(ring) })
	if after := get(); after == before || !strings.Contains(after, ring.PublicKeys()[0].KeyID()) {
		t.Errorf("after the rotation: %s", after)
	}
}

func TestJWKSWithoutRing(t *testing.T) {
	f := newFixture(t)
	f.store.Update(func(tx *trust.Tx) { tx.SetRing(nil) })
	a := f.at(t, http.MethodGet, PathJWKS)
	if a.status != http.StatusServiceUnavailable || a.header.Get("Cache-Control") != "no-store" || a.header.Get("Retry-After") == "" {
		t.Errorf("got %d with %v, want 503 that is not cached and says when to come back", a.status, a.header)
	}
	if a := f.at(t, http.MethodGet, PathMetadata); a.status != http.StatusOK {
		t.Errorf("metadata needs no ring, but gets %d", a.status)
	}
}
