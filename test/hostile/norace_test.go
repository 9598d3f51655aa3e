//go:build !race

package hostile

// raceDetector says that the tests run without the race detector, so that the server does too.
const raceDetector = false
