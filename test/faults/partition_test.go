//go:build faults

package faults

import "testing"

// TestF03Partition: packets between Grantor and the API server vanish, without a word to either. When they pass again, new
// connections must be made: nobody ever answers on the old ones.
func TestF03Partition(t *testing.T) {
	tn := newTenant(t)
	load := tn.load(100)
	for _, p := range world.allLinks() {
		p.Drop()
	}
	tn.enable(false)
	during(t, partition, func() error { return serving(t.Context()) })
	tn.flawless(load) // nobody can know of the change
	for _, p := range world.allLinks() {
		p.Heal()
	}
	within(t, reconnect, "a change made in the partition counts everywhere after it", func() error { return tn.everywhere("400 invalid_grant") })
	world.keepOperator(t)
}
