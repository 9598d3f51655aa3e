// Package refresh owns the form of refresh tokens (RFC 6749 §1.5): what one stands for, sealed so that only the token
// servers can read it, and the family that the tokens have which follow one another.
//
// A refresh token holds all that its use is judged by; the store of package state remembers no more than which one of a
// family comes next, and by that refuses one that was used before (RFC 9700 §4.14.2). A family is named in the jti of the
// access tokens that come from it, so that who ends the family ends them too.
//
// The package must never say that a token may be used: it opens what the server has sealed, and package policy judges it by
// what is trusted by now. It must never put a token, or what is in one, into an error.
package refresh
