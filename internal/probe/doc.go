// Package probe asks the endpoints of a server what callers ask first, and says where an answer is not that of the issuer
// they asked for: a proxy that leads elsewhere, an issuer that is another one, a server that is not ready. It presents no
// credential and trusts nothing that it reads.
package probe
