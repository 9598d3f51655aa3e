// Package fetch is the one place where Grantor opens a URL that a tenant wrote: the JWK Sets and discovery documents of
// identity providers. Only the operator links it.
//
// It owns the defence against server-side request forgery. What a URL says is judged by [Policy.CheckURL]; where a
// connection goes is judged again when it is made, on the address itself, so that neither DNS nor a redirect can lead it
// to another place. Everything about an answer is bounded: time, headers, body, redirects.
//
// It must never send a credential, keep a connection or a cookie, use a proxy, skip the verification of a certificate, or
// put a byte of an answer into an error.
package fetch
