// Package keyring owns the signing keys of the authorization server and the digest key for client secrets, with the
// text form in which the operator stores them and the token server loads them.
//
// It must never make a key on its own account while loading: a replica that invents a key forks the ring.
package keyring
