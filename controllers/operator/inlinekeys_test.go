package operator

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// An inline key is judged as the same text of a JWK Set is: none of its members is lost on the way.
func TestInlineKeysAreTakenAsWritten(t *testing.T) {
	for name, tc := range map[string]struct{ member, want, say string }{
		"no key_ops":                    {`"use":"sig"`, "KeysReady", ""},
		"key_ops verify":                {`"key_ops":["verify"]`, "KeysReady", ""},
		"key_ops null":                  {`"key_ops":null`, "KeysReady", ""},
		"key_ops empty":                 {`"key_ops":[]`, "!InvalidKeyMaterial", "the key_ops of the JWK is not a list of 1 to 16 texts"},
		"key_ops of others":             {`"key_ops":["encrypt"]`, "!UnsupportedKey", "key_ops lacks verify"},
		"kid of 256 characters in more": {`"kid":"` + strings.Repeat("é", 200) + `"`, "!InvalidKeyMaterial", "the kid of the JWK is not a text of 1 to 256 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := json.Marshal(jwk(""))
			if err != nil {
				t.Fatal(err)
			}
			var key v1alpha1.JSONWebKey
			if err := json.Unmarshal([]byte(strings.Replace(string(text), "{", "{"+tc.member+",", 1)), &key); err != nil {
				t.Fatal(err)
			}
			status := evaluated(ProviderInput{Provider: provider(inline(key))}).Status
			if got := summary(status.Conditions)[2]; got != tc.want || !strings.Contains(status.Conditions[2].Message, tc.say) {
				t.Errorf("%s: %s", got, status.Conditions[2].Message)
			}
		})
	}
}
