// Package faults breaks what Grantor leans on while it serves: the API server, etcd, the network between them, Secrets,
// certificates, the servers of remote key sets, and its own processes. Each test names its row of the list of faults
// (F01 …), asserts what docs/operations.md promises for it, and logs the figure that it measured.
//
// There are two sets. The quick one runs with every other test. The full one, with the build tag faults (make
// test-faults), runs the same tests for as long as the faults last in real life, and those that need minutes.
//
// Everything is real and on loopback: a control plane, an operator and three token servers as processes, and a proxy of
// its own between each of them and the API server. The tests run one after the other and leave the world as it was.
package faults
