package accesstoken

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"

	"github.com/grantor-dev/grantor/tokenserver/policy"
	"github.com/grantor-dev/grantor/tokenserver/refresh"
	"github.com/grantor-dev/grantor/tokenserver/state"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// A jti is random and ends in a digest that stands for the object of the client. A client id may come to be another
// object's: when the client is made anew, or when its object goes and another one that claims the id takes its place.
const (
	randomBytes = 16
	digestBytes = 8
)

// tokenID returns a jti for the token of a decision. Where refresh tokens come with it, it names their family.
func tokenID(d policy.Decision) string {
	id := newID(d.Client())
	if t, ok := d.RefreshToken(); ok {
		return t.Family().JWTID(id)
	}
	return id
}

// newID returns a jti for a token of the client: 128 random bits and its digest, base64url.
func newID(c *trust.Client) string {
	var b [randomBytes + digestBytes]byte
	_, _ = rand.Read(b[:randomBytes]) // never fails: crypto/rand ends the process instead
	digest := clientDigest(c)
	copy(b[randomBytes:], digest[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func clientDigest(c *trust.Client) [digestBytes]byte {
	sum := sha256.Sum256([]byte("grantor access token client v1\x00" + c.UID))
	return [digestBytes]byte(sum[:])
}

// IsOf reports whether the token was issued to the client, as the same object with the same id.
func (v Verified) IsOf(c *trust.Client) bool {
	if c == nil || c.ID != v.claims.clientID {
		return false
	}
	own := v.claims.id[strings.LastIndexByte(v.claims.id, '.')+1:]
	b, err := base64.RawURLEncoding.Strict().DecodeString(own)
	if err != nil || len(b) != randomBytes+digestBytes {
		return false
	}
	digest := clientDigest(c)
	return subtle.ConstantTimeCompare(b[randomBytes:], digest[:]) == 1
}

// RevocationIDs are all whose revocation ends the token: its own, and that of the family of refresh tokens it comes from.
func (v Verified) RevocationIDs() []state.ID {
	ids := []state.ID{v.RevocationID()}
	if family, ok := refresh.FamilyOf(v.claims.id); ok {
		ids = append(ids, family.ID())
	}
	return ids
}

// RevocationID stands for this one token among what is revoked.
func (v Verified) RevocationID() state.ID {
	return sha256.Sum256([]byte("grantor access token v1\x00" + v.claims.id))
}
