package clientauth

import (
	"runtime"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// refusals are failures that a caller must not be able to tell apart by their cost, among them the wrong secret.
func refusals(keys keyring.DigestKeys) map[string]func(secret string) error {
	one := func(c *trust.Client, k keyring.DigestKey) { c.Credentials = []trust.Credential{credential(k, secret)} }
	try := func(id, tenant string, snapshot *trust.Snapshot) func(string) error {
		return func(secret string) error {
			_, err := authenticate(snapshot, secretOf(id, secret, MethodSecretBasic), tenant)
			return err
		}
	}
	return map[string]func(string) error{
		"wrong secret":   try("c1", "", worldWith(keys, one)),
		"unknown client": try("nobody", "", worldWith(keys, one)),
		"other tenant":   try("c1", "team-b", worldWith(keys, one)),
		"other method": try("c1", "", worldWith(keys, func(c *trust.Client, k keyring.DigestKey) {
			one(c, k)
			c.Authentication = trust.AuthenticationNone
		})),
		"disabled":       try("c1", "", worldWith(keys, func(c *trust.Client, k keyring.DigestKey) { one(c, k); c.Enabled = false })),
		"no credentials": try("c1", "", worldWith(keys, func(c *trust.Client, _ keyring.DigestKey) { c.Credentials = nil })),
	}
}

// B-03: unknown, disabled and wrong cost the same work. Time is a bad witness in a test; the number and the size of the
// allocations tell the same: the text that is digested is one of them, so equal bytes are equally many blocks of SHA-256.
func TestRefusalsCostTheSame(t *testing.T) {
	for name, secret := range map[string]string{
		"short": "x", "one block": strings.Repeat("x", 28), "two blocks": strings.Repeat("x", 60), "long": strings.Repeat("x", maxSecretBytes),
	} {
		for count, keys := range map[string]keyring.DigestKeys{
			"one digest key": keyring.NewDigestKeys(keyring.GenerateDigestKey()), "three digest keys": threeDigestKeys(t),
		} {
			t.Run(name+" "+count, func(t *testing.T) { expectSameCost(t, refusals(keys), secret) })
		}
	}
}

func expectSameCost(t *testing.T, refusals map[string]func(string) error, secret string) {
	t.Helper()
	cost := map[string][2]uint64{}
	for kind, try := range refusals {
		if try(secret) == nil {
			t.Fatalf("%s is accepted", kind)
		}
		cost[kind] = allocated(func() { _ = try(secret) })
	}
	for kind, c := range cost {
		if c != cost["wrong secret"] {
			t.Errorf("%s costs %d allocations of %d bytes, a wrong secret %d of %d", kind, c[0], c[1], cost["wrong secret"][0], cost["wrong secret"][1])
		}
	}
}

// allocated returns the number and the bytes of the allocations of one run; all sizes are multiples of 8, and what the
// runtime allocates meanwhile is less than that a run.
func allocated(run func()) [2]uint64 {
	const runs = 1000
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // as testing.AllocsPerRun does: nobody else is counted
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		run()
	}
	runtime.ReadMemStats(&after)
	return [2]uint64{(after.Mallocs - before.Mallocs) / runs, (after.TotalAlloc - before.TotalAlloc) / runs &^ 7}
}

func BenchmarkAuthenticate(b *testing.B) {
	for kind, try := range refusals(keyring.NewDigestKeys(keyring.GenerateDigestKey())) {
		b.Run(strings.ReplaceAll(kind, " ", "_"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = try("wrong-horse-battery")
			}
		})
	}
	b.Run("right_secret", func(b *testing.B) {
		snapshot := world(unchanged)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := authenticate(snapshot, secretOf("c1", secret, MethodSecretBasic), ""); err != nil {
				b.Fatal(err)
			}
		}
	})
}
