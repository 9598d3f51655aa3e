package claimrules

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ReservedClaim reports whether name is a claim that only the server sets, or that says something only the server may
// say, and that no mapping can therefore set.
func ReservedClaim(name string) bool {
	switch name {
	case "iss", "sub", "aud", "exp", "nbf", "iat", "jti", // RFC 7519 §4.1
		"client_id", "scope", "act", "may_act", // RFC 8693 §4
		"auth_time", "acr", "amr", // RFC 9068 §2.2.1
		"azp", "nonce", "at_hash", "c_hash", "s_hash", "sid", "events", // OpenID Connect: what an ID token or logout token says
		"cnf",                   // RFC 7800: proof of possession
		"authorization_details", // RFC 9396 §9
		"typ", "active", "token_type", "username", "token_introspection",
		"_claim_names", "_claim_sources": // distributed claims send the reader elsewhere
		return true
	}
	return false
}

// checkClaimName returns what is wrong with the name of a claim, or "".
func checkClaimName(name string) string {
	switch {
	case name == "":
		return "a claim is required"
	case len(name) > MaxClaimNameBytes:
		return "the name of a claim may have 128 bytes at most"
	case !utf8.ValidString(name), strings.ContainsFunc(name, unicode.IsControl):
		return "the name of a claim must be UTF-8 without control characters"
	}
	return ""
}

// isVisibleASCII reports whether a name can be mistaken for no other: some readers fold letters of other alphabets.
func isVisibleASCII(name string) bool {
	return !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' })
}

// CheckMappedClaim returns what is wrong with the name of a mapped claim, in words for whoever wrote it.
func CheckMappedClaim(name string) error {
	if message := checkClaimName(name); message != "" {
		return errors.New(message)
	}
	if !isVisibleASCII(name) {
		return errors.New("the name of a mapped claim must be visible ASCII without spaces")
	}
	// What ignores case must not be reached by a name in other letters.
	if ReservedClaim(name) || ReservedClaim(strings.ToLower(name)) {
		return errors.New("the claim is reserved and cannot be mapped; choose another name")
	}
	return nil
}
