//go:build !race

package claimrules

const slowdown = 1
