package accesstoken

import (
	"errors"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/grantor-dev/grantor/tokenserver/claimrules"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/strictjson"
)

// maxAudiences is more than a client can ask for.
const maxAudiences = 1024

// verifiedClaims are the claims of a token whose signature has been verified.
type verifiedClaims struct {
	issuer, subject, id, clientID string
	audience                      []string
	// expiry and issuedAt are zero when absent.
	expiry, issuedAt time.Time
	// members is the JSON text of all claims, without the brace at the end.
	members []byte
}

// parseClaims reads a claims set strictly: one object, unique names, every claim of its type, and no claim that this
// server does not make. A key that was imported has signed other things too.
func (v *verification) parseClaims() error {
	if err := strictjson.Object(v.jws.UntrustedPayload, v.claims.visit); err != nil {
		return oauth.Refuse(oauth.ReasonTokenMalformed, err)
	}
	return nil
}

func (c *verifiedClaims) visit(name string, value strictjson.Value) (err error) {
	switch name {
	case "iss":
		c.issuer, err = value.String(oauth.MaxBodyBytes)
	case "sub":
		c.subject, err = value.String(oauth.MaxBodyBytes)
	case "aud":
		c.audience, err = value.StringOrList(maxAudiences)
	case "exp":
		c.expiry, err = value.NumericDate()
	case "iat":
		c.issuedAt, err = value.NumericDate()
	case "jti":
		c.id, err = value.String(oauth.MaxBodyBytes)
	case "client_id":
		c.clientID, err = value.String(oauth.MaxBodyBytes)
	case "scope":
		_, err = value.String(oauth.MaxBodyBytes)
	case "act":
		err = actor(value)
	default:
		err = mapped(name, value)
	}
	if err != nil {
		return errors.Join(errors.New("claim "+name), err)
	}
	c.append(name, value)
	return nil
}

// actor: RFC 8693 §4.1: a JSON object.
func actor(value strictjson.Value) error {
	if jsontext.Value(value).Kind() != '{' || !jsontext.Value(value).IsValid() {
		return strictjson.ErrType
	}
	return nil
}

// mapped is the counterpart of [claims.mapped]. What a claim means to introspection, such as active, is reserved too.
func mapped(name string, value strictjson.Value) error {
	// IsValid refuses names that repeat within the value, which strictjson leaves to whoever reads it.
	if name == "" || claimrules.ReservedClaim(strings.ToLower(name)) || !jsontext.Value(value).IsValid() {
		return errMappedClaim
	}
	return nil
}

func (c *verifiedClaims) append(name string, value strictjson.Value) {
	sep := byte(',')
	if c.members == nil {
		sep = '{'
	}
	c.members = append(c.members, sep)
	c.members, _ = jsontext.AppendQuote(c.members, name) // It has been read from JSON, so it is valid UTF-8.
	c.members = append(append(c.members, ':'), value...)
}

// checkClaimsPresent: RFC 9068 §2.2: iss, exp, aud, sub, client_id, iat and jti are required.
func (v *verification) checkClaimsPresent() error {
	c := &v.claims
	if c.issuer == "" || c.subject == "" || c.id == "" || c.clientID == "" || len(c.audience) == 0 || c.expiry.IsZero() || c.issuedAt.IsZero() {
		return oauth.Refuse(oauth.ReasonTokenClaimMissing, nil)
	}
	return nil
}
