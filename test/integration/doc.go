// Package integration runs Grantor as it is installed: one operator and two token servers, real processes with the
// permissions of their own ServiceAccounts, on a real kube-apiserver and etcd; and uses it with client libraries that
// are not its own.
package integration
