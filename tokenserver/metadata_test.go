package tokenserver

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// P-03: the algorithms that are promised are those of the keys that are published, each once, also of those that do not
// sign yet.
func TestAlgorithmsOfRing(t *testing.T) {
	entry := func(alg jose.Algorithm, from time.Duration) keyring.Key {
		return keyring.Key{Signer: must(jose.GenerateSigner(alg)), ActiveFrom: noon.Add(from)}
	}
	for name, tc := range map[string]struct {
		keys []keyring.Key
		want []string
	}{
		"RS256":             {[]keyring.Key{entry(jose.RS256, 0)}, []string{"RS256"}},
		"EdDSA":             {[]keyring.Key{entry(jose.EdDSA, 0)}, []string{"EdDSA"}},
		"two of one":        {[]keyring.Key{entry(jose.ES256, 0), entry(jose.ES256, -time.Hour)}, []string{"ES256"}},
		"one is to come":    {[]keyring.Key{entry(jose.ES256, 0), entry(jose.EdDSA, time.Hour)}, []string{"ES256", "EdDSA"}},
		"one was long used": {[]keyring.Key{entry(jose.RS256, -time.Hour), entry(jose.ES256, 0)}, []string{"ES256", "RS256"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.store.Update(func(tx *trust.Tx) { tx.SetRing(must(keyring.New(tc.keys...))) })
			var document struct {
				Algorithms []string `json:"id_token_signing_alg_values_supported"`
			}
			if err := json.Unmarshal([]byte(f.at(t, http.MethodGet, PathOpenIDMetadata).text), &document); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, document.Algorithms); diff != "" {
				t.Errorf("algorithms (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOpenIDMetadataWithoutRing(t *testing.T) {
	f := newFixture(t)
	f.store.Update(func(tx *trust.Tx) { tx.SetRing(nil) })
	a := f.at(t, http.MethodGet, PathOpenIDMetadata)
	if a.status != http.StatusServiceUnavailable || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("got %d with %v, want 503 that is not cached", a.status, a.header)
	}
}

// P-02: what is promised about caches is what rotation reckons with.
func TestMaxAgeOfPublicDocuments(t *testing.T) {
	_, seconds, _ := strings.Cut(publicMaxAge, "max-age=")
	if age := time.Duration(must(strconv.Atoi(seconds))) * time.Second; age > keyring.MinPublishAhead {
		t.Errorf("documents may be kept for %v, but keys are published only %v ahead", age, keyring.MinPublishAhead)
	}
}
