package jose

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

// TestEd25519Points: D-23: the eight points of small order, for which anybody can sign, in each way of writing them; what is no
// point; and a point that is written in another way than its only one (RFC 8032 §5.1.3).
func TestEd25519Points(t *testing.T) {
	for name, tc := range map[string]struct {
		key  string
		want Problem
	}{
		"order 1":                         {"0100000000000000000000000000000000000000000000000000000000000000", ProblemWeak},
		"order 1, with a sign":            {"0100000000000000000000000000000000000000000000000000000000000080", ProblemWeak},
		"order 1, y and p":                {"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", ProblemWeak},
		"order 1, y and p, with a sign":   {"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", ProblemWeak},
		"order 2":                         {"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", ProblemWeak},
		"order 2, with a sign":            {"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", ProblemWeak},
		"order 4, all bytes zero":         {"0000000000000000000000000000000000000000000000000000000000000000", ProblemWeak},
		"order 4, the other":              {"0000000000000000000000000000000000000000000000000000000000000080", ProblemWeak},
		"order 4, y and p":                {"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", ProblemWeak},
		"order 4, y and p, the other":     {"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", ProblemWeak},
		"order 8":                         {"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", ProblemWeak},
		"order 8, the second":             {"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85", ProblemWeak},
		"order 8, the third":              {"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", ProblemWeak},
		"order 8, the fourth":             {"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa", ProblemWeak},
		"no point":                        {"0200000000000000000000000000000000000000000000000000000000000000", ProblemMalformed},
		"a point of large order, y and p": {"f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", ProblemMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			key, err := hex.DecodeString(tc.key)
			if err != nil {
				t.Fatal(err)
			}
			_, err = NewPublicKey(ed25519.PublicKey(key))
			if keyErr, ok := errors.AsType[*KeyError](err); !ok || keyErr.Problem != tc.want {
				t.Errorf("error %v, want the problem %s", err, tc.want)
			}
		})
	}
	for range 200 {
		public, _, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := NewPublicKey(public); err != nil {
			t.Errorf("a sound key %x: %v", public, err)
		}
	}
	if _, err := NewPublicKey(jwttest.Ed25519("a").Public()); err != nil {
		t.Error(err)
	}
}
