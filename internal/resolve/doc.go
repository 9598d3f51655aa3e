// Package resolve turns the key sources of an identity provider into public keys: the bytes of a Secret (X.509
// certificates and public keys, RFC 7468 and RFC 5280) and the members of a JWK Set (RFC 7517).
//
// What cannot be used is never an error of the whole source: it is skipped, and named with a sentence that says what to
// do. The package is pure and bounded: no input makes it panic, and its work grows no faster than its input.
//
// It must never return or print private key material, and never decide trust: it knows neither issuers nor clocks.
package resolve
