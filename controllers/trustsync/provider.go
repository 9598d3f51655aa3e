package trustsync

import (
	"errors"
	"fmt"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/profile"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// ErrNoIdentity means that the operator has resolved no identity for an object, so that it takes part in nothing.
var ErrNoIdentity = errors.New("no identity resolved in status")

// errNoIdentityRule says of a provider what its Accepted condition does.
var errNoIdentityRule = errors.New("read spec.claimValidationRules: none tells apart the strangers who share the issuer")

// ProviderCompiler makes providers of the trust store from their objects.
type ProviderCompiler struct {
	rules *ruleCache
}

// NewProviderCompiler returns a compiler.
func NewProviderCompiler() (*ProviderCompiler, error) {
	c, err := newRuleCache()
	if err != nil {
		return nil, err
	}
	return &ProviderCompiler{rules: c}, nil
}

// Compile makes a provider of the trust store from its object. It returns ErrNoIdentity for one without trusted keys, and
// another error for one that cannot be understood; neither may stay in the store.
func (pc *ProviderCompiler) Compile(o *v1alpha1.IdentityProvider) (*trust.Provider, error) {
	// Policy never judges an issuer that the spec no longer names: the rules of the new one say nothing about the old one.
	if o.DeletionTimestamp != nil || o.Status.Trust == nil || o.Status.Trust.Issuer != o.Spec.Issuer {
		return nil, ErrNoIdentity
	}
	policy, err := profile.Resolve(o)
	if err != nil {
		return nil, err
	}
	rules, err := pc.rules.compile(profile.Rules(o.Spec))
	if err != nil {
		return nil, fmt.Errorf("compile claim rules: %w", err)
	}
	id, err := rulesID(profile.Rules(o.Spec), policy.SubjectPrefix)
	if err != nil {
		return nil, err
	}
	if policy.MissesIdentityRule(rules) {
		return nil, errNoIdentityRule
	}
	keys, err := compileKeys(o.Status.Trust.Keys, o.Spec.Algorithms)
	if err != nil {
		return nil, fmt.Errorf("read status.trust: %w", err)
	}
	if len(keys) == 0 {
		return nil, ErrNoIdentity
	}
	if policy.ClockSkew > trust.MaxClockSkew {
		return nil, fmt.Errorf("read spec.clockSkew: %v is more than %v", policy.ClockSkew, trust.MaxClockSkew)
	}
	form, formErr := subjectForm(policy.SubjectForm)
	replay, replayErr := replayPolicy(policy.Replay)
	if err := errors.Join(formErr, replayErr); err != nil {
		return nil, err
	}
	p := &trust.Provider{
		Key:                 trust.ObjectKey{Namespace: o.Namespace, Name: o.Name},
		UID:                 string(o.UID),
		Created:             o.CreationTimestamp.Time,
		Issuer:              o.Status.Trust.Issuer,
		Enabled:             enabled(o.Spec.GrantEnabled),
		Keys:                keys,
		RemoteKeys:          mayBeNewer(&o.Status.Trust.KeySet),
		AudienceAliases:     lists.list(o.Spec.AudienceAliases),
		SoleAudience:        policy.AudiencePolicy != v1alpha1.AudienceAny,
		Types:               lists.list(policy.Types),
		AccessTokens:        policy.AccessTokens,
		SubjectForm:         form,
		ClientIDClaim:       policy.ClientIDClaim,
		IDJAG:               policy.IDJAG,
		EnforceCertificates: policy.CertificateExpiry != v1alpha1.CertificateExpiryIgnore,
		ClockSkew:           policy.ClockSkew,
		MaxAge:              policy.MaxAge,
		MaxLifetime:         policy.MaxLifetime,
		Replay:              replay,
		Rules:               rules,
		SubjectPrefix:       policy.SubjectPrefix,
		RulesID:             id,
		NoRefresh:           policy.NoRefresh,
		Scopes:              texts(o.Spec.Scopes),
		ClientNamespaces:    clientNamespaces(o.Spec.AllowedClientNamespaces),
	}
	pack(&p.Issuer, &p.Key.Namespace, &p.Key.Name, &p.UID, &p.SubjectPrefix, &p.RulesID)
	return p, nil
}

// mayBeNewer reports whether there may be newer keys where those of a set came from.
func mayBeNewer(s *v1alpha1.KeySet) bool { return s.URL != "" || s.Source == sourceClusterIssuer }

// sourceClusterIssuer is the remote source that has no URL.
const sourceClusterIssuer = "ClusterIssuer"

func clientNamespaces(a *v1alpha1.AllowedClientNamespaces) trust.Namespaces {
	switch {
	case a == nil:
		return trust.Namespaces{}
	case a.From == v1alpha1.NamespacesFromAll:
		return trust.Namespaces{All: true}
	case a.From == v1alpha1.NamespacesFromListed:
		return trust.Namespaces{Names: a.Namespaces}
	default:
		return trust.Namespaces{}
	}
}

// compileKeys reads the keys of a status, each as strictly as the operator did, with the algorithms that both status
// and spec allow. One key that cannot be read refuses all: status is one consistent set.
func compileKeys(keys []v1alpha1.TrustedKey, allowed []v1alpha1.SignatureAlgorithm) ([]*jose.PublicKey, error) {
	var compiled []*jose.PublicKey
	for i, k := range keys {
		key, err := jose.ParseJWK([]byte(k.PublicJWK))
		if err != nil {
			return nil, fmt.Errorf("keys[%d]: %w", i, err)
		}
		if key = key.Restricted(algorithms(k.Algorithms)); key != nil && len(allowed) > 0 {
			key = key.Restricted(algorithms(allowed))
		}
		if key == nil {
			continue
		}
		key = key.WithKeyID(k.KeyID)
		if c := k.Certificate; c != nil {
			key = key.WithCertificate(jose.Certificate{
				NotBefore: c.NotBefore.Time, NotAfter: c.NotAfter.Time,
				ThumbprintSHA1: c.ThumbprintSHA1, ThumbprintSHA256: c.ThumbprintSHA256,
			})
		}
		compiled = append(compiled, key)
	}
	return compiled, nil
}

func replayPolicy(p v1alpha1.ReplayPolicy) (trust.ReplayPolicy, error) {
	switch p {
	case v1alpha1.ReplayOneTime:
		return trust.ReplayOneTime, nil
	case v1alpha1.ReplayOneTimeIfPresent:
		return trust.ReplayOneTimeIfPresent, nil
	case v1alpha1.ReplayReuse:
		return trust.ReplayReuse, nil
	default:
		return 0, fmt.Errorf("read spec.replay: %q is unknown", p)
	}
}

func subjectForm(f v1alpha1.SubjectForm) (trust.SubjectForm, error) {
	switch f {
	case v1alpha1.SubjectFormAny:
		return trust.SubjectAny, nil
	case v1alpha1.SubjectFormServiceAccount:
		return trust.SubjectServiceAccount, nil
	case v1alpha1.SubjectFormSPIFFEID:
		return trust.SubjectSPIFFEID, nil
	default:
		return 0, fmt.Errorf("subject form %q is unknown", f)
	}
}

func algorithms(list []v1alpha1.SignatureAlgorithm) []jose.Algorithm {
	out := make([]jose.Algorithm, len(list))
	for i, a := range list {
		out[i] = jose.Algorithm(a)
	}
	return out
}

// enabled reads a switch that is on by default.
func enabled(b *bool) bool { return b == nil || *b }

// texts converts a list of named strings into one that may be shared, and keeps nil as nil.
func texts[S ~string](list []S) []string {
	if list == nil {
		return nil
	}
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return lists.list(out)
}
