// Package jose is the only place that knows JOSE: the compact form and header of a JWS (RFC 7515), public keys as JWK
// (RFC 7517, RFC 7638) with the strength that we ask of them, and the signature algorithms (RFC 7518, RFC 8037).
//
// jwx parses and writes JWKs here and is imported nowhere else, so that its next major version is a change of this
// package. It is lenient where the RFCs are not, so untrusted text passes this package's own checks first.
//
// The package must never decide trust: it knows neither issuers nor claims. It must never use a key, or fetch one,
// that the header of a JWS brings along (RFC 8725 §3.10).
package jose
