package operator

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/profile"
)

// ProviderInput is what the evaluation of an IdentityProvider depends on.
type ProviderInput struct {
	Provider *v1alpha1.IdentityProvider
	// References are the objects that the key source refers to.
	References References
	// Lookup says what is known of a remote source.
	Lookup Lookup
	// Rivals are other providers; those of another namespace or issuer do not matter.
	Rivals []*v1alpha1.IdentityProvider
	// Rules judges claim rules.
	Rules *RuleChecker
	// Loaded is who has loaded this version of the object.
	Loaded Loaded
	Now    time.Time
}

// ProviderOutcome is the result of evaluating an IdentityProvider.
type ProviderOutcome struct {
	Status v1alpha1.IdentityProviderStatus
	// NextVisit is how long from now the outcome may change by itself, because a certificate begins or ends or keys are to
	// be fetched; 0 for never.
	NextVisit time.Duration
	// Waits says that the status is as it should be, and token servers have yet to load it.
	Waits bool
}

// EvaluateProvider resolves the keys of an IdentityProvider. It is pure: equal input gives an equal outcome.
func EvaluateProvider(in ProviderInput) ProviderOutcome {
	p := in.Provider
	policy, accepted := acceptProvider(p, in.Rivals, in.Rules)
	spec := providerKeySpec(p, policy)
	source := spec.find(in.References, in.Lookup, in.Now)
	set := newKeySet(spec, source, in.Now)
	status := v1alpha1.IdentityProviderStatus{ObservedGeneration: p.Generation, Effective: policy.Effective()}
	if accepted.ok && len(set.kept) > 0 {
		status.Trust = &v1alpha1.Trust{Issuer: p.Spec.Issuer, KeySet: set.status(source)}
		status.NextKeyExpiry = set.nextExpiry()
		status.LastFetchTime = spec.lastFetchTime(source, &status.Trust.KeySet)
	}
	v := visit{existing: p.Status.Conditions, generation: p.Generation, now: in.Now}
	settled := p.Status.ObservedGeneration == p.Generation && sameTrust(p.Status.Trust, status.Trust)
	programmed, wait := v.programmed(settled, in.Loaded)
	status.Conditions = v.conditions(
		ptr.Deref(p.Spec.GrantEnabled, true),
		"Assertions of this issuer are verified with the keys in status.trust",
		condition{v1alpha1.ConditionAccepted, accepted},
		condition{v1alpha1.ConditionResolvedRefs, source.refs},
		condition{v1alpha1.ConditionKeysReady, v.keysReady(v1alpha1.ConditionKeysReady, set, source)},
		condition{v1alpha1.ConditionProgrammed, programmed},
	)
	return ProviderOutcome{Status: status, NextVisit: soonest(set.nextVisit(source), wait), Waits: settled && !programmed.ok}
}

// sameTrust reports whether token servers take the same from two statuses. They do not look at skipped keys.
func sameTrust(a, b *v1alpha1.Trust) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Issuer == b.Issuer && sameKeySet(&a.KeySet, &b.KeySet)
}

func sameKeySet(a, b *v1alpha1.KeySet) bool {
	if a == nil || b == nil {
		return a == b
	}
	x, y := *a, *b
	x.SkippedKeys, y.SkippedKeys = nil, nil
	return equality.Semantic.DeepEqual(x, y)
}

// keysReady is what the condition about keys says. Before the first fetch of a process, that is what it said before.
func (v visit) keysReady(typ string, set keySet, source keySource) verdict {
	said := set.verdict(source)
	before, known := v.existingVerdict(typ)
	if source.pending && known && before.ok == said.ok && before.reason != v1alpha1.ReasonRefsNotResolved {
		return before
	}
	return said
}

// acceptProvider resolves the policy, and says whether spec and claim are in order.
func acceptProvider(p *v1alpha1.IdentityProvider, rivals []*v1alpha1.IdentityProvider, rules *RuleChecker) (profile.Policy, verdict) {
	policy, err := profile.Resolve(p)
	if err != nil {
		// The schema does not let this happen on a cluster.
		return policy, no(v1alpha1.ReasonInvalidExpression, "The spec cannot be understood: %s", err)
	}
	switch checked := rules.check(policy, p.Spec); {
	case checked.fault != "":
		return policy, no(v1alpha1.ReasonInvalidExpression, "%s", checked.fault)
	case checked.missesIdentity:
		return policy, no(v1alpha1.ReasonIdentityRuleMissing, "%s", identityRuleMissing(p, policy))
	}
	return policy, acceptIssuer(p, rivals)
}

// identityRuleMissing says which rule to add.
func identityRuleMissing(p *v1alpha1.IdentityProvider, policy profile.Policy) string {
	if policy.Profile == v1alpha1.ProfileKubernetes || p.Spec.ClusterIssuer != nil {
		return fmt.Sprintf("Every workload of the cluster can get a token of this issuer, for any audience: say in spec.claimValidationRules whose are accepted, for example {expression: \"claims.sub.startsWith('system:serviceaccount:%s:')\"} for those of this namespace", p.Namespace)
	}
	return "Everybody's workflows can get a token of this issuer, for any audience: say in spec.claimValidationRules whose are accepted, for example {claim: repository_owner_id, requiredValue: \"<the numeric id of your organization>\"}"
}

func acceptIssuer(p *v1alpha1.IdentityProvider, rivals []*v1alpha1.IdentityProvider) verdict {
	if holder := issuerHolder(p, rivals); !sameObject(holder, p) {
		return no(v1alpha1.ReasonDuplicateIssuer,
			"IdentityProvider %q of this namespace has the same issuer and keeps it, being older or first by name: delete one of the two, or correct spec.issuer",
			holder.Name)
	}
	return yes(v1alpha1.ReasonAccepted, "No other IdentityProvider of this namespace has this issuer")
}

// lastFetchTime is what status says of the time of the fetch, nil for keys that are not fetched.
func (s keySpec) lastFetchTime(source keySource, set *v1alpha1.KeySet) *metav1.Time {
	if source.fetched.IsZero() {
		return nil
	}
	return new(metav1.NewTime(s.fetchTime(source, sameKeys(set, s.kept))))
}

// soonest is the shorter of two waits, of which 0 is none.
func soonest(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
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
