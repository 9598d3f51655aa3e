package keyring

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
)

// What is derived is pinned, since other token servers derive it too, and differs for every key, purpose and salt; it is not
// what a secret is digested to.
func TestDerive(t *testing.T) {
	seen := map[[sha256.Size]byte]string{}
	for name, tc := range map[string]struct {
		fill          byte
		purpose, salt string
	}{
		"one":                 {1, "a", "s"},
		"another key":         {2, "a", "s"},
		"another purpose":     {1, "b", "s"},
		"another salt":        {1, "a", "t"},
		"no salt":             {1, "a", ""},
		"no purpose":          {1, "", "s"},
		"salt and purpose":    {1, "as", ""},
		"purpose of a digest": {1, "grantor client secret v1\x00", ""},
	} {
		got, err := digestKey(t, tc.fill).Derive(tc.purpose, []byte(tc.salt))
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[got]; ok {
			t.Errorf("%s and %s are one key", name, other)
		}
		seen[got] = name
		if again, err := digestKey(t, tc.fill).Derive(tc.purpose, []byte(tc.salt)); err != nil || again != got {
			t.Errorf("%s is another key the second time", name)
		}
	}
	const want = "acad04595776f59de4d1f67aa4e2a63b6dcc897892bf6e3c421bbe85997f8414"
	if got, err := digestKey(t, 1).Derive("a", []byte("s")); err != nil || hex.EncodeToString(got[:]) != want {
		t.Errorf("derived %x, want %s", got, want)
	}
}

// A key is found by its id, whatever its part in the set.
func TestFind(t *testing.T) {
	keys, err := ParseDigestKeys(map[string][]byte{DigestDataKey: fill(1), PreviousDigestDataKey: fill(2), NextDigestDataKey: fill(3)})
	if err != nil {
		t.Fatal(err)
	}
	for b := byte(1); b <= 3; b++ {
		want := digestKey(t, b)
		if got, ok := keys.Find(want.ID()); !ok || got.ID() != want.ID() || string(got.Marshal()) != string(want.Marshal()) {
			t.Errorf("key %d is found as %v, %t", b, got, ok)
		}
	}
	for _, id := range []string{digestKey(t, 4).ID(), "", digestKey(t, 1).ID() + "x"} {
		if got, ok := keys.Find(id); ok {
			t.Errorf("%q finds %v", id, got)
		}
	}
}
