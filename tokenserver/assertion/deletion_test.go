package assertion

import (
	"context"
	"slices"
	"testing"
)

// lists are the lists of steps that a verifier has, each with the purposes that it serves.
func lists() map[string]struct {
	of       func(*Verifier) *[]step
	purposes []purpose
} {
	return map[string]struct {
		of       func(*Verifier) *[]step
		purposes []purpose
	}{
		"reading": {func(vr *Verifier) *[]step { return &vr.reading }, []purpose{asGrant, asToken, asClient}},
		"grant":   {func(vr *Verifier) *[]step { return &vr.grant }, []purpose{asGrant}},
		"token":   {func(vr *Verifier) *[]step { return &vr.token }, []purpose{asToken}},
		"client":  {func(vr *Verifier) *[]step { return &vr.client }, []purpose{asClient}},
	}
}

// forEachStep runs a test for every step of every list and purpose, with a verifier that lacks the step.
func forEachStep(t *testing.T, run func(t *testing.T, s step, of purpose, without *Verifier)) {
	t.Helper()
	for name, list := range lists() {
		for i, s := range *list.of(NewVerifier(ownIssuer, ownTenants)) {
			for _, of := range list.purposes {
				without := NewVerifier(ownIssuer, ownTenants)
				steps := list.of(without)
				*steps = slices.Delete(slices.Clone(*steps), i, i+1)
				t.Run([]string{"grant", "client", "token"}[of]+"/"+name+"/"+s.name, func(t *testing.T) { run(t, s, of, without) })
			}
		}
	}
}

// TestEveryStepIsNeeded leaves out one step at a time: a row must notice, and it must be one that this step refuses.
// What has no row is not known to be checked.
func TestEveryStepIsNeeded(t *testing.T) {
	refusedBy := refusals()
	forEachStep(t, func(t *testing.T, s step, of purpose, without *Verifier) {
		t.Helper()
		if len(refusedBy[of][s.name]) == 0 {
			t.Fatal("no row is refused by this step")
		}
		for _, name := range refusedBy[of][s.name] {
			p := matrix()[name]
			if got, _ := p.outcome(without); got == (outcome{Reason: p.want}) {
				t.Errorf("row %q does not notice that the step is gone", name)
			}
		}
	})
}

// refusals are the rows by purpose and by the step that refuses them.
func refusals() map[purpose]map[string][]string {
	whole := NewVerifier(ownIssuer, ownTenants)
	rows := map[purpose]map[string][]string{asGrant: {}, asClient: {}, asToken: {}}
	for name, p := range matrix() {
		if step := refusingStep(whole, p); step != "" {
			rows[p.purpose][step] = append(rows[p.purpose][step], name)
		}
	}
	return rows
}

// TestStepsThatNothingElseCovers: a row of these steps must pass when the step is gone, so that what the step refuses is
// refused by nothing else. All others make a later step impossible or only say more exactly why it would refuse.
func TestStepsThatNothingElseCovers(t *testing.T) {
	common := []string{
		"content type", "not self-issued", "provider enabled", "subject", "subject form", "client id claim", "audience",
		"expiry", "not before", "issued at", "order of times", "age", "lifetime", "claim rules", "jti",
	}
	alone := map[purpose][]string{
		asGrant:  append(slices.Clone(common), "type", "ID-JAG", "provider allowed"),
		asToken:  append(slices.Clone(common), "token type", "not bound to a key", "provider allowed"),
		asClient: append(slices.Clone(common), "type", "authority admits", "issuer"),
	}
	refusedBy := refusals()
	forEachStep(t, func(t *testing.T, s step, of purpose, without *Verifier) {
		t.Helper()
		if !slices.Contains(alone[of], s.name) {
			return
		}
		for _, name := range refusedBy[of][s.name] {
			if got, _ := matrix()[name].outcome(without); got == (outcome{Reason: accepted}) {
				return
			}
		}
		t.Error("no row is refused by this step alone")
	})
}

// refusingStep returns the name of the step that refuses the presentation, or empty.
func refusingStep(vr *Verifier, p presentation) string {
	v := &verification{
		ownIssuer: vr.ownIssuer, ownPrefixes: vr.ownPrefixes, audience: vr.ownIssuer, text: p.text, snapshot: p.snapshot, client: p.client,
		kind: p.kind, now: instant(),
	}
	steps := map[purpose][]step{asGrant: vr.grant, asToken: vr.token, asClient: vr.client}[p.purpose]
	for _, s := range slices.Concat(vr.reading, steps) {
		if s.run(context.Background(), v) != nil {
			return s.name
		}
	}
	return ""
}

// TestNoStepAtAll: without the signature step nothing is verified, whatever the other steps say.
func TestNoStepAtAll(t *testing.T) {
	for name, keep := range map[string]func(step) bool{
		"no step":      func(step) bool { return false },
		"no signature": func(s step) bool { return s.name != "signature" },
	} {
		t.Run(name, func(t *testing.T) {
			vr := NewVerifier(ownIssuer, ownTenants)
			for _, list := range lists() {
				*list.of(vr) = slices.DeleteFunc(slices.Clone(*list.of(vr)), func(s step) bool { return !keep(s) })
			}
			for _, row := range []string{"fixture", "token fixture", "federated fixture", "own key fixture"} {
				if got, _ := matrix()[row].outcome(vr); got != (outcome{Reason: "internal"}) {
					t.Errorf("outcome of %s = %+v, want an internal refusal", row, got)
				}
			}
		})
	}
}
