//go:build !race

package console

// raceEnabled says that the tests run without the race detector, and so shall the binary.
const raceEnabled = false
