// Package traffic reads the metrics of token servers from time to time, and remembers for half an hour how many requests
// they granted and refused, and why.
//
// Everything is bounded: replicas, reasons, bytes of an answer, samples. What cannot be reached is said, never guessed: a
// sample knows how many replicas it lacks. A token that opens the metrics is sent over TLS, or to loopback, and nowhere a
// redirect leads.
package traffic
