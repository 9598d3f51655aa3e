package jose

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

type wycheproofFile struct {
	NumberOfTests int               `json:"numberOfTests"`
	TestGroups    []wycheproofGroup `json:"testGroups"`
}

type wycheproofGroup struct {
	Comment string           `json:"comment"`
	Private json.RawMessage  `json:"private"`
	Public  json.RawMessage  `json:"public"`
	Tests   []wycheproofTest `json:"tests"`
}

type wycheproofTest struct {
	ID      int             `json:"tcId"`
	Comment string          `json:"comment"`
	JWS     json.RawMessage `json:"jws"`
	JWE     json.RawMessage `json:"jwe"`
	Result  string          `json:"result"`
	Flags   []string        `json:"flags"`
}

// text is the JWS or JWE: a string, or the text of an object in JSON serialization.
func (c wycheproofTest) text() string {
	raw := c.JWS
	if raw == nil {
		raw = c.JWE
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return string(raw)
	}
	return s
}

// keys are the JWKs of the group: the public ones, or what there is.
func (g wycheproofGroup) keys() []json.RawMessage {
	raw := g.Public
	if raw == nil {
		raw = g.Private
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(raw, &set) == nil && set.Keys != nil {
		return set.Keys
	}
	return []json.RawMessage{raw}
}

// verifies does what the token server does: it keeps the keys that can be used, and tries those that fit the header.
func verifies(keys []json.RawMessage, text string) bool {
	c, err := ParseCompact(text)
	if err != nil {
		return false
	}
	for _, raw := range keys {
		k, err := ParseJWK(raw)
		if err != nil || c.UntrustedHeader.KeyID != "" && k.KeyID() != "" && c.UntrustedHeader.KeyID != k.KeyID() {
			continue
		}
		if k.Verify(Algorithm(c.UntrustedHeader.Algorithm), c.SigningInput, c.Signature) {
			return true
		}
	}
	return false
}

// TestWycheproof: every vector has its expected result, or deviates by a rule. The numbers of deviations are part of
// the test, so that a rule cannot grow.
func TestWycheproof(t *testing.T) {
	for file, want := range map[string]map[string]int{
		"json_web_signature_test.json": {deviationHMAC: 10, deviationEmpty: 6, deviationBound: 4},
		"json_web_key_test.json":       {deviationHMAC: 4},
		"json_web_crypto_test.json":    {deviationHMAC: 2, deviationEncrypted: 2},
	} {
		t.Run(file, func(t *testing.T) {
			var vectors wycheproofFile
			jwttest.ReadData(t, &vectors, "wycheproof", file)
			deviations, run := map[string]int{}, 0
			for _, g := range vectors.TestGroups {
				run += len(g.Tests)
				g.count(t, deviations)
			}
			if run != vectors.NumberOfTests {
				t.Errorf("%d vectors, want %d", run, vectors.NumberOfTests)
			}
			if diff := cmp.Diff(want, deviations); diff != "" {
				t.Errorf("deviations (-want +got):\n%s", diff)
			}
		})
	}
}

// count runs the vectors of a group and counts the deviations by rule.
func (g wycheproofGroup) count(t *testing.T, deviations map[string]int) {
	t.Helper()
	for _, c := range g.Tests {
		got := verifies(g.keys(), c.text())
		if got == (c.Result == "valid") {
			continue
		}
		rule := deviation(g.keys()[0], c)
		if rule == "" {
			t.Errorf("vector %d (%s, %s) must be %s, verified = %v", c.ID, g.Comment, c.Comment, c.Result, got)
		}
		deviations[rule]++
	}
}

// The rules.
const (
	deviationHMAC      = "refused on purpose: a key that verifies must not be able to sign"
	deviationEmpty     = "refused on purpose: an empty payload is no claims set"
	deviationBound     = "refused on purpose: the key is bound to another algorithm than the header's"
	deviationEncrypted = "refused on purpose: encryption"
)

// deviation returns the rule by which a result other than the expected one is right or known, or empty.
func deviation(rawKey json.RawMessage, c wycheproofTest) string {
	header, rest, _ := strings.Cut(c.text(), ".")
	payload, _, _ := strings.Cut(rest, ".")
	var key struct {
		Type      string `json:"kty"`
		Algorithm string `json:"alg"`
	}
	_ = json.Unmarshal(rawKey, &key)
	var untrusted struct {
		Algorithm string `json:"alg"`
	}
	_ = json.Unmarshal([]byte(decoded(header)), &untrusted)
	switch valid := c.Result == "valid"; {
	case !valid:
		return ""
	case c.JWE != nil:
		return deviationEncrypted
	case key.Type == "oct":
		return deviationHMAC
	case payload == "":
		return deviationEmpty
	case key.Algorithm != untrusted.Algorithm:
		return deviationBound
	}
	return ""
}

func decoded(part string) string {
	b, err := decodePart(nil, part)
	if err != nil {
		return ""
	}
	return string(b)
}
