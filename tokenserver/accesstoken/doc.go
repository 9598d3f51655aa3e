// Package accesstoken mints the access tokens of the server, JWTs of RFC 9068, and verifies them again when somebody
// asks about one (RFC 7662) or ends it (RFC 7009).
//
// It must never mint for anything but a redeemed decision, and never put a claim into a token that is not named here or
// mapped by the provider, and never let a mapped claim take the place of another. It must never take for an access token
// of this server what is signed by another key than those that the server publishes, or is another kind of JWT.
package accesstoken
