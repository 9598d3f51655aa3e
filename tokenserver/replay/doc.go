// Package replay makes sure that an assertion, or a client assertion, which may be used once is used once (RFC 7523 §3(7)),
// and so is a refresh token (RFC 9700 §4.14.2).
//
// For an assertion and a refresh token it is the last step before minting, when nothing else can refuse the request, so that a mistake
// elsewhere in a request does not burn its assertion. A client assertion is used when it authenticates its client,
// whatever comes of the request: a client that tries again signs a new one. One JWT may serve as both, once each. The
// package must never check first and record later: the store decides in one atomic operation.
package replay
