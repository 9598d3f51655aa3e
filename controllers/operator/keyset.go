package operator

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/resolve"
	"github.com/grantor-dev/grantor/tokenserver/jose"
)

const (
	// longestVisit bounds the wait for a certificate: timers of years are not worth trusting.
	longestVisit = 12 * time.Hour
	// visitMargin makes a visit come after the boundary that it waits for.
	visitMargin = time.Second
	// defaultClockSkew is that of the schema, for objects that did not pass through it.
	defaultClockSkew = 30 * time.Second
)

// keySet is what a provider's policy makes of the keys of its source.
type keySet struct {
	kept    []resolve.Key
	skipped []skippedKey
	// enforce says that certificates bound the use of their keys.
	enforce bool
	skew    time.Duration
	now     time.Time
}

// skippedKey is an entry that is not used, in the order of the source.
type skippedKey struct {
	index int
	v1alpha1.SkippedKey
}

func newKeySet(spec v1alpha1.IdentityProviderSpec, found resolve.Result, now time.Time) keySet {
	s := keySet{
		enforce: spec.CertificateExpiry != v1alpha1.CertificateExpiryIgnore,
		skew:    clockSkew(spec.ClockSkew),
		now:     now,
	}
	for _, k := range found.Skipped {
		s.skip(k.Index, k.Entry, reasonOf(k.Problem), k.Message)
	}
	for _, k := range found.Keys {
		s.consider(k, spec.Algorithms)
	}
	slices.SortStableFunc(s.skipped, func(a, b skippedKey) int { return cmp.Compare(a.index, b.index) })
	return s
}

func (s *keySet) consider(k resolve.Key, allowed []v1alpha1.SignatureAlgorithm) {
	if len(allowed) > 0 {
		restricted := k.Public.Restricted(convert[jose.Algorithm](allowed))
		if restricted == nil {
			s.skip(k.Index, k.Entry, v1alpha1.ReasonAlgorithmMismatch, fmt.Sprintf(
				"spec.algorithms allows none of the algorithms of this %s key: add one of %v, or replace the key",
				k.Public.Kind(), k.Public.Algorithms()))
			return
		}
		k.Public = restricted
	}
	if s.expired(k) {
		s.skip(k.Index, k.Entry, v1alpha1.ReasonCertificateExpired,
			"the certificate has expired: put its successor beside it or in its place (or set spec.certificateExpiry to Ignore to use the key all the same)")
		return
	}
	s.kept = append(s.kept, k)
}

func (s *keySet) skip(index int, entry, reason, message string) {
	s.skipped = append(s.skipped, skippedKey{index, v1alpha1.SkippedKey{Entry: entry, Reason: reason, Message: message}})
}

// expired: RFC 5280 §4.1.2.5, with the skew that spec.clockSkew allows.
func (s *keySet) expired(k resolve.Key) bool {
	c := k.Public.Certificate()
	return s.enforce && c != nil && s.now.After(c.NotAfter.Add(s.skew))
}

func (s *keySet) notYetValid(k resolve.Key) bool {
	c := k.Public.Certificate()
	return s.enforce && c != nil && s.now.Before(c.NotBefore.Add(-s.skew))
}

// verdict is what the KeysReady condition says.
func (s *keySet) verdict(source keySource) verdict {
	usable := slices.IndexFunc(s.kept, func(k resolve.Key) bool { return !s.notYetValid(k) })
	switch {
	case !source.refs.ok:
		return no(v1alpha1.ReasonRefsNotResolved, "There are no keys before every reference is resolved; ResolvedRefs says what to do")
	case source.kind == "":
		return no(v1alpha1.ReasonInvalidKeyMaterial, "The spec must have exactly one key source: set either spec.certificateSecretRef or spec.jwks")
	case len(s.kept) == 0 && len(s.skipped) == 0:
		return no(v1alpha1.ReasonInvalidKeyMaterial, "%s holds no keys: add the public keys of the issuer", source.name)
	case len(s.kept) == 0:
		return no(s.skipped[0].Reason, "No key of %s can be used: %s", source.name, s.explainSkipped())
	case usable < 0:
		return no(v1alpha1.ReasonCertificateNotYetValid,
			"No key of %s can be used yet, for the validity of %s and of all others begins later: wait for it, put a certificate that is valid now beside it, or set spec.certificateExpiry to Ignore",
			source.name, s.kept[0].Entry)
	case len(s.skipped) > 0:
		return yes(v1alpha1.ReasonSomeKeysSkipped, "%s of %s can be used, others cannot: %s", quantity(len(s.kept), "key"), source.name, s.explainSkipped())
	}
	return yes(v1alpha1.ReasonKeysReady, "Every key of %s is trusted (%s)", source.name, quantity(len(s.kept), "key"))
}

// explainSkipped tells about the first skipped entry, and how many more there are.
func (s *keySet) explainSkipped() string {
	first := s.skipped[0].Entry + ": " + s.skipped[0].Message
	if more := len(s.skipped) - 1; more > 0 {
		return fmt.Sprintf("%s (and %d more)", first, more)
	}
	return first
}

func (s *keySet) trust(issuer, source string) *v1alpha1.Trust {
	t := &v1alpha1.Trust{Issuer: issuer, Source: source, KeyCount: new(int32(len(s.kept)))} //nolint:gosec // At most 100.
	for _, k := range s.kept {
		t.Keys = append(t.Keys, trustedKey(k))
	}
	for _, k := range s.skipped {
		t.SkippedKeys = append(t.SkippedKeys, k.SkippedKey)
	}
	return t
}

func trustedKey(k resolve.Key) v1alpha1.TrustedKey {
	t := v1alpha1.TrustedKey{
		KeyID:            k.Public.KeyID(),
		Type:             k.Public.Kind(),
		Algorithms:       convert[v1alpha1.SignatureAlgorithm](k.Public.Algorithms()),
		ThumbprintSHA256: k.Public.Thumbprint(),
		PublicJWK:        k.Public.JWK(),
	}
	if c := k.Public.Certificate(); c != nil {
		t.Certificate = &v1alpha1.CertificateSummary{
			Subject:          k.Subject,
			NotBefore:        apiTime(c.NotBefore),
			NotAfter:         apiTime(c.NotAfter),
			ThumbprintSHA1:   c.ThumbprintSHA1,
			ThumbprintSHA256: c.ThumbprintSHA256,
		}
	}
	return t
}

// nextExpiry is when the first certificate expires, nil without any.
func (s *keySet) nextExpiry() *metav1.Time {
	var next *metav1.Time
	for _, k := range s.kept {
		c := k.Public.Certificate()
		if !s.enforce || c == nil {
			continue
		}
		if t := apiTime(c.NotAfter); next == nil || t.Before(next) {
			next = &t
		}
	}
	return next
}

// nextVisit is how long it takes until a certificate begins or ends and so changes the outcome; 0 for never.
func (s *keySet) nextVisit() time.Duration {
	var next time.Duration
	for _, k := range s.kept {
		c := k.Public.Certificate()
		if !s.enforce || c == nil {
			continue
		}
		for _, boundary := range []time.Time{c.NotBefore.Add(-s.skew), c.NotAfter.Add(s.skew)} {
			wait := boundary.Sub(s.now)
			if wait < 0 {
				continue
			}
			if wait = min(wait, longestVisit-visitMargin) + visitMargin; next == 0 || wait < next {
				next = wait
			}
		}
	}
	return next
}

// reasonOf is the reason of the KeysReady condition for a problem with a key.
func reasonOf(p jose.Problem) string {
	switch p {
	case jose.ProblemPrivate:
		return v1alpha1.ReasonPrivateKey
	case jose.ProblemWeak:
		return v1alpha1.ReasonWeakKey
	case jose.ProblemUnsupported:
		return v1alpha1.ReasonUnsupportedKey
	case resolve.ProblemTooMany:
		return v1alpha1.ReasonTooManyKeys
	case jose.ProblemMalformed:
		return v1alpha1.ReasonInvalidKeyMaterial
	default:
		return v1alpha1.ReasonInvalidKeyMaterial
	}
}

// clockSkew reads spec.clockSkew. What cannot be read, which the schema does not let happen, allows no skew.
func clockSkew(d v1alpha1.Duration) time.Duration {
	if d == "" {
		return defaultClockSkew
	}
	skew, err := time.ParseDuration(string(d))
	if err != nil || skew < 0 {
		return 0
	}
	return skew
}

// convert changes between the string types of two packages.
func convert[T, S ~string](list []S) []T {
	converted := make([]T, len(list))
	for i, s := range list {
		converted[i] = T(s)
	}
	return converted
}
