package operator

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/resolve"
)

// The sources of keys, as status.trust.source names them.
const (
	sourceSecret = "Secret"
	sourceJWKS   = "JWKS"
)

// defaultCertificateKey is the key of a Secret where a reference names none.
const defaultCertificateKey = "tls.crt"

// ProviderInput is what the evaluation of an IdentityProvider depends on.
type ProviderInput struct {
	Provider *v1alpha1.IdentityProvider
	// Secret is what spec.certificateSecretRef names, nil where it does not exist.
	Secret *corev1.Secret
	// Rivals are other providers; those of another namespace or issuer do not matter.
	Rivals []*v1alpha1.IdentityProvider
	Now    time.Time
}

// ProviderOutcome is the result of evaluating an IdentityProvider.
type ProviderOutcome struct {
	Status v1alpha1.IdentityProviderStatus
	// NextVisit is how long from now the outcome may change by itself, because a certificate begins or ends; 0 for never.
	NextVisit time.Duration
}

// EvaluateProvider resolves the keys of an IdentityProvider. It is pure: equal input gives an equal outcome.
func EvaluateProvider(in ProviderInput) ProviderOutcome {
	p := in.Provider
	source := findKeys(p, in.Secret)
	set := newKeySet(p.Spec, source.found, in.Now)
	accepted := acceptIssuer(p, in.Rivals)
	status := v1alpha1.IdentityProviderStatus{ObservedGeneration: p.Generation}
	if accepted.ok && len(set.kept) > 0 {
		status.Trust = set.trust(p.Spec.Issuer, source.kind)
		status.NextKeyExpiry = set.nextExpiry()
	}
	v := visit{existing: p.Status.Conditions, generation: p.Generation, now: in.Now}
	status.Conditions = v.conditions(
		ptr.Deref(p.Spec.GrantEnabled, true),
		"Assertions of this issuer are verified with the keys in status.trust",
		condition{v1alpha1.ConditionAccepted, accepted},
		condition{v1alpha1.ConditionResolvedRefs, source.refs},
		condition{v1alpha1.ConditionKeysReady, set.verdict(source)},
	)
	return ProviderOutcome{Status: status, NextVisit: set.nextVisit()}
}

func acceptIssuer(p *v1alpha1.IdentityProvider, rivals []*v1alpha1.IdentityProvider) verdict {
	if holder := issuerHolder(p, rivals); !sameObject(holder, p) {
		return no(v1alpha1.ReasonDuplicateIssuer,
			"IdentityProvider %q of this namespace has the same issuer and keeps it, being older or first by name: delete one of the two, or correct spec.issuer",
			holder.Name)
	}
	return yes(v1alpha1.ReasonAccepted, "No other IdentityProvider of this namespace has this issuer")
}

// keySource is where the keys of a provider come from, and what was found there.
type keySource struct {
	kind string
	// name names the source in messages.
	name  string
	refs  verdict
	found resolve.Result
}

func findKeys(p *v1alpha1.IdentityProvider, secret *corev1.Secret) keySource {
	ref, set := p.Spec.CertificateSecretRef, p.Spec.JWKS
	switch {
	case (ref == nil) == (set == nil):
		// The schema does not let this happen on a cluster.
		return keySource{refs: yes(v1alpha1.ReasonResolvedRefs, "No reference is followed")}
	case set != nil:
		return keySource{
			kind: sourceJWKS, name: "spec.jwks", found: inlineKeys(set.Keys),
			refs: yes(v1alpha1.ReasonResolvedRefs, "There are no references to resolve"),
		}
	}
	key := cmp.Or(ref.Key, defaultCertificateKey)
	value := secretValue{namespace: p.Namespace, name: ref.Name, key: key, create: "--from-file=" + key}
	s := keySource{kind: sourceSecret, name: value.String()}
	var data []byte
	if data, s.refs = value.find(secret); s.refs.ok {
		s.found = resolve.Certificates(data)
	}
	return s
}

func inlineKeys(keys []v1alpha1.JSONWebKey) resolve.Result {
	texts := make([][]byte, len(keys))
	for i, k := range keys {
		// It is strings and lists of strings, which always have a JSON form; without one the key is skipped as malformed.
		texts[i], _ = json.Marshal(k) //nolint:errchkjson // See above.
	}
	return resolve.JWKS(texts)
}

// apiTime converts a time of a certificate. A certificate can hold the zero time, the API cannot.
func apiTime(t time.Time) metav1.Time {
	if t.IsZero() {
		t = t.Add(time.Second)
	}
	return metav1.NewTime(t.UTC())
}

// quantity is a number with its noun.
func quantity(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
