package jose

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

// TestCookbook: the examples of RFC 7520 §4 and RFC 8037 appendix A.4 verify, those of algorithms that do not exist here
// do not.
func TestCookbook(t *testing.T) {
	for file, want := range map[string]bool{
		"jws/4_1.rsa_v15_signature.json":                 true,
		"jws/4_2.rsa-pss_signature.json":                 true,
		"jws/4_3.ecdsa_signature.json":                   true,
		"curve25519/jws.json":                            true,
		"jws/4_4.hmac-sha2_integrity_protection.json":    false,
		"jws/4_6.protecting_specific_header_fields.json": false,
	} {
		t.Run(file, func(t *testing.T) {
			var example struct {
				Input struct {
					Payload string                     `json:"payload"`
					Key     map[string]json.RawMessage `json:"key"`
				} `json:"input"`
				Output struct {
					Compact string `json:"compact"`
				} `json:"output"`
			}
			jwttest.ReadData(t, &example, "rfc7520-cookbook", file)
			var keyErr *KeyError
			if _, err := ParseJWK(text(t, example.Input.Key)); !errors.As(err, &keyErr) || keyErr.Problem != ProblemPrivate {
				t.Errorf("private key: error = %v, want problem %s", err, ProblemPrivate)
			}
			for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
				delete(example.Input.Key, private)
			}
			public := text(t, example.Input.Key)
			if got := verifies([]json.RawMessage{public}, example.Output.Compact); got != want {
				t.Fatalf("verified = %v, want %v", got, want)
			}
			if !want {
				return
			}
			c, err := ParseCompact(example.Output.Compact)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(example.Input.Payload, string(c.UntrustedPayload)); diff != "" {
				t.Errorf("payload (-want +got):\n%s", diff)
			}
		})
	}
}

func text(t *testing.T, members map[string]json.RawMessage) []byte {
	t.Helper()
	b, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestCookbookKeys: RFC 7520 §3.
func TestCookbookKeys(t *testing.T) {
	for file, want := range map[string]string{
		"3_1.ec_public_key.json":                 "P-521",
		"3_3.rsa_public_key.json":                "RSA-2048",
		"3_2.ec_private_key.json":                string(ProblemPrivate),
		"3_4.rsa_private_key.json":               string(ProblemPrivate),
		"3_5.symmetric_key_mac_computation.json": string(ProblemPrivate),
		"3_6.symmetric_key_encryption.json":      string(ProblemPrivate),
	} {
		t.Run(file, func(t *testing.T) {
			var raw json.RawMessage
			jwttest.ReadData(t, &raw, "rfc7520-cookbook", "jwk", file)
			k, err := ParseJWK(raw)
			got := ""
			if keyErr, ok := errors.AsType[*KeyError](err); ok {
				got = string(keyErr.Problem)
			} else if err == nil {
				got = k.Kind()
			}
			if got != want {
				t.Errorf("key = %s, want %s", got, want)
			}
		})
	}
}
