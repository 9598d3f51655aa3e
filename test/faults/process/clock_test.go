package process

import (
	"errors"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/harness"
)

// TestF16ClockSkew: assertions of an issuer whose clock is ahead or behind. The server's own clock is the machine's: whose
// of the two is wrong makes no difference.
func TestF16ClockSkew(t *testing.T) {
	s := newSite(t)
	s.declare("skew", s.provider("minute", object{"clockSkew": "60s"})...)
	one := s.start(nil)
	const refused = "400 invalid_grant"
	for name, tc := range map[string]struct {
		issuer string
		shift  time.Duration
		want   string
	}{
		"29 s behind":         {"https://partner.test", -29 * time.Second, granted},
		"31 s behind":         {"https://partner.test", -31 * time.Second, refused},
		"61 s behind":         {"https://partner.test", -61 * time.Second, refused},
		"an hour behind":      {"https://partner.test", -time.Hour, refused},
		"29 s ahead":          {"https://partner.test", 29 * time.Second, granted},
		"31 s ahead":          {"https://partner.test", 31 * time.Second, refused},
		"61 s ahead":          {"https://partner.test", 61 * time.Second, refused},
		"an hour ahead":       {"https://partner.test", time.Hour, refused},
		"31 s behind of 60 s": {"https://minute.test", -31 * time.Second, granted},
		"61 s behind of 60 s": {"https://minute.test", -61 * time.Second, refused},
		"31 s ahead of 60 s":  {"https://minute.test", 31 * time.Second, granted},
		"61 s ahead of 60 s":  {"https://minute.test", 61 * time.Second, refused},
	} {
		t.Run(name, func(t *testing.T) {
			one.t = t
			if got := one.askInTime(tc.issuer, tc.shift); got != tc.want {
				t.Errorf("answered %s instead of %s", got, tc.want)
			}
		})
	}
}

// askInTime sends an assertion that is shifted by so much: one of an issuer that is behind ends now on its clock, one of an
// issuer that is ahead begins now. It is sent again when the second was over before the answer was there.
func (s *server) askInTime(issuer string, shift time.Duration) (outcome string) {
	s.t.Helper()
	d := times{"iat": shift, "nbf": shift, "exp": shift + time.Minute}
	if shift < 0 {
		// It has no iat: what was made before the process began is refused for that.
		d = times{"exp": shift}
	}
	try(s.t, harness.Poll(s.t.Context(), time.Minute, func() error {
		begin := time.Now()
		assertion := s.signed(s.key, issuer, d)
		if outcome = s.ask(s.t.Context(), assertion); time.Now().Unix() != begin.Unix() {
			return errors.New("the answer takes longer than the second lasts")
		}
		return nil
	}))
	return outcome
}

// TestF16UsedUntilItEnds, H-19: an assertion that counts for its clock skew alone is used once until it no longer counts.
func TestF16UsedUntilItEnds(t *testing.T) {
	s := newSite(t)
	one := s.start(nil)
	assertion := s.signed(s.key, s.issuer, times{"exp": -25 * time.Second})
	if got := one.ask(t.Context(), assertion); got != granted {
		t.Fatalf("5 s before its end, the answer is %s", got)
	}
	for end := time.Now().Add(7 * time.Second); time.Now().Before(end); await(t, 20*time.Millisecond) {
		if got := one.ask(t.Context(), assertion); got != "400 invalid_grant" {
			t.Fatalf("the second time, the answer is %s", got)
		}
	}
}
