//go:build race

package resolve

// slowness is how much more the race detector lets code cost.
const slowness = 20
