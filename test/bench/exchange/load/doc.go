// Package load sends requests that were made before, costs as little as it can, and says what came of them: in a closed loop,
// for what a server can do and what that costs it, or at a fixed rate, for how long its callers wait.
//
// It speaks plain HTTP/1.1 by itself, on one thread that waits for sockets: net/http takes a multiple of that, so that on a
// machine of two cores it would measure itself. Over TLS and HTTP/2 it leaves the protocol to net/http.
//
// It must never count what is not a good answer: any other ends the measurement.
package load
