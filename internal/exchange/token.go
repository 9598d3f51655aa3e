package exchange

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxLifetime bounds what a server can say of the life of a token.
const maxLifetime = 10 * 365 * 24 * time.Hour

// Secret is text that no printer shows.
type Secret string

const redacted = "[redacted]"

// String does not show it.
func (Secret) String() string { return redacted }

// GoString does not show it.
func (Secret) GoString() string { return redacted }

// LogValue does not show it.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON does not show it.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// Reveal returns the text, for where it belongs.
func (s Secret) Reveal() string { return string(s) }

// Token is what a token endpoint has granted.
type Token struct {
	AccessToken Secret
	// RefreshToken and IssuedTokenType are empty where there are none.
	RefreshToken    Secret
	IssuedTokenType string
	// ExpiresIn is for how long the access token is good, from when the answer came; 0 where the server did not say.
	ExpiresIn time.Duration
	Scope     string
}

// answer is what a token endpoint says (RFC 6749 §5, RFC 8693 §2.2).
type answer struct {
	AccessToken     string `json:"access_token"`
	TokenType       string `json:"token_type"`
	RefreshToken    string `json:"refresh_token"`
	Scope           string `json:"scope"`
	IssuedTokenType string `json:"issued_token_type"`
	// ExpiresIn is a number. Some servers write it with a fraction, or as a string.
	ExpiresIn json.RawMessage `json:"expires_in"`

	Error       string `json:"error"`
	Description string `json:"error_description"`
}

func (a *answer) token(head Head) (Token, error) {
	unusable := func(format string, args ...any) (Token, error) {
		return Token{}, &UnavailableError{RetryAfter: head.RetryAfter, cause: fmt.Errorf("the token endpoint answers "+format, args...)}
	}
	if head.Status != http.StatusOK {
		if a.Error == "" {
			return unusable("%d and does not say why", head.Status)
		}
		return Token{}, &RefusalError{
			Status: head.Status, Code: readable(a.Error, maxCode), Description: readable(a.Description, maxDescription), RetryAfter: head.RetryAfter,
		}
	}
	switch {
	case !printable(a.AccessToken):
		return unusable("without an access token, or with one that no header can hold")
	case !strings.EqualFold(a.TokenType, "Bearer"): // RFC 6749 §7.1: a type that is not understood must not be used.
		return unusable("with a token of type %.40q, which is not for a bearer", a.TokenType)
	case a.RefreshToken != "" && !printable(a.RefreshToken):
		return unusable("with a refresh token that no form can hold")
	}
	token := Token{
		AccessToken: Secret(a.AccessToken), RefreshToken: Secret(a.RefreshToken),
		Scope: readable(a.Scope, maxAnswer), IssuedTokenType: readable(a.IssuedTokenType, maxDescription),
	}
	if text := string(a.ExpiresIn); text != "" && text != "null" {
		seconds, err := strconv.ParseFloat(strings.Trim(text, `"`), 64)
		switch {
		case err != nil && !errors.Is(err, strconv.ErrRange) || math.IsNaN(seconds):
			return unusable("with an expires_in that is no number of seconds")
		case seconds < 1:
			return unusable("with a token that has expired")
		}
		token.ExpiresIn = time.Duration(min(seconds, maxLifetime.Seconds())) * time.Second
	}
	return token, nil
}

// printable: RFC 6749 §A.12: an access token has visible characters and spaces; without spaces it is one word of a header, too.
func printable(token string) bool {
	return token != "" && !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' })
}

// Decode returns the header and the claims of a JWT, each as it is written, and nothing of its signature. Nothing is verified.
func Decode(token string) (header, claims json.RawMessage, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, nil, errors.New("decode token: it is no signed JWT, and only the API that it is for can read it")
	}
	for i, to := range []*json.RawMessage{&header, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || !json.Valid(text) || !strings.HasPrefix(string(text), "{") {
			return nil, nil, errors.New("decode token: it is no JWT, and only the API that it is for can read it")
		}
		*to = text
	}
	return header, claims, nil
}
