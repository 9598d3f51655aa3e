package replay

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/policy"
	"github.com/grantor-dev/grantor/tokenserver/state"
)

// renewal is a decision on a refresh token that was issued at noon, a minute later.
func renewal(t *testing.T) policy.Decision {
	t.Helper()
	first, client, snapshot := newFixture().decide(t)
	token, ok := first.RefreshToken()
	if !ok {
		t.Fatal("there is no refresh token")
	}
	return must(policy.Renew(client, token, snapshot, policy.Request{}, server, noon.Add(time.Minute)))
}

// M-02: the store decides whether a refresh token may be used.
func TestRedeemRefreshToken(t *testing.T) {
	broken := errors.New("connection refused")
	for name, tc := range map[string]struct {
		answer error
		want   oauth.Reason
	}{
		"M-01 the next one":       {nil, ""},
		"M-02 used before":        {state.ErrReused, oauth.ReasonRefreshTokenReused},
		"M-02 used, wrapped":      {errors.Join(broken, state.ErrReused), oauth.ReasonRefreshTokenReused},
		"O-02 family revoked":     {state.ErrRevoked, oauth.ReasonRefreshTokenRevoked},
		"H-20 before the start":   {state.ErrBeforeStart, oauth.ReasonRefreshTokenBeforeStart},
		"H-23 store fails":        {broken, oauth.ReasonStateUnavailable},
		"H-23 store is too slow":  {context.DeadlineExceeded, oauth.ReasonStateUnavailable},
		"H-23 says used, wrongly": {state.ErrUsed, oauth.ReasonStateUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			d, store := renewal(t), &fake{err: tc.answer}
			got, err := Redeem(t.Context(), store, d, noon.Add(time.Minute))
			var refusal *oauth.Error
			switch {
			case tc.want == "":
				if err != nil || got.Decision().Subject() != d.Subject() {
					t.Errorf("got %v, %v, want the decision", got, err)
				}
			case !errors.As(err, &refusal) || refusal.Reason != tc.want:
				t.Errorf("got %v, want %s", err, tc.want)
			case got.Decision().Client() != nil:
				t.Error("a refusal comes with a decision")
			}
			step, _ := d.Step()
			if diff := cmp.Diff([]state.Step{step}, store.steps); diff != "" || len(store.uses) != 0 || !store.now.Equal(noon.Add(time.Minute)) {
				t.Errorf("%d assertions are used at %s; steps (-want +got):\n%s", len(store.uses), store.now, diff)
			}
		})
	}
}

// An assertion that begins a family takes no step: the first refresh token has not been used.
func TestRedeemTakesNoStepForAnAssertion(t *testing.T) {
	store := &fake{}
	if _, err := Redeem(t.Context(), store, newFixture().decision(t), noon); err != nil || len(store.steps) != 0 || len(store.uses) != 1 {
		t.Errorf("%d steps, %d uses, error %v", len(store.steps), len(store.uses), err)
	}
}
