//go:build race

package console

// raceEnabled says that the tests run with the race detector, and so shall the binary.
const raceEnabled = true
