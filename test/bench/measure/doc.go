// Package measure is what the benchmarks share: how much a process uses, what its metrics say, and the tables that go to a
// page, with their targets.
//
// It must never take a smoke run for a measurement of speed: a [Check] says whether it is one.
package measure
