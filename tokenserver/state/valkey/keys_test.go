package valkey

import (
	"crypto/sha256"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// H-22: where an entry is must not change while entries of the version before live.
func TestKeys(t *testing.T) {
	got := keys("grantor", kindUse, sha256.Sum256([]byte("1")))
	want := []string{"grantor:v1:{2b}:since", "grantor:v1:{2b}:use:a4ayc_80_OGda4BO_1o_V0etpOqiLx1JwB5S3beHW0s"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

func TestSinceOf(t *testing.T) {
	noon := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct{ now, want time.Time }{
		"full second":     {noon, noon.Add(2 * time.Second)},
		"within one":      {noon.Add(time.Nanosecond), noon.Add(3 * time.Second)},
		"end of a second": {noon.Add(999 * time.Millisecond), noon.Add(3 * time.Second)},
	} {
		t.Run(name, func(t *testing.T) {
			if got := sinceOf(tc.now); !got.Equal(tc.want) {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// An end is never too early, and now never too late.
func TestMicros(t *testing.T) {
	at := time.Unix(1, 1)
	if diff := cmp.Diff([]string{"1000001", "1000000"}, []string{micros(at), instant(at)}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
