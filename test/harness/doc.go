// Package harness starts the real thing on this machine for tests and for the demo: a control plane (etcd and
// kube-apiserver), and Grantor's own binary as processes, each with the permissions of its own ServiceAccount.
//
// It must never talk to anything but loopback, and never leave a process behind: processes are ended by their own pid.
package harness
