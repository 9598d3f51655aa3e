// Package clientauth authenticates OAuth clients at the token endpoint (RFC 6749 §2.3), one method per request:
//
//   - client_secret_basic and client_secret_post;
//   - private_key_jwt: a client assertion that the client signs (RFC 7523 §2.2, draft-ietf-oauth-rfc7523bis);
//   - a client assertion that an identity provider signs for the client's workload, which has no registered name;
//   - none: a public client says who it is.
//
// Which of them is the client's own decides, never the request. An unknown client, a disabled one, another method and
// wrong credentials get one answer; with secrets they cost the same work, with client assertions nearly so. The package
// must never compare secrets, only their keyed digests, and never in variable time.
package clientauth
