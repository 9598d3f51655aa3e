// Package resolve turns the key sources of an identity provider into public keys: the bytes of a Secret (X.509
// certificates and public keys, RFC 7468 and RFC 5280), the members of a JWK Set (RFC 7517), and the documents that
// package fetch gets: a JWK Set, and the discovery document that says where it is (OpenID Connect Discovery 1.0).
//
// A key that cannot be used is never an error of the whole source: it is skipped, and named with a sentence that says what
// to do. A document that is no key document at all is an error. The package is pure and bounded: no input makes it panic,
// and its work grows no faster than its input.
//
// It must never return or print private key material, and never decide trust: it knows neither issuers nor clocks.
package resolve
