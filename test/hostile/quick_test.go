//go:build !faults

package hostile

import "time"

const (
	// raceRounds and racePosts are how often, and by how many at once, one assertion is posted.
	raceRounds = 10
	racePosts  = 45
	// killRounds is how often a process is killed while others write.
	killRounds = 12
	// stateSlack is how much longer than promised an answer may take on a machine that does other things too.
	stateSlack = 2 * time.Second
)
