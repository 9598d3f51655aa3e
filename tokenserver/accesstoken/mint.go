package accesstoken

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/grantor-dev/grantor/tokenserver/claimrules"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/replay"
	"github.com/grantor-dev/grantor/tokenserver/scratch"
)

// Token is a minted access token with what the response says about it.
type Token struct {
	// Compact is the JWT.
	Compact string
	// ID is its jti.
	ID string
	// Scope is the granted scope, or empty.
	Scope string
	// Resources are what the answer names as granted, or nil.
	Resources []string
	// ExpiresIn is exp - iat, in seconds, at least 1.
	ExpiresIn int64
}

// Mint signs the access token that a redeemed decision allows (RFC 9068 §2). issuer is the iss of the server.
func Mint(ring *keyring.Ring, issuer string, r replay.Redeemed, now time.Time) (Token, error) {
	if ring == nil {
		return Token{}, oauth.Refuse(oauth.ReasonNoSigningKey, nil)
	}
	signer := ring.Current(now)
	if signer == nil {
		return Token{}, oauth.Refuse(oauth.ReasonNoSigningKey, nil)
	}
	d := r.Decision()
	t := Token{
		ID:        tokenID(d),
		Scope:     strings.Join(d.Scopes(), " "),
		Resources: d.Resources(),
		ExpiresIn: d.ExpiresAt().Unix() - now.Unix(),
	}
	memory := scratch.Borrow()
	defer scratch.Return(memory)
	memory.Grow(512)
	c := claims{b: memory.AvailableBuffer()}
	c.text("iss", issuer)
	c.text("sub", d.Subject())
	c.audience(d.Audience())
	c.number("exp", d.ExpiresAt().Unix())
	c.number("iat", now.Unix())
	c.text("jti", t.ID)
	c.text("client_id", d.Client().ID)
	if t.Scope != "" {
		c.text("scope", t.Scope)
	}
	if d.Actor() != "" {
		c.actor(d.Actor())
	}
	for _, m := range d.MappedClaims() {
		if err := c.mapped(m); err != nil {
			return Token{}, oauth.Refuse(oauth.ReasonInternal, err)
		}
	}
	compact, err := signer.Sign(jose.TypeAccessToken, c.end())
	if err != nil {
		return Token{}, oauth.Refuse(oauth.ReasonInternal, err)
	}
	t.Compact = compact
	return t, nil
}

// claims builds the JSON text of a claims set.
type claims struct {
	b []byte
	// added are the names of mapped claims.
	added []string
}

func (c *claims) name(name string) {
	sep := byte(',')
	if len(c.b) == 0 {
		sep = '{'
	}
	c.b = append(c.b, sep)
	c.quote(name)
	c.b = append(c.b, ':')
}

func (c *claims) quote(s string) {
	// The error is about invalid UTF-8, which AppendQuote replaces; all values come from JSON that was strictly read.
	c.b, _ = jsontext.AppendQuote(c.b, s)
}

func (c *claims) text(name, value string) {
	c.name(name)
	c.quote(value)
}

func (c *claims) number(name string, value int64) {
	c.name(name)
	c.b = strconv.AppendInt(c.b, value, 10)
}

// actor writes who acts for the subject (RFC 8693 §4.1).
func (c *claims) actor(subject string) {
	c.name("act")
	c.b = append(c.b, `{"sub":`...)
	c.quote(subject)
	c.b = append(c.b, '}')
}

// audience writes one value as a string and several as a list (RFC 7519 §4.1.3).
func (c *claims) audience(values []string) {
	if len(values) == 1 {
		c.text("aud", values[0])
		return
	}
	c.name("aud")
	sep := byte('[')
	for _, v := range values {
		c.b = append(c.b, sep)
		c.quote(v)
		sep = ','
	}
	c.b = append(c.b, ']')
}

// errMappedClaim is what should have been refused when the rules of the provider were compiled or evaluated.
var errMappedClaim = errors.New("a mapped claim cannot stand in an access token")

// mapped adds a claim that a provider maps. Rules that map a reserved claim, or one claim twice, do not compile; that they
// did not is not taken for granted here, where the token says who it is for.
func (c *claims) mapped(m claimrules.Claim) error {
	if m.Name == "" || claimrules.ReservedClaim(strings.ToLower(m.Name)) || slices.Contains(c.added, m.Name) || !jsontext.Value(m.Value).IsValid() {
		return errMappedClaim
	}
	c.added = append(c.added, m.Name)
	c.name(m.Name)
	c.b = append(c.b, m.Value...)
	return nil
}

func (c *claims) end() []byte { return append(c.b, '}') }
