package jose

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"github.com/grantor-dev/grantor/tokenserver/strictjson"
)

// Limits of a compact JWS.
const (
	// MaxCompactBytes bounds the whole text that somebody else signed.
	MaxCompactBytes = 16 << 10
	// maxHeaderText bounds the header before it is decoded; certificates in x5c make headers long.
	maxHeaderText = 8 << 10
)

// Errors of ParseCompact.
var (
	// ErrTooLarge means that the text is longer than is read.
	ErrTooLarge = errors.New("compact JWS too large")
	// ErrEncrypted means that the text has the five parts of a JWE.
	ErrEncrypted = errors.New("encrypted, not signed")
	// ErrNotCompact means that the text is not three parts of strict base64url.
	ErrNotCompact = errors.New("not a compact JWS")
	// ErrHeader means that the header is not one strict JSON object with members of the right types.
	ErrHeader = errors.New("malformed JOSE header")
	// ErrCritical means that the header asks for an extension (crit) or an unencoded payload (b64).
	ErrCritical = errors.New("JOSE header with crit or b64")
)

// Compact is a JWS in compact serialization (RFC 7515 §7.1) of which nothing is verified yet.
type Compact struct {
	UntrustedHeader  Header
	UntrustedPayload []byte
	// SigningInput is what the signature is made over.
	SigningInput []byte
	Signature    []byte
}

// Header holds the header parameters that select an algorithm and a key. All others are ignored, above all those that
// bring a key along: jwk, jku, x5c and x5u.
type Header struct {
	// Algorithm is alg as written.
	Algorithm string
	// Type is typ, lower-cased and without "application/" (RFC 7515 §4.1.9); empty when absent.
	Type string
	// ContentType is cty in the same form.
	ContentType string
	// KeyID, X5T and X5TS256 are kid, x5t and x5t#S256; empty when absent.
	KeyID, X5T, X5TS256 string
}

// ParseCompact reads a compact JWS strictly: three parts, unpadded base64url with zero trailing bits and nothing else,
// a header that is one JSON object with unique members. It does work linear in the length of text and refuses long
// text at once.
func ParseCompact(text string) (*Compact, error) { return ParseCompactUpTo(text, MaxCompactBytes) }

// ParseCompactUpTo is ParseCompact with another bound of the whole text.
func ParseCompactUpTo(text string, maxBytes int) (*Compact, error) {
	if len(text) > maxBytes {
		return nil, ErrTooLarge
	}
	headerText, rest, ok := strings.Cut(text, ".")
	payloadText, signatureText, ok2 := strings.Cut(rest, ".")
	if !ok || !ok2 {
		return nil, ErrNotCompact
	}
	switch strings.Count(signatureText, ".") {
	case 0:
	case 2:
		return nil, ErrEncrypted
	default:
		return nil, ErrNotCompact
	}
	if len(headerText) > maxHeaderText {
		return nil, ErrTooLarge
	}
	// One piece of memory for everything that is made of the text.
	signed := len(headerText) + 1 + len(payloadText)
	memory := append(make([]byte, 0, signed+base64.RawURLEncoding.DecodedLen(len(text))), text[:signed]...)
	c := &Compact{SigningInput: memory[:signed:signed]}
	var parts [3][]byte
	for i, part := range [...]string{headerText, payloadText, signatureText} {
		decoded, err := decodePart(memory[len(memory):], part)
		if err != nil {
			return nil, err
		}
		memory = memory[:len(memory)+len(decoded)]
		parts[i] = slices.Clip(decoded)
	}
	header := parts[0]
	c.UntrustedPayload, c.Signature = parts[1], parts[2]
	if err := strictjson.Object(header, c.UntrustedHeader.visit); err != nil {
		if errors.Is(err, ErrCritical) {
			return nil, ErrCritical
		}
		return nil, ErrHeader
	}
	return c, nil
}

func (h *Header) visit(name string, value strictjson.Value) (err error) {
	switch name {
	case "alg":
		h.Algorithm, err = value.String(32)
	case "typ":
		h.Type, err = mediaType(value)
	case "cty":
		h.ContentType, err = mediaType(value)
	case "kid":
		h.KeyID, err = value.String(MaxKeyIDBytes)
	case "x5t":
		h.X5T, err = value.String(MaxKeyIDBytes)
	case "x5t#S256":
		h.X5TS256, err = value.String(MaxKeyIDBytes)
	case "crit", "b64":
		// RFC 7515 §4.1.11: we understand no extension, so any crit is one that we do not. RFC 7797 is one of them.
		return ErrCritical
	}
	return err
}

// mediaType reads typ or cty: compared without case, "application/" may be left out (RFC 7515 §4.1.9). The bare prefix is
// kept, so that it does not look absent.
func mediaType(value strictjson.Value) (string, error) {
	s, err := value.String(128)
	s = strings.ToLower(s)
	if short := strings.TrimPrefix(s, "application/"); short != "" {
		return short, err
	}
	return s, err
}

// decodePart decodes one part behind dst. RawURLEncoding.Strict refuses padding and stray trailing bits, but skips line ends, so
// the alphabet is checked first (RFC 7515 §2: "no line breaks, whitespace, or other additional characters").
func decodePart(dst []byte, s string) ([]byte, error) {
	if s == "" || !isBase64URL(s) {
		return nil, ErrNotCompact
	}
	b, err := base64.RawURLEncoding.Strict().AppendDecode(dst, []byte(s))
	if err != nil {
		return nil, ErrNotCompact
	}
	return b, nil
}

func isBase64URL(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}
