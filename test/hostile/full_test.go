//go:build faults

package hostile

import "time"

const (
	raceRounds = 50
	racePosts  = 200
	killRounds = 200
	stateSlack = 0 * time.Second
)
