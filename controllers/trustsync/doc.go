// Package trustsync keeps a token server's trust store equal to the objects in the API server.
//
// It takes identity (issuer, keys, client id, credential digests) from status, where the operator resolved it as one
// consistent set, and policy from spec, so that a policy change counts even while the operator is down. It must never
// write anything to the API server but the Lease of its own replica, never read a Secret but the two of its own namespace
// that hold the server's keys, and never mark the store as loaded before everything is in it.
package trustsync
