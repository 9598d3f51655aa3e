package jwttest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"strings"
)

// Part returns one part of a compact JWS: base64url without padding.
func Part(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// Compact returns a compact JWS over the texts, signed with the algorithm. The header's own alg is not looked at.
func Compact(alg string, key any, header, payload string) string {
	input := Part(header) + "." + Part(payload)
	return input + "." + Part(string(Sign(alg, key, []byte(input))))
}

// Resign returns a compact JWS with a new signature over its first two parts as they are written.
func Resign(alg string, key any, text string) string {
	input := text[:strings.LastIndexByte(text, '.')]
	return input + "." + Part(string(Sign(alg, key, []byte(input))))
}

// Sign returns the JWS signature of input by an algorithm of RFC 7518 §3.1 or RFC 8037 §3.1. The key is a private key, or
// bytes for HMAC.
func Sign(alg string, key any, input []byte) []byte {
	signature, err := sign(alg, key, input)
	if err != nil {
		panic(fmt.Sprintf("sign %s with %T: %v", alg, key, err))
	}
	return signature
}

func sign(alg string, key any, input []byte) ([]byte, error) {
	hash := map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}[alg[len(alg)-min(3, len(alg)):]]
	if k, ok := key.(ed25519.PrivateKey); ok {
		return ed25519.Sign(k, input), nil
	}
	if k, ok := key.([]byte); ok {
		mac := hmac.New(hash.New, k)
		mac.Write(input)
		return mac.Sum(nil), nil
	}
	h := hash.New()
	h.Write(input)
	digest := h.Sum(nil)
	switch k := key.(type) {
	case *rsa.PrivateKey:
		if strings.HasPrefix(alg, "PS") {
			return rsa.SignPSS(rand.Reader, k, hash, digest, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		}
		return rsa.SignPKCS1v15(nil, k, hash, digest)
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, k, digest)
		if err != nil {
			return nil, err
		}
		size := (k.Params().BitSize + 7) / 8
		out := make([]byte, 2*size)
		r.FillBytes(out[:size])
		s.FillBytes(out[size:])
		return out, nil
	default:
		return nil, fmt.Errorf("no signature with keys of type %T", key)
	}
}
