package tokenserver

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

// retryAfterSeconds is what a caller is told to wait when the server cannot answer.
const retryAfterSeconds = "1"

// tokenBody is the successful response (RFC 6749 §5.1).
type tokenBody struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
	RefreshToken string `json:"refresh_token,omitempty"`
	Scope        string `json:"scope,omitempty"`
	// IssuedTokenType is there in a token exchange (RFC 8693 §2.2.1).
	IssuedTokenType string `json:"issued_token_type,omitempty"`
	// Resource is there for an ID-JAG that says for what it is: a string, or a list of several.
	Resource any `json:"resource,omitempty"`
}

// errorBody is the error response (RFC 6749 §5.2).
type errorBody struct {
	Code        oauth.Code `json:"error"`
	Description string     `json:"error_description"`
}

func writeToken(w http.ResponseWriter, g issued, grantType string) {
	noStore(w)
	body := tokenBody{AccessToken: g.Compact, TokenType: "Bearer", ExpiresIn: g.ExpiresIn, RefreshToken: g.refreshToken, Scope: g.Scope}
	if grantType == oauth.GrantTypeTokenExchange {
		body.IssuedTokenType = oauth.TokenTypeAccessToken
	}
	switch len(g.Resources) {
	case 0:
	case 1:
		body.Resource = g.Resources[0]
	default:
		body.Resource = g.Resources
	}
	writeJSON(w, http.StatusOK, body)
}

func refuse(w http.ResponseWriter, e *oauth.Error) {
	noStore(w)
	switch e.Code {
	case oauth.InvalidClient: // RFC 6749 §5.2, RFC 7617 §2
		w.Header().Set("WWW-Authenticate", `Basic realm="token endpoint", charset="UTF-8"`)
	case oauth.TemporarilyUnavailable:
		w.Header().Set("Retry-After", retryAfterSeconds)
	case oauth.SlowDown: // RFC 6585 §4
		w.Header().Set("Retry-After", strconv.FormatInt(max(1, int64(math.Ceil(e.RetryAfter.Seconds()))), 10))
	case oauth.InvalidRequest, oauth.InvalidGrant, oauth.UnauthorizedClient, oauth.UnsupportedGrantType,
		oauth.InvalidScope, oauth.InvalidTarget, oauth.ServerError:
	}
	writeJSON(w, e.Code.Status(), errorBody{Code: e.Code, Description: e.Description})
}

// noStore: RFC 6749 §5.1 asks for it on answers with tokens; errors get it too.
func noStore(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
}

// publish answers with a public document, or says that the caller has it already (RFC 9110 §13.1.2).
func publish(w http.ResponseWriter, r *http.Request, document any) {
	header := w.Header()
	header.Set("Cache-Control", publicMaxAge)
	b, err := json.Marshal(document)
	if err != nil { // It is made of our own types.
		refuse(w, oauth.AsError(err))
		return
	}
	sum := sha256.Sum256(b)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	header.Set("ETag", tag)
	if matchesTag(r.Header.Values("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	writeJSON(w, http.StatusOK, json.RawMessage(b))
}

// matchesTag: RFC 9110 §13.1.2: a list of entity tags or *, compared weakly, since proxies weaken tags when they compress.
func matchesTag(lists []string, tag string) bool {
	for _, list := range lists {
		for candidate := range strings.SplitSeq(list, ",") {
			candidate = strings.Trim(candidate, " \t")
			if candidate == "*" || strings.TrimPrefix(candidate, "W/") == tag {
				return true
			}
		}
	}
	return false
}

// writeJSON writes a body that is made of our own types and cannot fail to encode; whether the caller still reads it
// cannot be helped here.
func writeJSON(w http.ResponseWriter, status int, body any) {
	b, err := json.Marshal(body)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"error":"server_error"}`)
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	if header.Get("Cache-Control") == "" {
		header.Set("Cache-Control", "no-store")
	}
	w.WriteHeader(status)
	_, _ = w.Write(b)
}

func stack() string { return string(debug.Stack()) }
