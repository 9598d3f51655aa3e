package resolve

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/grantor-dev/grantor/tokenserver/jose"
)

// Problems of a source as a whole. The other problems are those of package jose.
const (
	// ProblemTooMany says that it holds more entries than are accepted.
	ProblemTooMany jose.Problem = "too many"
	// ProblemOtherIssuer says that it is that of another issuer.
	ProblemOtherIssuer jose.Problem = "other issuer"
)

// Bounds of a source.
const (
	// MaxCertificateEntries is the largest number of entries of a Secret.
	MaxCertificateEntries = 10
	// MaxJWKS is the largest number of keys of a JWK Set.
	MaxJWKS = 100
	// maxEntryBytes bounds the DER form of one entry: an 8192-bit key in a certificate with many names, and some air.
	maxEntryBytes = 32 << 10
	// maxNameRunes bounds a subject or kid in the text for people.
	maxNameRunes = 256
)

// Result is what a key source holds: keys, and what is none.
type Result struct {
	Keys    []Key
	Skipped []Skipped
}

// Key is one usable public key.
type Key struct {
	// Public is the key, with its certificate where it came in one.
	Public *jose.PublicKey
	// Subject is the distinguished name of the certificate (RFC 2253), cut at 256 characters; empty without one.
	Subject string
	// Index orders the keys and skipped entries of one source.
	Index int
	// Entry says to people which entry of the source this is.
	Entry string
}

// Skipped is an entry of a source that cannot be used.
type Skipped struct {
	// Index orders the keys and skipped entries of one source.
	Index int
	// Entry says to people which entry of the source this is.
	Entry   string
	Problem jose.Problem
	// Message is a sentence that says what is wrong and what to do. It holds no byte of the entry.
	Message string
}

// add keeps a key, unless the same key with the same certificate, kid and algorithms is there already.
func (r *Result) add(k Key) {
	same := func(o Key) bool {
		return o.Public.Thumbprint() == k.Public.Thumbprint() &&
			o.Public.KeyID() == k.Public.KeyID() &&
			slices.Equal(o.Public.Algorithms(), k.Public.Algorithms()) &&
			certificateThumbprint(o.Public) == certificateThumbprint(k.Public)
	}
	if !slices.ContainsFunc(r.Keys, same) {
		r.Keys = append(r.Keys, k)
	}
}

// skip names an entry that cannot be used, with the *jose.KeyError that says why.
func (r *Result) skip(index int, entry string, err error) {
	s := Skipped{Index: index, Entry: entry, Problem: jose.ProblemMalformed, Message: "cannot be read as a key"}
	if keyErr, ok := errors.AsType[*jose.KeyError](err); ok {
		s.Problem, s.Message = keyErr.Problem, keyErr.Message
	}
	r.Skipped = append(r.Skipped, s)
}

func certificateThumbprint(k *jose.PublicKey) string {
	if c := k.Certificate(); c != nil {
		return c.ThumbprintSHA256
	}
	return ""
}

func problem(p jose.Problem, format string, args ...any) error {
	return &jose.KeyError{Problem: p, Message: fmt.Sprintf(format, args...)}
}

// printable makes a name from a source fit to be shown: one line of valid UTF-8 with at most maxNameRunes characters.
func printable(name string) string {
	name = name[:min(len(name), utf8.UTFMax*(maxNameRunes+1))] // What is cut here is cut below in any case.
	clean := []rune(strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) {
			return r
		}
		return unicode.ReplacementChar
	}, name))
	if len(clean) > maxNameRunes {
		clean = append(clean[:maxNameRunes-1], '…')
	}
	return string(clean)
}
