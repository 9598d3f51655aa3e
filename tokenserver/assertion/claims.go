package assertion

import (
	"errors"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/strictjson"
)

// Limits of claims, in bytes of UTF-8.
const (
	maxIssuerBytes  = 512
	maxSubjectBytes = 512
	maxJWTIDBytes   = 512
	maxClientID     = 512
	maxAudiences    = 64
	maxScopeBytes   = 8 << 10
)

// Claims are the registered claims that an assertion is judged by (RFC 7519 §4.1).
type Claims struct {
	Issuer, Subject, JWTID string
	Audience               []string
	// Expiry, NotBefore and IssuedAt are zero when absent.
	Expiry, NotBefore, IssuedAt time.Time
	// clientID is client_id, or empty when that is no string: most issuers may write there what they like.
	clientID string
	// bound says that there is a cnf: only who proves to have the key in it may use the JWT (RFC 7800 §3).
	bound bool
	// mayAct is may_act.
	mayAct *Party
	// requested is what an ID-JAG says may be granted.
	requested requested
}

// requested are the claims of draft-ietf-oauth-identity-assertion-authz-grant §3.1 that say what may be granted. Other
// issuers may write there what they like.
type requested struct {
	scopes, resources []string
	malformed         bool
	// details says that there are authorization_details (RFC 9396).
	details bool
	// tenant and audTenant say that there are claims of these names.
	tenant, audTenant bool
}

// Scopes and Resources are what an ID-JAG says may be granted at most, or nil where it does not say. They count for a
// provider whose assertions are ID-JAGs and for no other.
func (c *Claims) Scopes() []string { return c.requested.scopes }

// Resources is described at Scopes.
func (c *Claims) Resources() []string { return c.requested.resources }

// Party is somebody whom a claim names.
type Party struct {
	// Issuer is empty when the claim does not say whose Subject it is.
	Issuer, Subject string
}

// MayAct is who may act for the subject (RFC 8693 §4.4), or nil when the claims do not say; a party without subject is
// somebody who cannot be understood, and so nobody.
func (c *Claims) MayAct() *Party { return c.mayAct }

// parseClaims reads a claims set strictly: one object, unique names, every registered claim of its type. Claims that
// are not registered are skipped: nothing is copied that nobody asked for.
func parseClaims(payload []byte) (*Claims, error) {
	c := &Claims{}
	if err := strictjson.Object(payload, c.visit); err != nil {
		return nil, oauth.Refuse(oauth.ReasonClaimsMalformed, err)
	}
	return c, nil
}

func (r *requested) visit(name string, value strictjson.Value) {
	var err error
	switch name {
	case "scope":
		var text string
		if text, err = value.String(maxScopeBytes); err == nil {
			r.scopes, err = oauth.ParseScope(text)
		}
	case "resource":
		r.resources, err = value.StringOrList(maxAudiences)
	case "tenant":
		r.tenant = true
	case "aud_tenant":
		r.audTenant = true
	default:
		r.details = true
	}
	r.malformed = r.malformed || err != nil
}

// parseParty reads who a claim names, by iss and sub. The whole claims set may be right where this is not: most issuers may
// write there what they like.
func parseParty(value strictjson.Value) *Party {
	p := &Party{}
	err := strictjson.Object([]byte(value), func(name string, value strictjson.Value) (err error) {
		switch name {
		case "iss":
			p.Issuer, err = value.String(maxIssuerBytes)
		case "sub":
			p.Subject, err = value.String(maxSubjectBytes)
		}
		return err
	})
	if err != nil {
		return &Party{}
	}
	return p
}

func (c *Claims) visit(name string, value strictjson.Value) (err error) {
	switch name {
	case "iss":
		c.Issuer, err = value.String(maxIssuerBytes)
	case "sub":
		if c.Subject, err = value.String(maxSubjectBytes); err == nil && strings.TrimSpace(c.Subject) != c.Subject {
			err = strictjson.ErrType
		}
	case "aud":
		c.Audience, err = value.StringOrList(maxAudiences)
	case "exp":
		c.Expiry, err = value.NumericDate()
	case "nbf":
		c.NotBefore, err = value.NumericDate()
	case "iat":
		c.IssuedAt, err = value.NumericDate()
	case "jti":
		c.JWTID, err = value.String(maxJWTIDBytes)
	case "client_id":
		c.clientID, _ = value.String(maxClientID)
	case "scope", "resource", "authorization_details", "tenant", "aud_tenant":
		c.requested.visit(name, value)
	case "cnf":
		c.bound = true
	case "may_act":
		c.mayAct = parseParty(value)
	}
	if err != nil {
		return errors.Join(errors.New("claim "+name), err)
	}
	return nil
}
