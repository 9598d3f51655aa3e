package app

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/internal/exchange"
)

// TestDecodeShowsWhatIsThere: what claims say controls no terminal, and is the same JSON.
func TestDecodeShowsWhatIsThere(t *testing.T) {
	const claims = "{\"sub\":\"\u009b2J\u202ejosé\U000e0001<&>\"}"
	part := base64.RawURLEncoding.EncodeToString
	token := exchange.Token{AccessToken: exchange.Secret(part([]byte(`{"alg":"ES256"}`)) + "." + part([]byte(claims)) + ".signature")}
	var out bytes.Buffer
	if err := (&exchangeFlags{decode: true}).write(&out, token); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); !strings.Contains(text, `"sub": "\u009b2J\u202ejosé\udb40\udc01<&>"`) || strings.Contains(text, "signature") {
		t.Errorf("%q", text)
	}
	var got, want struct{ Claims struct{ Sub string } }
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(`{"claims":`+claims+`}`), &want); err != nil || got != want {
		t.Errorf("%q is not %q, %v", got, want, err)
	}
}
