// Package policy authorizes: given a client that has authenticated and an assertion that is verified, which scopes and
// audiences may an access token have, for which subject, and for how long.
//
// It must never widen: every result is the intersection of what the client and the provider allow.
package policy
