package accesstoken

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/grantor-dev/grantor/tokenserver/policy"
	"github.com/grantor-dev/grantor/tokenserver/refresh"
	"github.com/grantor-dev/grantor/tokenserver/state"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// A jti is random and ends in what stands for the object of the client and for the providers that vouched. A client id may
// come to be another object's: when the client is made anew, or when its object goes and another one that claims the id takes
// its place. So may the name and the issuer of a provider.
const (
	randomBytes = 16
	digestBytes = 8
	// maxVouchers is for a subject, an actor and a client, each of another provider.
	maxVouchers = 3
)

// tokenID returns a jti for the token of a decision. Where refresh tokens come with it, it names their family.
func tokenID(d policy.Decision) string {
	id := newID(d.Client(), d.Vouchers())
	if t, ok := d.RefreshToken(); ok {
		return t.Family().JWTID(id)
	}
	return id
}

// newID returns a jti for a token of the client: 128 random bits, the digest of the client and the marks of the providers,
// each once, in base64url.
func newID(c *trust.Client, vouchers []*trust.Provider) string {
	var all [randomBytes + digestBytes*(1+maxVouchers)]byte
	b := all[:randomBytes]
	_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
	digest := clientDigest(c)
	b = append(b, digest[:]...)
	marks := make([]trust.Mark, 0, maxVouchers)
	for _, p := range vouchers {
		if m := p.Mark(); !slices.Contains(marks, m) {
			marks = append(marks, m)
			b = append(b, m[:]...)
		}
	}
	var text [64]byte // as long as that of all
	return string(base64.RawURLEncoding.AppendEncode(text[:0], b))
}

func clientDigest(c *trust.Client) [digestBytes]byte {
	sum := sha256.Sum256(append(append(make([]byte, 0, 128), "grantor access token client v1\x00"...), c.UID...))
	return [digestBytes]byte(sum[:])
}

// bound is what a jti says of client and providers. It is false for a jti of another form.
func (v Verified) bound() (client [digestBytes]byte, marks []trust.Mark, ok bool) {
	own := v.claims.id[strings.LastIndexByte(v.claims.id, '.')+1:]
	b, err := base64.RawURLEncoding.Strict().DecodeString(own)
	if err != nil || len(b) < randomBytes+digestBytes || len(b) > randomBytes+digestBytes*(1+maxVouchers) || len(b)%digestBytes != 0 {
		return client, nil, false
	}
	for m := range slices.Chunk(b[randomBytes+digestBytes:], digestBytes) {
		marks = append(marks, trust.Mark(m))
	}
	return [digestBytes]byte(b[randomBytes:]), marks, true
}

// IsOf reports whether the token was issued to the client, as the same object with the same id.
func (v Verified) IsOf(c *trust.Client) bool {
	if c == nil || c.ID != v.claims.clientID {
		return false
	}
	client, _, ok := v.bound()
	digest := clientDigest(c)
	return ok && subtle.ConstantTimeCompare(client[:], digest[:]) == 1
}

// Vouchers are the marks of the providers whose word the token rests on: none where the client got it in its own name. They
// mean something only for a token that is of a client: see IsOf.
func (v Verified) Vouchers() []trust.Mark {
	_, marks, _ := v.bound()
	return marks
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
