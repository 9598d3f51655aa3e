// Package replay makes sure that an assertion which may be used once is used once (RFC 7523 §3(7)).
//
// It is the last step before minting, when nothing else can refuse the request, so that a mistake elsewhere in a
// request does not burn its assertion. It must never check first and record later: the store decides in one atomic
// operation.
package replay
