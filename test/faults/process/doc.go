// Package process breaks what a token server gets from its machine: clocks, connections, file descriptors, memory, file
// systems; and floods it. Like its parent package, it names the rows of the list of faults and asserts what
// docs/operations.md promises, for a short time with every other test and for longer with the build tag faults.
//
// The server is the real binary as a process of its own, fed from a folder of manifests, and everything is on loopback. No
// control plane is needed.
package process
