package resolve

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/strictjson"
)

// Bounds of a discovery document.
const (
	// maxJWKSURIBytes is the largest length of jwks_uri.
	maxJWKSURIBytes = 2048
	// maxShownBytes bounds an issuer in the text for people.
	maxShownBytes = 256
)

// JWKSDocument reads a JWK Set as it is served (RFC 7517 §5). Keys are skipped one by one, as in JWKS, and a set without
// any is no error. A document that is no JWK Set, or one of more than MaxJWKS keys, is a *jose.KeyError.
func JWKSDocument(body []byte) (Result, error) {
	var r Result
	found := false
	err := strictjson.Object(body, func(name string, value strictjson.Value) error {
		if name != "keys" {
			return nil // RFC 7517 §5: members that are not understood are ignored.
		}
		found = true
		keys, err := elements(value)
		if err != nil {
			return err
		}
		for i, text := range keys {
			r.addJWK(i, fmt.Sprintf("keys[%d]", i), text)
		}
		return nil
	})
	switch {
	case err != nil:
		return Result{}, notDocument(err, body, "JWK Set")
	case !found:
		return Result{}, problem(jose.ProblemMalformed, `the JWK Set has no member "keys": check that the URL is that of a JWK Set`)
	}
	return r, nil
}

// elements splits the keys of a set without reading them, and stops at one too many.
func elements(value strictjson.Value) ([]json.RawMessage, error) {
	if value[0] != '[' {
		return nil, problem(jose.ProblemMalformed, `the member "keys" of the JWK Set is not a list: check that the URL is that of a JWK Set`)
	}
	dec := json.NewDecoder(strings.NewReader(string(value)))
	if _, err := dec.Token(); err != nil {
		return nil, fmt.Errorf("read list: %w", err)
	}
	var all []json.RawMessage
	for dec.More() {
		if len(all) == MaxJWKS {
			return nil, problem(ProblemTooMany, "the JWK Set holds more than %d keys: leave at most that many, those that sign now or soon", MaxJWKS)
		}
		var text json.RawMessage
		if err := dec.Decode(&text); err != nil {
			return nil, fmt.Errorf("read list: %w", err)
		}
		all = append(all, text)
	}
	return all, nil
}

// Discovery returns the jwks_uri of a discovery document (OpenID Connect Discovery 1.0 §3, RFC 8414 §2), if it is that of
// the issuer. The URI is as the document has it, and as untrusted. Errors are *jose.KeyError.
func Discovery(body []byte, issuer string) (jwksURI string, err error) {
	var found string
	err = strictjson.Object(body, func(name string, value strictjson.Value) (err error) {
		switch name {
		case "issuer":
			if found, err = value.String(len(body)); err != nil {
				return problem(jose.ProblemMalformed, `the member "issuer" of the discovery document is not a string with text in it: correct the document or the URL`)
			}
		case "jwks_uri":
			if jwksURI, err = value.String(maxJWKSURIBytes); err != nil {
				return problem(jose.ProblemMalformed, `the member "jwks_uri" of the discovery document is not a string of 1 to %d bytes: correct the document`, maxJWKSURIBytes)
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return "", notDocument(err, body, "discovery document")
	case found == "":
		return "", problem(jose.ProblemMalformed, `the discovery document has no member "issuer": check that the URL is that of a discovery document`)
	case found != issuer:
		// OpenID Connect Discovery 1.0 §4.3, RFC 8414 §3.3: they must be identical, character by character.
		return "", problem(ProblemOtherIssuer, "the discovery document is that of the issuer %s instead of %s: make the two the same, byte for byte", shown(found), shown(issuer))
	case jwksURI == "":
		return "", problem(jose.ProblemMalformed, `the discovery document has no member "jwks_uri": give the URL of the keys itself`)
	}
	return strings.Clone(jwksURI), nil // not the whole document with it
}

// notDocument says what a body is that is not the wanted document, without any byte of it.
func notDocument(err error, body []byte, document string) error {
	if own, ok := errors.AsType[*jose.KeyError](err); ok {
		return own
	}
	switch trimmed := bytes.TrimSpace(body); {
	case len(trimmed) == 0:
		return problem(jose.ProblemMalformed, "the %s is empty: check the URL and its server", document)
	case trimmed[0] == '<':
		return problem(jose.ProblemMalformed, "there is HTML or XML instead of a %s: check the URL, it may be that of a login or error page", document)
	case errors.Is(err, strictjson.ErrNotObject):
		return problem(jose.ProblemMalformed, "the %s is JSON but no object: check that the URL is that of a %[1]s", document)
	case errors.Is(err, strictjson.ErrDuplicate):
		return problem(jose.ProblemMalformed, "the %s has a member twice, which readers take differently: remove one of them", document)
	case errors.Is(err, strictjson.ErrLimit):
		return problem(jose.ProblemMalformed, "the %s is nested too deeply or has too many members: check that the URL is that of a %[1]s", document)
	default:
		return problem(jose.ProblemMalformed, "the %s is not valid JSON: check that the URL is that of a %[1]s", document)
	}
}

// shown quotes an issuer, cut at maxShownBytes.
func shown(issuer string) string {
	if len(issuer) <= maxShownBytes {
		return fmt.Sprintf("%q", issuer)
	}
	cut := maxShownBytes
	for cut > maxShownBytes-utf8.UTFMax && !utf8.RuneStart(issuer[cut]) {
		cut--
	}
	return fmt.Sprintf("%q (cut)", issuer[:cut])
}
