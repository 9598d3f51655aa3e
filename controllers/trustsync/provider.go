package trustsync

import (
	"errors"
	"fmt"
	"time"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// Values that apply where an object does not say. The API server fills them in as well; these stand behind it.
const (
	defaultClockSkew           = 30 * time.Second
	defaultMaxLifetime         = 24 * time.Hour
	defaultAccessTokenLifetime = time.Hour
)

// ErrNoIdentity means that the operator has resolved no identity for an object, so that it takes part in nothing.
var ErrNoIdentity = errors.New("no identity resolved in status")

// CompileProvider makes a provider of the trust store from its object. It returns ErrNoIdentity for one without
// trusted keys, and another error for one that cannot be understood; neither may stay in the store.
func CompileProvider(o *v1alpha1.IdentityProvider) (*trust.Provider, error) {
	if o.DeletionTimestamp != nil || o.Status.Trust == nil {
		return nil, ErrNoIdentity
	}
	p := &trust.Provider{
		Key:                 trust.ObjectKey{Namespace: o.Namespace, Name: o.Name},
		Created:             o.CreationTimestamp.Time,
		Issuer:              o.Status.Trust.Issuer,
		Enabled:             enabled(o.Spec.GrantEnabled),
		AudienceAliases:     o.Spec.AudienceAliases,
		SoleAudience:        o.Spec.AudiencePolicy == v1alpha1.AudienceSole,
		EnforceCertificates: o.Spec.CertificateExpiry != v1alpha1.CertificateExpiryIgnore,
		Scopes:              texts(o.Spec.Scopes),
	}
	var err error
	if p.Keys, err = compileKeys(o.Status.Trust.Keys, o.Spec.Algorithms); err != nil {
		return nil, err
	}
	if len(p.Keys) == 0 {
		return nil, ErrNoIdentity
	}
	if p.Replay, err = replayPolicy(o.Spec.Replay); err != nil {
		return nil, err
	}
	if p.ClockSkew, err = duration(o.Spec.ClockSkew, defaultClockSkew); err != nil {
		return nil, fmt.Errorf("read spec.clockSkew: %w", err)
	}
	if p.MaxAge, err = duration(o.Spec.MaxAge, 0); err != nil {
		return nil, fmt.Errorf("read spec.maxAge: %w", err)
	}
	if p.MaxLifetime, err = duration(o.Spec.MaxLifetime, defaultMaxLifetime); err != nil {
		return nil, fmt.Errorf("read spec.maxLifetime: %w", err)
	}
	return p, nil
}

// compileKeys reads the keys of a status, each as strictly as the operator did, with the algorithms that both status
// and spec allow. One key that cannot be read refuses all: status is one consistent set.
func compileKeys(keys []v1alpha1.TrustedKey, allowed []v1alpha1.SignatureAlgorithm) ([]*jose.PublicKey, error) {
	var compiled []*jose.PublicKey
	for i, k := range keys {
		key, err := jose.ParseJWK([]byte(k.PublicJWK))
		if err != nil {
			return nil, fmt.Errorf("read status.trust.keys[%d]: %w", i, err)
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
	case v1alpha1.ReplayOneTimeIfPresent, "":
		return trust.ReplayOneTimeIfPresent, nil
	case v1alpha1.ReplayReuse:
		return trust.ReplayReuse, nil
	default:
		return 0, fmt.Errorf("read spec.replay: %q is unknown", p)
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

// texts converts a list of named strings, and keeps nil as nil.
func texts[S ~string](list []S) []string {
	if list == nil {
		return nil
	}
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}

func duration(d v1alpha1.Duration, absent time.Duration) (time.Duration, error) {
	if d == "" {
		return absent, nil
	}
	v, err := time.ParseDuration(string(d))
	if err != nil {
		return 0, fmt.Errorf("parse duration: %w", err)
	}
	if v < 0 {
		return 0, fmt.Errorf("duration %s is negative", d)
	}
	return v, nil
}
