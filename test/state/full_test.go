//go:build faults

package state

const others = 200_000
