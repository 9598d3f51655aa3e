// Package tokenserver is the OAuth 2.0 authorization server: the token endpoint with the JWT bearer grant (RFC 7523), the
// client credentials grant (RFC 6749 §4.4) and token exchange (RFC 8693), introspection (RFC 7662), revocation (RFC 7009), the
// JWK Set, and the metadata documents (RFC 8414).
//
// One token request is a sentence: load snapshot, parse request, authenticate client, select grant, verify assertion,
// authorize, redeem, mint, respond. Each step takes what the previous one proved, as a type that only that step can
// make, so that leaving one out does not compile.
//
// The package and those below it know nothing of Kubernetes. They must never fetch a URL and never write anything but
// the record of used assertions.
package tokenserver
