// Package keyring owns the signing keys of the authorization server and the digest keys for client secrets, with the text
// forms in which the operator stores them and the token server loads them, and the rules by which they rotate.
//
// The rules are pure: [Ring.Plan], [Ring.Import] and [DigestKeys.Advance] turn what is stored into what to store next.
// Every key is published before it is used: a signing key for as long as verifiers may keep a JWK Set (RFC 7517 §5), a
// digest key until every token server has it. Every key stays until nothing needs it any more. Whoever stores the outcome
// must do so by compare and swap, so that there is one sequence of keys.
//
// It must never make a key on its own account while loading: a replica that invents a key forks the ring.
package keyring
