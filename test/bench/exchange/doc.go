// Command exchange measures what an exchange costs the token server: the binary as it ships, beside the floor (the arithmetic
// of an exchange and nothing else) and beside the same exchange written with a general JOSE library, in one run on one core
// each. It prints a target and what was measured for each row, writes the same tables into a page, and ends with status 1
// when a target is missed.
//
// What counts are ratios within a round, in which all servers take their turn: how fast the machine is, and what else it
// does, is in both of their sides.
//
// It must never count an exchange that did not happen: every answer is looked at, and of some the token is verified.
package main
