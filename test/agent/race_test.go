//go:build race

package agent

// raceEnabled says that the tests run with the race detector, and so shall the binary.
const raceEnabled = true
