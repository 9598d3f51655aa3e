// Package tokenstatus says whether an access token of this server counts at this moment, and to whom it says so (RFC
// 7662), and ends an access token, or a family of refresh tokens, for the client that it was issued to (RFC 7009).
//
// It must never say that a token is active without having asked what was revoked, and never tell a caller anything about a
// token that is neither the caller's own nor for a resource that the caller serves: not even that there is one.
package tokenstatus
