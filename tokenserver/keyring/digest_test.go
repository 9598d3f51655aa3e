package keyring

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"hash"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func digestKey(t testing.TB, fill byte) DigestKey {
	t.Helper()
	k, err := ParseDigestKey(bytes.Repeat([]byte{fill}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestParseDigestKey(t *testing.T) {
	for name, tc := range map[string]struct {
		stored []byte
		ok     bool
	}{
		"32 bytes":         {bytes.Repeat([]byte{7}, 32), true},
		"one bit set":      {append(make([]byte, 31), 1), true},
		"nothing":          {nil, false},
		"31 bytes":         {bytes.Repeat([]byte{7}, 31), false},
		"33 bytes":         {bytes.Repeat([]byte{7}, 33), false},
		"32 zeros":         {make([]byte, 32), false},
		"64 bytes as text": {bytes.Repeat([]byte("07"), 32), false},
	} {
		t.Run(name, func(t *testing.T) {
			k, err := ParseDigestKey(tc.stored)
			if (err == nil) != tc.ok {
				t.Fatalf("error = %v", err)
			}
			if err != nil {
				return
			}
			if !bytes.Equal(k.Marshal(), tc.stored) {
				t.Error("the stored form changes")
			}
			if again, err := ParseDigestKey(k.Marshal()); err != nil || again.ID() != k.ID() {
				t.Errorf("read again: id %s, want %s, error %v", again.ID(), k.ID(), err)
			}
		})
	}
}

func TestGenerateDigestKey(t *testing.T) {
	a, b := GenerateDigestKey(), GenerateDigestKey()
	if a.ID() == b.ID() || bytes.Equal(a.Marshal(), b.Marshal()) {
		t.Error("two generated keys are equal")
	}
	if _, err := ParseDigestKey(a.Marshal()); err != nil {
		t.Error(err)
	}
}

// TestDigest, F20: the digest depends on the key, the object and the secret, each for itself, and is the one that is stored.
func TestDigest(t *testing.T) {
	k := digestKey(t, 1)
	mac := hmac.New(sha256.New, k.Marshal())
	mac.Write([]byte("grantor client secret v1\x00uid\x00secret"))
	if got := k.Digest("uid", "secret"); !bytes.Equal(got[:], mac.Sum(nil)) {
		t.Error("the digest is no longer what is stored")
	}
	seen := map[[sha256.Size]byte]string{}
	for name, digest := range map[string][sha256.Size]byte{
		"as it is":          k.Digest("uid", "secret"),
		"another key":       digestKey(t, 2).Digest("uid", "secret"),
		"another object":    k.Digest("uid2", "secret"),
		"another secret":    k.Digest("uid", "secret2"),
		"another boundary":  k.Digest("uids", "ecret"),
		"no object":         k.Digest("", "secret"),
		"no secret":         k.Digest("uid", ""),
		"neither":           k.Digest("", ""),
		"object and secret": k.Digest("secret", "uid"),
	} {
		if other, twice := seen[digest]; twice {
			t.Errorf("%s has the digest of %s", name, other)
		}
		seen[digest] = name
	}
}

func TestDigestKeyID(t *testing.T) {
	a, b := digestKey(t, 1), digestKey(t, 2)
	if a.ID() == b.ID() || len(a.ID()) != 12 {
		t.Errorf("ids %q and %q", a.ID(), b.ID())
	}
	if digestKey(t, 1).ID() != a.ID() {
		t.Error("the id of one key changes")
	}
	if a.String() != "digest key "+a.ID() || a.GoString() != a.String() {
		t.Errorf("prints as %q and %q", a.String(), a.GoString())
	}
}

// uncopied is a hash without a way to copy it, and uncopiable one whose way fails.
type (
	uncopied   struct{ hash.Hash }
	uncopiable struct{ hash.Hash }
)

func (uncopiable) Clone() (hash.Cloner, error) { return nil, errors.New("not here") }

// Each state begins after the key and knows nothing of the others, however it is made.
func TestCopies(t *testing.T) {
	create := func() hash.Hash { return hmac.New(sha256.New, []byte("key")) }
	sum := func(h hash.Hash, text string) []byte {
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	for name, next := range map[string]func() hash.Hash{
		"copied":        copies(create),
		"uncopied":      copies(func() hash.Hash { return uncopied{create()} }),
		"fails to copy": copies(func() hash.Hash { return uncopiable{create()} }),
	} {
		t.Run(name, func(t *testing.T) {
			first, second := next(), next()
			got := [][]byte{sum(first, "a"), sum(second, "b"), sum(next(), "a")}
			if diff := cmp.Diff([][]byte{sum(create(), "a"), sum(create(), "b"), sum(create(), "a")}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
