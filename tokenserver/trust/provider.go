package trust

import (
	"slices"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/claimrules"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/state"
)

// ObjectKey names an object: its namespace and name.
type ObjectKey struct {
	Namespace, Name string
}

// String returns namespace/name.
func (k ObjectKey) String() string { return k.Namespace + "/" + k.Name }

// MaxClockSkew is the largest clock skew that a provider may allow.
const MaxClockSkew = state.MaxSkew

// Provider is an identity provider: whose assertions are accepted, and how they are judged. It is immutable once it is
// in a store.
type Provider struct {
	Key     ObjectKey
	UID     string
	Created time.Time
	// Issuer is compared byte for byte with iss.
	Issuer  string
	Enabled bool
	// Keys verify the issuer's signatures, each with the algorithms that it may be used with.
	Keys []*jose.PublicKey
	// RemoteKeys says that the keys come from a URL, where there may be newer ones.
	RemoteKeys bool
	// AudienceAliases are the aud values that name this server, at least one.
	AudienceAliases []string
	// SoleAudience wants every element of aud to be an alias, not just one.
	SoleAudience bool
	// Types are the accepted typ headers in small letters, at least one; an empty one stands for an absent typ.
	Types []string
	// AccessTokens says that the issuer's own access tokens (RFC 9068) may be exchanged.
	AccessTokens bool
	// SubjectForm is what sub must look like.
	SubjectForm SubjectForm
	// ClientIDClaim wants the claim client_id to be the client that presents the assertion.
	ClientIDClaim bool
	// IDJAG says that its assertions are Identity Assertion JWT Authorization Grants: they say what may be granted, too.
	IDJAG bool
	// EnforceCertificates uses a key only within the validity of its certificate.
	EnforceCertificates bool
	// ClockSkew loosens every comparison with the clock.
	ClockSkew time.Duration
	// MaxAge bounds now − iat; 0 means no bound.
	MaxAge time.Duration
	// MaxLifetime bounds exp − iat, or exp − now without iat.
	MaxLifetime time.Duration
	Replay      ReplayPolicy
	// Rules judge and map the claims; nil means that there are none.
	Rules *claimrules.Program
	// SubjectPrefix is put before the subject in access tokens.
	SubjectPrefix string
	// RulesID stands for Rules and SubjectPrefix: it is another one when either is.
	RulesID string
	// NoRefresh says that no refresh token is issued for what the provider vouches for.
	NoRefresh bool
	// Scopes bounds what may be granted; nil means no bound.
	Scopes []string
	// ClientNamespaces are the namespaces, besides the provider's own, whose clients may refer to it.
	ClientNamespaces Namespaces
	// Usage is given by the store.
	Usage *Usage
}

// DefaultSubjectPrefix is the subject prefix of a provider that has no other. It begins the subjects of that provider and
// of no other: the names of objects hold no colon.
func (p *Provider) DefaultSubjectPrefix() string { return p.Key.String() + ":" }

// Admits reports whether clients of the namespace may refer to the provider.
func (p *Provider) Admits(namespace string) bool {
	return namespace == p.Key.Namespace || p.ClientNamespaces.All || slices.Contains(p.ClientNamespaces.Names, namespace)
}

// InValidity reports whether one of the provider's keys may be used now as far as its certificate is concerned. RFC 5280
// §4.1.2.5.
func (p *Provider) InValidity(k *jose.PublicKey, now time.Time) bool {
	cert := k.Certificate()
	if cert == nil || !p.EnforceCertificates {
		return true
	}
	return !now.Add(p.ClockSkew).Before(cert.NotBefore) && !now.Add(-p.ClockSkew).After(cert.NotAfter)
}

// Namespaces is a set of namespaces.
type Namespaces struct {
	All   bool
	Names []string
}

// SubjectForm is what subjects look like.
type SubjectForm int

// The forms of subjects.
const (
	// SubjectAny is any string.
	SubjectAny SubjectForm = iota
	// SubjectServiceAccount is system:serviceaccount:<namespace>:<name>.
	SubjectServiceAccount
	// SubjectSPIFFEID is spiffe://<trust domain>/<path>.
	SubjectSPIFFEID
)

// ReplayPolicy says whether one assertion may be exchanged more than once (RFC 7523 §3(7)).
type ReplayPolicy int

// The replay policies. The zero value is the strictest.
const (
	ReplayOneTime ReplayPolicy = iota
	ReplayOneTimeIfPresent
	ReplayReuse
)
