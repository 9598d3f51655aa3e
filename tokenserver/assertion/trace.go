package assertion

import (
	"context"
	"slices"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// Traced is what one step says of an assertion.
type Traced struct {
	// Step is the name of the step.
	Step string
	// Refusal is why the step refuses, or nil.
	Refusal error
	// Skipped says that the step was not run: it reads what an earlier one was to find, and that one refused.
	Skipped bool
}

// Trace is what every step says of an assertion that is presented as a grant, and what there was to see. It proves nothing
// and nothing can be had for it: only Verify makes a Verified.
type Trace struct {
	// Steps are in the order in which Verify runs them. The first that refuses is the one by which Verify does.
	Steps []Traced
	// UntrustedHeader and UntrustedPayload are what the assertion says; nil where it has not the form of one.
	UntrustedHeader  *jose.Header
	UntrustedPayload []byte
	// UntrustedClaims are the claims that the steps judged, or nil.
	UntrustedClaims *Claims
	// Provider is the provider that judged, or nil.
	Provider *trust.Provider
	// Key is the key that verified the signature, or nil.
	Key *jose.PublicKey
}

// Trace runs the steps of Verify, and goes on where one refuses with those that do not read what it was to find: for people
// who want to know all that is wrong with an assertion at once.
func (vr *Verifier) Trace(ctx context.Context, snapshot *trust.Snapshot, client *trust.Client, assertion, audience string, now time.Time) Trace {
	v := &verification{ownIssuer: vr.ownIssuer, ownPrefixes: vr.ownPrefixes, text: assertion, audience: audience, snapshot: snapshot, client: client, now: now}
	t := Trace{}
	passed := map[string]bool{}
	for _, s := range slices.Concat(vr.reading, vr.grant) {
		step := Traced{Step: s.name, Skipped: slices.ContainsFunc(needs(s.name), func(name string) bool { return !passed[name] })}
		if !step.Skipped {
			step.Refusal = s.run(ctx, v)
			passed[s.name] = step.Refusal == nil
		}
		t.Steps = append(t.Steps, step)
	}
	if v.jws != nil {
		t.UntrustedHeader, t.UntrustedPayload = &v.jws.UntrustedHeader, v.jws.UntrustedPayload
	}
	t.UntrustedClaims, t.Provider, t.Key = v.claims, v.provider, v.key
	return t
}

// needs are the steps that must have passed for another to say anything.
func needs(step string) []string {
	switch step {
	case "form":
		return nil
	case "content type", "claims set":
		return []string{"form"}
	case "issuer present", "not self-issued":
		return []string{"claims set"}
	case "provider":
		return []string{"issuer present"}
	case "signature":
		return []string{"key"}
	case "subject form":
		return []string{"provider", "subject"}
	case "audience", "ID-JAG":
		return []string{"provider", "audience present"}
	case "expiry", "order of times", "lifetime":
		return []string{"provider", "expiry present"}
	default:
		return []string{"provider"}
	}
}
