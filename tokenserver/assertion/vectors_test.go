package assertion

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

// TestJSONTestSuite: I-04: every file of JSONTestSuite, correctly signed, as the whole payload and as the value of a
// claim that nobody reads.
func TestJSONTestSuite(t *testing.T) {
	root := jwttest.Data(t, "JSONTestSuite")
	files, err := filepath.Glob(filepath.Join(root, "test_parsing", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 318 {
		t.Fatalf("%d files, want at least 318", len(files))
	}
	w, vr, key := deterministic(), NewVerifier(ownIssuer, ownTenants), jwttest.Ed25519("idp-b")
	var took []time.Duration
	verify := func(payload string) oauth.Reason {
		text := jwttest.Compact("EdDSA", key, w.header.String(), payload)
		start := time.Now()
		_, _, err := w.verify(vr, text)
		took = append(took, time.Since(start))
		return reasonOf(err)
	}
	outcomes := map[string]int{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(file)
		whole := verify(string(content))
		if !slices.Contains([]oauth.Reason{
			oauth.ReasonClaimsMalformed, oauth.ReasonIssuerMissing, oauth.ReasonAssertionMalformed, oauth.ReasonAssertionTooLarge,
		}, whole) || whole == oauth.ReasonIssuerMissing && name[0] == 'n' {
			t.Errorf("%s as payload: %q", name, whole)
		}
		value := verify(w.claims.Add("x", string(content)).String())
		first := verify(strings.Replace(w.claims.String(), "{", `{"x":`+string(content)+",", 1))
		switch name[0] {
		case 'y':
			if value != accepted || first != accepted {
				t.Errorf("%s as value: %q at the end, %q at the start", name, value, first)
			}
		case 'n':
			refused := []oauth.Reason{oauth.ReasonClaimsMalformed, oauth.ReasonAssertionTooLarge}
			if !slices.Contains(refused, value) || !slices.Contains(refused, first) {
				t.Errorf("%s as value: %q at the end, %q at the start", name, value, first)
			}
		default:
			outcomes[string(value)]++
		}
	}
	slices.Sort(took)
	if p99 := took[len(took)*99/100]; p99 > 100*time.Millisecond {
		t.Errorf("p99 = %v of %d", p99, len(took))
	}
	t.Logf("%d files; what may be either is %v; p99 %v, slowest %v", len(files), outcomes, took[len(took)*99/100], took[len(took)-1])
}

// TestNaughtyStrings: C-18, H-02: strings that break things, as kid and as sub.
func TestNaughtyStrings(t *testing.T) {
	var list []string
	jwttest.ReadData(t, &list, "blns", "blns.json")
	w, vr, key := deterministic(), NewVerifier(ownIssuer, ownTenants), jwttest.Ed25519("idp-b")
	acceptedSubjects := 0
	for _, s := range list {
		text := jwttest.Compact("EdDSA", key, w.header.Set("kid", jwttest.Quote(s)).String(), w.claims.String())
		_, _, err := w.verify(vr, text)
		if r := reasonOf(err); r != oauth.ReasonNoMatchingKey && r != oauth.ReasonHeaderMalformed {
			t.Errorf("kid %q: %q", s, r)
		}
		text = jwttest.Compact("EdDSA", key, w.header.String(), w.claims.Set("sub", jwttest.Quote(s)).String())
		v, _, err := w.verify(vr, text)
		switch r := reasonOf(err); {
		case r == accepted && v.Claims().Subject == s:
			acceptedSubjects++
		case r != oauth.ReasonClaimsMalformed:
			t.Errorf("sub %q: %q", s, r)
		}
	}
	if acceptedSubjects < len(list)/2 {
		t.Errorf("only %d of %d strings are accepted as sub", acceptedSubjects, len(list))
	}
}
