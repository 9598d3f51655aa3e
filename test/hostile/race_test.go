//go:build race

package hostile

// raceDetector says that the tests run with the race detector, so that the server does too.
const raceDetector = true
