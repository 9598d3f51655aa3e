package keyring

import (
	"bytes"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

// secretForms is every way in which a printer of Go could write key bytes.
func secretForms(key []byte) []string {
	list := strings.Trim(fmt.Sprintf("%d", key), "[]")
	return []string{
		hex.EncodeToString(key), strings.ToUpper(hex.EncodeToString(key)), string(key),
		base64.StdEncoding.EncodeToString(key), base64.RawURLEncoding.EncodeToString(key),
		list, strings.ReplaceAll(list, " ", ","),
		strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", key), "[]byte{"), "}"),
		strings.Trim(fmt.Sprintf("%o", key), "[]"), strings.Trim(fmt.Sprintf("%b", key), "[]"),
		strings.Trim(fmt.Sprintf("% x", key), "[]"), strings.Trim(fmt.Sprintf("%U", key), "[]"),
		strings.Trim(fmt.Sprintf("%c", key), "[]"), strings.Trim(fmt.Sprintf("%q", key), `"`),
	}
}

// TestNothingPrintsKeys: whoever logs a value that holds a key, in whatever way, writes no byte of it.
func TestNothingPrintsKeys(t *testing.T) {
	private, err := jwttest.EC("a", elliptic.P256()).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	digestBytes := bytes.Repeat([]byte{0xA7, 0x31}, 16)
	k, err := ParseDigestKey(digestBytes)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := ParseDigestKeys(map[string][]byte{DigestDataKey: digestBytes, NextDigestDataKey: fill(0xB4), PreviousDigestDataKey: fill(0xC5)})
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, ed := jwttest.RSA("a", 2048), jwttest.Ed25519("a")
	s, rsaSigner, edSigner := signer(t, "a"), signerOf(t, rsaKey), signerOf(t, ed)
	r := ring(t, Key{Signer: s, ActiveFrom: instant()}, Key{Signer: rsaSigner, ActiveFrom: instant()}, Key{Signer: edSigner, ActiveFrom: instant()})
	// How fmt would print the scalars.
	forms := []string{jwttest.EC("a", elliptic.P256()).D.String(), rsaKey.D.String(), rsaKey.Primes[0].String(), rsaKey.Primes[1].String()} //nolint:staticcheck // D is deprecated
	for _, secret := range [][]byte{private, rsaKey.D.Bytes(), rsaKey.Primes[0].Bytes(), ed.Seed(), digestBytes, fill(0xB4), fill(0xC5)} {
		forms = append(forms, secretForms(secret)...)
	}
	// Methods are not called on unexported fields, so those are the hardest.
	type hidden struct {
		key     DigestKey
		pointer *DigestKey
		keys    DigestKeys
		signer  any
		ring    *Ring
		entry   Key
		plan    Plan
	}
	hidden1 := hidden{k, &k, keys, *edSigner, r, r.keys[0], Plan{Ring: r}}
	for name, value := range map[string]any{
		"signer": s, "signer itself": *s, "digest key": k, "pointer to digest key": &k, "ring": r, "ring itself": *r,
		"key of a ring": r.keys[0], "list of keys": r.keys, "list of digest keys": []DigestKey{k},
		"map of digest keys": map[string]DigestKey{"a": k}, "array": [1]DigestKey{k},
		"hidden": hidden1, "pointer to hidden": &hidden1, "RSA signer": *rsaSigner, "Ed25519 signer": *edSigner,
		"digest keys": keys, "pointer to digest keys": &keys, "plan": Plan{Ring: r}, "policy": RotationPolicy{},
		"exported": struct {
			Key  DigestKey
			Ring *Ring
		}{k, r},
	} {
		t.Run(name, func(t *testing.T) {
			for way, text := range printed(t, value) {
				for _, form := range forms {
					if strings.Contains(text, form) {
						t.Errorf("%s prints a key: %s", way, text)
						break
					}
				}
			}
		})
	}
}

// printed writes the value in every way that code or a logger has.
func printed(t *testing.T, value any) map[string]string {
	t.Helper()
	ways := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%o", "%b", "%c", "%U", "%e", "%t", "%T"} {
		ways[verb] = fmt.Sprintf(verb, value)
	}
	ways["error"] = fmt.Errorf("failed: %w, %v", fmt.Errorf("inner %v", value), value).Error()
	b, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	ways["encoding/json"] = string(b)
	var text, object bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("message", "value", value)
	slog.New(slog.NewJSONHandler(&object, nil)).Info("message", "value", value)
	ways["slog text"], ways["slog JSON"] = text.String(), object.String()
	return ways
}
