// Command operator measures the operator and the token servers where very much is declared: on a real API server, with
// the processes as they ship and the permissions that they have in a cluster. It prints a target and what was measured
// for each row, writes the same tables into a page, and ends with status 1 when a target is missed.
//
// A size is measured from nothing: a new control plane, everything declared before the operator starts. What is compared
// between sizes is measured the same way at each of them.
//
// It must never count as one change what others do meanwhile: the processes are idle before and after each measurement,
// and what they use when idle is subtracted.
package main
