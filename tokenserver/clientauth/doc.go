// Package clientauth authenticates OAuth clients at the token endpoint (RFC 6749 §2.3): client_secret_basic and
// client_secret_post, one method per request.
//
// An unknown client, a disabled one and a wrong secret cost the same work and get the same answer. The package must
// never compare secrets, only their keyed digests, and never in variable time.
package clientauth
