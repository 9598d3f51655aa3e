//go:build race

package fetch

// slowness is how much more the race detector lets code cost.
const slowness = 3
