package assertion

import (
	"slices"
	"testing"
)

// TestEveryStepIsNeeded leaves out one step at a time: a row must notice, and it must be one that this step refuses.
// What has no row is not known to be checked.
func TestEveryStepIsNeeded(t *testing.T) {
	whole := NewVerifier(ownIssuer)
	refusedBy := map[string][]string{} // rows by the step that refuses them
	for name, p := range matrix() {
		if step := refusingStep(whole, p); step != "" {
			refusedBy[step] = append(refusedBy[step], name)
		}
	}
	for i, s := range whole.steps {
		t.Run(s.name, func(t *testing.T) {
			without := &Verifier{ownIssuer: ownIssuer, steps: slices.Delete(slices.Clone(whole.steps), i, i+1)}
			if len(refusedBy[s.name]) == 0 {
				t.Fatal("no row is refused by this step")
			}
			for _, name := range refusedBy[s.name] {
				p := matrix()[name]
				if got, _ := p.outcome(without); got == (outcome{Reason: p.want}) {
					t.Errorf("row %q does not notice that the step is gone", name)
				}
			}
		})
	}
}

// TestStepsThatNothingElseCovers: a row of these steps must pass when the step is gone, so that what the step refuses is
// refused by nothing else. All others make a later step impossible or only say more exactly why it would refuse.
func TestStepsThatNothingElseCovers(t *testing.T) {
	alone := []string{
		"type", "content type", "not self-issued", "provider allowed", "provider enabled", "subject", "audience", "expiry",
		"not before", "issued at", "order of times", "age", "lifetime", "jti",
	}
	for i, s := range NewVerifier(ownIssuer).steps {
		if !slices.Contains(alone, s.name) {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			whole := NewVerifier(ownIssuer)
			without := &Verifier{ownIssuer: ownIssuer, steps: slices.Delete(slices.Clone(whole.steps), i, i+1)}
			for _, p := range matrix() {
				if refusingStep(whole, p) != s.name {
					continue
				}
				if got, _ := p.outcome(without); got == (outcome{Reason: accepted}) {
					return
				}
			}
			t.Error("no row is refused by this step alone")
		})
	}
}

// refusingStep returns the name of the step that refuses the presentation, or empty.
func refusingStep(vr *Verifier, p presentation) string {
	v := &verification{
		ownIssuer: vr.ownIssuer, assertion: p.text, snapshot: p.snapshot, client: p.client.Object(), now: instant(),
	}
	for _, s := range vr.steps {
		if s.run(v) != nil {
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
			vr := &Verifier{ownIssuer: ownIssuer}
			for _, s := range NewVerifier(ownIssuer).steps {
				if keep(s) {
					vr.steps = append(vr.steps, s)
				}
			}
			if got, _ := matrix()["fixture"].outcome(vr); got != (outcome{Reason: "internal"}) {
				t.Errorf("outcome = %+v, want an internal refusal", got)
			}
		})
	}
}
