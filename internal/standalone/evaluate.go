package standalone

import (
	"errors"
	"time"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/controllers/operator"
	"github.com/grantor-dev/grantor/internal/manifests"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
)

// Evaluator fills in the status of objects from files, as the operator does on a cluster, but for keys that would have to be
// fetched.
type Evaluator struct {
	digestKey keyring.DigestKey
	rules     *operator.RuleChecker
}

// NewEvaluator returns an evaluator that digests client secrets with a key.
func NewEvaluator(digestKey keyring.DigestKey) (*Evaluator, error) {
	rules, err := operator.NewRuleChecker()
	if err != nil {
		return nil, err
	}
	return &Evaluator{digestKey: digestKey, rules: rules}, nil
}

// Evaluate fills in the status of every object of a set. It returns when age alone may change what it says; zero for never.
func (e *Evaluator) Evaluate(set *manifests.Set, now time.Time) (revisit time.Time) {
	visit := func(in time.Duration) {
		if at := now.Add(in); in > 0 && (revisit.IsZero() || at.Before(revisit)) {
			revisit = at
		}
	}
	known := newIndex(set)
	for _, p := range set.Providers {
		withoutAuthorities(p.Spec.JWKSURI, p.Spec.Discovery)
		// As on a cluster: the second visit finds what the first one resolved loaded.
		p.Status = operator.EvaluateProvider(e.providerInput(known, p, now)).Status
		outcome := operator.EvaluateProvider(e.providerInput(known, p, now))
		p.Status = outcome.Status
		visit(outcome.NextVisit)
	}
	for _, c := range set.Clients {
		if auth := c.Spec.Authentication.PrivateKeyJWT; auth != nil {
			withoutAuthorities(auth.JWKSURI, nil)
		}
		c.Status = operator.EvaluateClient(e.clientInput(known, c, now)).Status
		outcome := operator.EvaluateClient(e.clientInput(known, c, now))
		c.Status = outcome.Status
		visit(outcome.NextVisit)
	}
	return revisit
}

// here is this one process, which loads a version before it says so.
func here() operator.Loaded { return operator.Loaded{Have: 1, Live: 1} }

var errNoFetching = errors.New("standalone mode fetches nothing: put the keys into jwks")

func noFetching(operator.RemoteSource, operator.Refresh) operator.Answer {
	return operator.Answer{Problem: errNoFetching}
}

// withoutAuthorities drops the references for fetching, so that nobody is told to make the objects for it.
func withoutAuthorities(set *v1alpha1.RemoteKeySet, discovered *v1alpha1.DiscoveredKeySet) {
	if set != nil {
		set.CASecretRef, set.CAConfigMapRef = nil, nil
	}
	if discovered != nil {
		discovered.CASecretRef, discovered.CAConfigMapRef = nil, nil
	}
}

func (e *Evaluator) providerInput(known index, p *v1alpha1.IdentityProvider, now time.Time) operator.ProviderInput {
	secret, _ := operator.ReferencedByProvider(p)
	return operator.ProviderInput{
		Provider: p, Rivals: known.sameIssuer(p), Rules: e.rules, Lookup: noFetching, Loaded: here(), Now: now,
		References: operator.References{Secret: known.secret(p.Namespace, secret)},
	}
}

func (e *Evaluator) clientInput(known index, c *v1alpha1.OAuthClient, now time.Time) operator.ClientInput {
	secret, _ := operator.ReferencedByClient(c)
	return operator.ClientInput{
		Client: c, Rivals: known.sameClientID(c), Providers: known.providersOf(c), DigestKey: e.digestKey, Lookup: noFetching,
		Loaded: here(), Now: now, References: operator.References{Secret: known.secret(c.Namespace, secret)},
	}
}
