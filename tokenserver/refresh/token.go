package refresh

import (
	"time"

	"github.com/grantor-dev/grantor/tokenserver/claimrules"
	"github.com/grantor-dev/grantor/tokenserver/state"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// Grant is what was granted when a family began. It is the same for every token of the family: RFC 6749 §6: "the refresh
// token scope MUST be identical to that of the refresh token included by the client in the request".
type Grant struct {
	// Origin is the grant_type that the family began with.
	Origin string
	// ClientUID and ClientID are those of the client that it was granted to: a client that is made anew under the id is
	// another one.
	ClientUID, ClientID string
	// Vouchers are whose word the grant rests on, the one for the subject first.
	Vouchers []Voucher
	// Subject is the sub of the access tokens, and Actor who acts for it or empty, with the prefixes of their providers; Claims
	// are what the provider of the subject mapped.
	Subject, Actor string
	Claims         []claimrules.Claim
	// Scopes and Audience bound what a token of the family may ask for.
	Scopes, Audience []string
	// Start is when the family began, and End when it is over whatever happens. AssertionEnd is the exp of the assertion,
	// of the first one to end where there are two. All are full seconds.
	Start, End, AssertionEnd time.Time
}

// Voucher is an identity provider that has vouched, and the key that it did so with.
type Voucher struct {
	Provider trust.ObjectKey
	// UID is that of the provider, and Issuer the iss that it had.
	UID, Issuer string
	// Key is the thumbprint of the key that verified the assertion.
	Key string
	// RulesID stands for the rules by which the assertion was judged.
	RulesID string
}

// Token is a refresh token: a grant with its place in a family. Only [New], [Token.Next] and [Open] make one.
type Token struct {
	family Family
	number uint32
	issued time.Time
	grant  Grant
}

// New returns the first token of a new family.
func New(g Grant, now time.Time) Token {
	return Token{family: newFamily(), issued: now.Truncate(time.Second), grant: g}
}

// Next returns the token that takes the place of this one.
func (t Token) Next(now time.Time) Token {
	t.number++
	t.issued = now.Truncate(time.Second)
	return t
}

// Family is the family that the token belongs to.
func (t Token) Family() Family { return t.family }

// Grant is what the token stands for.
func (t Token) Grant() Grant { return t.grant }

// Step is the use of the token, as the store is told of it.
func (t Token) Step() state.Step {
	return state.Step{Family: t.family.ID(), Number: t.number, Issued: t.issued, Until: t.grant.End}
}

// IsOf reports whether the token was issued to the client, as the same object with the same id.
func (t Token) IsOf(c *trust.Client) bool {
	return c != nil && c.UID == t.grant.ClientUID && c.ID == t.grant.ClientID
}

// String names the family, so that no log has more of a token.
func (t Token) String() string { return "refresh token of family " + t.family.Digest() }
