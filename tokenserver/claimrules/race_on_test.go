//go:build race

package claimrules

// slowdown is what the race detector makes of a millisecond.
const slowdown = 20
