package profile

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// Values that apply where neither a profile nor a spec says.
const (
	defaultClockSkew = 30 * time.Second
	day              = 24 * time.Hour
	year             = 365 * day
)

// Policy is the policy of a provider with every default filled in.
type Policy struct {
	Profile v1alpha1.Profile
	// Types are the accepted typ headers in small letters; an empty one stands for an absent typ.
	Types []string
	// AccessTokens says that the issuer's own access tokens (RFC 9068) may be exchanged.
	AccessTokens  bool
	SubjectForm   v1alpha1.SubjectForm
	SubjectPrefix string
	ClientIDClaim bool
	// IDJAG says that the assertions are Identity Assertion JWT Authorization Grants.
	IDJAG             bool
	AudiencePolicy    v1alpha1.AudiencePolicy
	CertificateExpiry v1alpha1.CertificateExpiry
	ClockSkew         time.Duration
	// MaxAge is 0 for no limit.
	MaxAge, MaxLifetime time.Duration
	Replay              v1alpha1.ReplayPolicy
	// NoRefresh says that nothing the provider vouches for outlives its assertions.
	NoRefresh bool
	// IdentityClaims are those that tell apart the strangers who share the issuer: a rule must restrict one of them. nil
	// means that no strangers do.
	IdentityClaims []string
}

// Resolve returns the policy of a provider, or an error when a value cannot be understood, which the schema does not let
// happen on a cluster.
func Resolve(p *v1alpha1.IdentityProvider) (Policy, error) {
	spec := p.Spec
	r, err := preset(cmp.Or(spec.Profile, v1alpha1.ProfileGeneric))
	if err != nil {
		return Policy{}, err
	}
	r.SubjectPrefix = p.Namespace + "/" + p.Name + ":"
	if spec.Subject != nil && spec.Subject.Prefix != nil {
		r.SubjectPrefix = *spec.Subject.Prefix
	}
	if spec.ClusterIssuer != nil {
		// Whatever the profile says: these are the keys of ServiceAccount tokens, which every workload of the cluster gets.
		r.IdentityClaims = clusterIdentity()
	}
	r.AudiencePolicy = cmp.Or(spec.AudiencePolicy, r.AudiencePolicy)
	r.CertificateExpiry = cmp.Or(spec.CertificateExpiry, v1alpha1.CertificateExpiryEnforce)
	r.Replay = cmp.Or(spec.Replay, r.Replay)
	r.ClockSkew = defaultClockSkew
	return r, errors.Join(
		override("clockSkew", &r.ClockSkew, spec.ClockSkew),
		override("maxAge", &r.MaxAge, spec.MaxAge),
		override("maxLifetime", &r.MaxLifetime, spec.MaxLifetime),
	)
}

// preset returns what a profile says by itself.
func preset(name v1alpha1.Profile) (Policy, error) {
	p := Policy{
		Profile:        name,
		Types:          []string{"", "jwt"},
		SubjectForm:    v1alpha1.SubjectFormAny,
		AudiencePolicy: v1alpha1.AudienceSole,
		MaxLifetime:    day,
		Replay:         v1alpha1.ReplayOneTime,
	}
	switch name {
	case v1alpha1.ProfileGeneric:
		// authorization-grant+jwt is the type that draft-ietf-oauth-rfc7523bis gives to assertions.
		p.Types = []string{"", "jwt", "authorization-grant+jwt"}
		p.AccessTokens = true
		p.AudiencePolicy = v1alpha1.AudienceAny
		p.Replay = v1alpha1.ReplayOneTimeIfPresent
	case v1alpha1.ProfileKubernetes:
		// The API server extends the life of tokens to a year, for programs that never read them again.
		p.MaxLifetime = year
		p.SubjectForm = v1alpha1.SubjectFormServiceAccount
		p.Replay = v1alpha1.ReplayReuse
		p.IdentityClaims = clusterIdentity()
	case v1alpha1.ProfileSPIFFE:
		// JWT-SVID §2.3: "typ … MUST be either JWT or JOSE" where it is present.
		p.Types = []string{"", "jwt", "jose"}
		p.SubjectForm = v1alpha1.SubjectFormSPIFFEID
		p.Replay = v1alpha1.ReplayReuse
	case v1alpha1.ProfileGitHubActions:
		p.MaxLifetime = time.Hour
		p.IdentityClaims = []string{
			"sub", "repository", "repository_id", "repository_owner", "repository_owner_id", "job_workflow_ref",
			"job_workflow_sha", "workflow_ref", "enterprise", "enterprise_id",
		}
	case v1alpha1.ProfileIDJAG:
		// draft-ietf-oauth-identity-assertion-authz-grant §4.
		p.Types = []string{"oauth-id-jag+jwt"}
		p.MaxLifetime = 15 * time.Minute
		p.ClientIDClaim, p.IDJAG = true, true
		// §4.4.3: "SHOULD NOT return a Refresh Token": the issuer decides anew each time.
		p.NoRefresh = true
	default:
		return Policy{}, fmt.Errorf("read spec.profile: %q is unknown", name)
	}
	return p, nil
}

// clusterIdentity are the claims that tell apart the workloads of a Kubernetes cluster.
func clusterIdentity() []string { return []string{"sub", "kubernetes.io"} }

func override(field string, value *time.Duration, text v1alpha1.Duration) error {
	if text == "" {
		return nil
	}
	d, err := Duration(text)
	if err != nil {
		return fmt.Errorf("read spec.%s: %w", field, err)
	}
	*value = d
	return nil
}

// Duration reads a duration of the API.
func Duration(text v1alpha1.Duration) (time.Duration, error) {
	d, err := time.ParseDuration(string(text))
	if err != nil {
		return 0, fmt.Errorf("parse duration: %w", err)
	}
	if d < 0 {
		return 0, fmt.Errorf("duration %s is negative", text)
	}
	return d, nil
}
