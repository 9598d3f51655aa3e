// Package accesstoken mints the access tokens of the server: JWTs of RFC 9068.
//
// It must never mint for anything but a redeemed decision, and never put a claim into a token that is not named here or
// mapped by the provider, and never let a mapped claim take the place of another.
package accesstoken
