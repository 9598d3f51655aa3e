package importwso2

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
	"unicode"
)

// Bounds of a client secret: those of the operator, and of what a token server reads.
const (
	minSecretBytes = 16
	maxSecretBytes = 512
	// hashBytes is the length of a SHA-256: what is encoded and as long may be one, or a cipher text.
	hashBytes = 32
)

// plainSecret says why a value cannot be a client secret as callers have it, or is empty. Servers can keep secrets as hashes
// and cipher texts, and an export then holds those: whoever took one for the secret would let in who can read the export.
func plainSecret(value string) (why string) {
	decoded, notBase64 := base64.StdEncoding.DecodeString(value)
	digest, notHex := hex.DecodeString(value)
	switch {
	case json.Valid([]byte(value)) && strings.HasPrefix(value, "{"):
		return "it is a hash or a cipher text, not the secret"
	case strings.HasPrefix(string(decoded), "{") && json.Valid(decoded):
		return "it is a cipher text, not the secret"
	case notHex == nil && len(digest) >= hashBytes, notBase64 == nil && len(decoded) >= hashBytes:
		return "it may be a hash or a cipher text"
	case len(value) < minSecretBytes:
		return "it is shorter than 16 bytes"
	case len(value) > maxSecretBytes:
		return "it is longer than 512 bytes, as cipher texts are"
	case strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsGraphic(r) }):
		return "it holds characters that are not text"
	default:
		return ""
	}
}
