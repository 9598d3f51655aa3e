// Package release says what one installation of Grantor keeps in its own namespace, and in which form, so that the
// operator and the token servers need not know each other: the names of the Secrets with the server's keys, and the
// Leases in which every token server says what it has loaded and which keys it misses.
//
// What a Lease holds is read as untrusted: who may write Leases in the namespace may lie, but must not be able to crash
// or to bloat the reader. It must never hold a secret.
package release
