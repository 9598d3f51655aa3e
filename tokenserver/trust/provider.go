package trust

import (
	"time"

	"github.com/grantor-dev/grantor/tokenserver/jose"
)

// ObjectKey names an object: its namespace and name.
type ObjectKey struct {
	Namespace, Name string
}

// String returns namespace/name.
func (k ObjectKey) String() string { return k.Namespace + "/" + k.Name }

// Provider is an identity provider: whose assertions are accepted, and how they are judged. It is immutable once it is
// in a store.
type Provider struct {
	Key     ObjectKey
	Created time.Time
	// Issuer is compared byte for byte with iss.
	Issuer  string
	Enabled bool
	// Keys verify the issuer's signatures, each with the algorithms that it may be used with.
	Keys []*jose.PublicKey
	// AudienceAliases are the aud values that name this server, at least one.
	AudienceAliases []string
	// SoleAudience wants every element of aud to be an alias, not just one.
	SoleAudience bool
	// EnforceCertificates uses a key only within the validity of its certificate.
	EnforceCertificates bool
	// ClockSkew loosens every comparison with the clock.
	ClockSkew time.Duration
	// MaxAge bounds now − iat; 0 means no bound.
	MaxAge time.Duration
	// MaxLifetime bounds exp − iat, or exp − now without iat.
	MaxLifetime time.Duration
	Replay      ReplayPolicy
	// Scopes bounds what may be granted; nil means no bound.
	Scopes []string
}

// ReplayPolicy says whether one assertion may be exchanged more than once (RFC 7523 §3(7)).
type ReplayPolicy int

// The replay policies. The zero value is the strictest.
const (
	ReplayOneTime ReplayPolicy = iota
	ReplayOneTimeIfPresent
	ReplayReuse
)
