// Package assertion decides whether an assertion (RFC 7521 §3, RFC 7523 §3) is what it claims to be: a JWT that a
// trusted issuer signed for this server, for a client that may present it, within its time.
//
// Verify is a list of steps; each is one check with its citation and its reason. Everything read before the signature
// is verified is called untrusted. The payload is decoded once, so no check can see other claims than another. The
// package must never use a key that the assertion brings along, and never say yes to what it does not understand.
//
// That an assertion is used once is decided later, in package replay, when nothing else can fail any more.
package assertion
