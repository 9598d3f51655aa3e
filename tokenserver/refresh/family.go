package refresh

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/grantor-dev/grantor/tokenserver/state"
)

// Family names the refresh tokens that follow one another after one assertion: 128 random bits.
type Family [16]byte

// familyChars is the length of the text form of a family.
const familyChars = 22

func newFamily() (f Family) {
	_, _ = rand.Read(f[:]) // never fails: crypto/rand ends the process instead
	return f
}

// String is the family in base64url.
func (f Family) String() string { return base64.RawURLEncoding.EncodeToString(f[:]) }

// ID is what stands for the family in a store.
func (f Family) ID() state.ID {
	return sha256.Sum256([]byte("grantor refresh token family v1\x00" + string(f[:])))
}

// Digest names the family in logs, where it must not be what the jti of access tokens holds.
func (f Family) Digest() string {
	id := f.ID()
	return hex.EncodeToString(id[:16])
}

// JWTID is the jti of an access token that comes from the family: the family, a dot, and what tells the token apart.
func (f Family) JWTID(unique string) string { return f.String() + "." + unique }

// FamilyOf finds the family in the jti of an access token. It is false for one that comes from no family.
func FamilyOf(jti string) (f Family, ok bool) {
	text, _, ok := strings.Cut(jti, ".")
	if !ok {
		return Family{}, false
	}
	return parseFamily(text)
}

func parseFamily(text string) (Family, bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	// Line ends are skipped in base64, so the length of the text counts too.
	if err != nil || len(text) != familyChars || len(b) != len(Family{}) {
		return Family{}, false
	}
	return Family(b), true
}
