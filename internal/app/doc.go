// Package app wires each role of the binary together: flags, logs, servers, clocks and signals.
//
// It is the only place that reads the wall clock, the environment and the command line. It decides nothing about trust.
package app
