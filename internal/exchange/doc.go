// Package exchange is the client of a token endpoint: it finds the endpoint by its issuer (RFC 8414), says who the client is
// (RFC 6749 §2.3, RFC 7523 §2.2), presents what a grant asks for, and reads the answer (RFC 6749 §5).
//
// It is for whoever asks: the commands exchange and agent, and for the metadata check too. What it presents is read from where
// it is kept for each request. It sends nothing by plain http but to this machine, follows no redirect, reads no endless answer,
// and must never put what it presents into an error. It trusts no word of an answer and verifies no token: that is for the API
// that the token is for.
package exchange
