//go:build !race

package conformance

// raceEnabled says that the tests run with the race detector, and so shall the binary.
const raceEnabled = false
