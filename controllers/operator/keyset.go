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
	// aMonth and aWeek before the last certificate of a set expires, its condition says so.
	aMonth = 30 * 24 * time.Hour
	aWeek  = 7 * 24 * time.Hour
)

// keySet is what a provider's policy makes of the keys of its source.
type keySet struct {
	kept    []resolve.Key
	skipped []skippedKey
	// enforce says that certificates bound the use of their keys, and optional that the spec can say otherwise.
	enforce, optional bool
	skew              time.Duration
	now               time.Time
}

// skippedKey is an entry that is not used, in the order of the source.
type skippedKey struct {
	index int
	v1alpha1.SkippedKey
}

func newKeySet(spec keySpec, source keySource, now time.Time) keySet {
	s := keySet{enforce: spec.enforce, optional: spec.optional, skew: spec.skew, now: now}
	for i, k := range source.skipped {
		s.skipped = append(s.skipped, skippedKey{i - len(source.skipped), k}) // They keep their order, before others.
	}
	for _, k := range source.found.Skipped {
		s.skip(k.Index, k.Entry, reasonOf(k.Problem), k.Message)
	}
	for _, k := range source.found.Keys {
		s.consider(k, spec.algorithms)
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
			"the certificate has expired: put its successor beside it or in its place"+s.ignoring(" (or set spec.certificateExpiry to Ignore to use the key all the same)"))
		return
	}
	s.kept = append(s.kept, k)
}

// ignoring is advice that helps only where the spec can say that certificates do not matter.
func (s *keySet) ignoring(advice string) string {
	if !s.optional {
		return ""
	}
	return advice
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

// verdict is what the KeysReady condition says, or CredentialsReady for a client with keys.
func (s *keySet) verdict(source keySource) verdict {
	usable := slices.IndexFunc(s.kept, func(k resolve.Key) bool { return !s.notYetValid(k) })
	switch {
	case !source.refs.ok:
		return no(v1alpha1.ReasonRefsNotResolved, "There are no keys before every reference is resolved; ResolvedRefs says what to do")
	case source.fetch != nil && !source.fetch.ok:
		return *source.fetch
	case source.kind == "":
		return no(v1alpha1.ReasonInvalidKeyMaterial, "The spec must have exactly one key source: set one, for example jwks")
	case len(s.kept) == 0 && len(s.skipped) == 0:
		return no(v1alpha1.ReasonInvalidKeyMaterial, "%s holds no keys: add the public keys of the issuer", source.name)
	case len(s.kept) == 0:
		return no(s.skipped[0].Reason, "No key of %s can be used: %s", source.name, s.explainSkipped())
	case usable < 0:
		return no(v1alpha1.ReasonCertificateNotYetValid,
			"No key of %s can be used yet, for the validity of %s and of all others begins later: wait for it, or put a certificate that is valid now beside it%s",
			source.name, s.kept[0].Entry, s.ignoring(" (or set spec.certificateExpiry to Ignore)"))
	case source.fetch != nil:
		return *source.fetch
	}
	if within, ends := s.endsSoon(); ends {
		return yes(v1alpha1.ReasonCertificateExpiresSoon, "Every certificate of %s expires in less than %s: put a successor beside the last one", source.name, within)
	}
	if len(s.skipped) > 0 {
		return yes(v1alpha1.ReasonSomeKeysSkipped, "%s of %s can be used, others cannot: %s", quantity(len(s.kept), "key"), source.name, s.explainSkipped())
	}
	return yes(v1alpha1.ReasonKeysReady, "Every key of %s is trusted (%s)", source.name, quantity(len(s.kept), "key"))
}

// endsSoon reports whether no key outlives the next days, and says how many.
func (s *keySet) endsSoon() (within string, ends bool) {
	last, bounded := s.lastExpiry()
	switch {
	case !bounded || s.now.Before(last.Add(-aMonth)):
		return "", false
	case s.now.Before(last.Add(-aWeek)):
		return "30 days", true
	}
	return "7 days", true
}

// lastExpiry is when the last of the keys ends, if all of them do.
func (s *keySet) lastExpiry() (last time.Time, bounded bool) {
	for _, k := range s.kept {
		c := k.Public.Certificate()
		if !s.enforce || c == nil {
			return time.Time{}, false
		}
		if c.NotAfter.After(last) {
			last = c.NotAfter
		}
	}
	return last, len(s.kept) > 0
}

// explainSkipped tells about the first skipped entry, and how many more there are.
func (s *keySet) explainSkipped() string {
	first := s.skipped[0].Entry + ": " + s.skipped[0].Message
	if more := len(s.skipped) - 1; more > 0 {
		return fmt.Sprintf("%s (and %d more)", first, more)
	}
	return first
}

// status is the set as a status shows it.
func (s *keySet) status(source keySource) v1alpha1.KeySet {
	set := v1alpha1.KeySet{Source: source.kind, URL: source.url, CASHA256: source.ca, KeyCount: new(int32(len(s.kept)))} //nolint:gosec // At most 100.
	for _, k := range s.kept {
		set.Keys = append(set.Keys, trustedKey(k))
	}
	for _, k := range s.skipped {
		set.SkippedKeys = append(set.SkippedKeys, k.SkippedKey)
	}
	return set
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

// nextVisit is how long it takes until the outcome may change by itself, because a certificate begins, ends or comes near
// its end, or a remote source must be looked at again; 0 for never.
func (s *keySet) nextVisit(source keySource) time.Duration {
	var boundaries []time.Time
	if !source.nextVisit.IsZero() {
		boundaries = append(boundaries, source.nextVisit)
	}
	for _, k := range s.kept {
		if c := k.Public.Certificate(); s.enforce && c != nil {
			boundaries = append(boundaries, c.NotBefore.Add(-s.skew), c.NotAfter.Add(s.skew))
		}
	}
	if last, bounded := s.lastExpiry(); bounded {
		boundaries = append(boundaries, last.Add(-aMonth), last.Add(-aWeek))
	}
	var next time.Duration
	for _, boundary := range boundaries {
		wait := boundary.Sub(s.now)
		if wait < 0 {
			continue
		}
		if wait = min(wait, longestVisit-visitMargin) + visitMargin; next == 0 || wait < next {
			next = wait
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
	case resolve.ProblemOtherIssuer:
		return v1alpha1.ReasonIssuerMismatch
	case jose.ProblemMalformed:
		return v1alpha1.ReasonInvalidKeyMaterial
	default:
		return v1alpha1.ReasonInvalidKeyMaterial
	}
}

// convert changes between the string types of two packages.
func convert[T, S ~string](list []S) []T {
	converted := make([]T, len(list))
	for i, s := range list {
		converted[i] = T(s)
	}
	return converted
}
