// Package oauth is the wire of the token endpoint: request parameters (RFC 6749 §3.2, appendix B), error codes and
// their HTTP statuses (RFC 6749 §5.2), and the reasons that only the operator of the server sees.
//
// It must never let text of a request, or of another error, reach a response: descriptions are constants.
package oauth
