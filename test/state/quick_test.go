//go:build !faults

package state

// others is how many other assertions are used: full_test.go has as many as the case says.
const others = 20_000
