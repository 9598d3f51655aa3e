// Package assertion decides whether a JWT is what it claims to be: one that a trusted issuer signed for this server,
// within its time. It serves assertions (RFC 7521 §4.1, RFC 7523 §3), which a client presents as a grant, tokens that a
// client wants to exchange (RFC 8693 §2.1), and client assertions (RFC 7521 §4.2), by which a client says who it is.
//
// All go through one list of steps each; a step is one check with its citation and its reason, and most are in all
// lists. Everything read before the signature is verified is called untrusted. The payload is decoded once, so no check
// can see other claims than another. The package must never use a key that the assertion brings along, and never say yes
// to what it does not understand.
//
// What passed is a Verified or a VerifiedClient, and neither can stand in for the other. That an assertion is used once
// is decided later, in package replay.
package assertion
