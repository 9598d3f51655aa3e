package visible

import "regexp"

// token is what begins as the base64url of a JSON object does, a brace before a quotation mark or white space, for as long as it
// goes on, over line breaks too. Names do not look so.
var token = regexp.MustCompile(`(e(?:y[A-DI-L]|w[k-r0-3])[A-Za-z0-9_-])(?:[A-Za-z0-9_.\r\n-]|\\[rn]){20,}`)

// WithoutTokens leaves out of a message whatever looks like a JWT: somebody may have given one where a name belongs, and what is
// printed gets into logs.
func WithoutTokens(message string) string {
	return token.ReplaceAllString(message, "$1… (a token, which is not repeated)")
}
