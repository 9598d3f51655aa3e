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

	"github.com/go-json-experiment/json/jsontext"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

// retryAfterSeconds is what a caller is told to wait when the server cannot answer.
const retryAfterSeconds = "1"

// errorBody is the error response (RFC 6749 §5.2).
type errorBody struct {
	Code        oauth.Code `json:"error"`
	Description string     `json:"error_description"`
}

func writeToken(w http.ResponseWriter, g issued, grantType string) {
	noStore(w)
	writeBody(w, http.StatusOK, g.appendJSON(make([]byte, 0, len(g.Compact)+len(g.refreshToken)+512), grantType))
}

// appendJSON writes the successful response (RFC 6749 §5.1).
func (g issued) appendJSON(b []byte, grantType string) []byte {
	text := func(name, value string) {
		if value != "" {
			b = append(b, name...)
			b, _ = jsontext.AppendQuote(b, value) // The error is about invalid UTF-8, which AppendQuote replaces.
		}
	}
	text(`{"access_token":`, g.Compact)
	b = append(b, `,"token_type":"Bearer","expires_in":`...)
	b = strconv.AppendInt(b, g.ExpiresIn, 10)
	text(`,"refresh_token":`, g.refreshToken)
	text(`,"scope":`, g.Scope)
	if grantType == oauth.GrantTypeTokenExchange { // RFC 8693 §2.2.1
		text(`,"issued_token_type":`, oauth.TokenTypeAccessToken)
	}
	// An ID-JAG says for what it is: a string, or a list of several.
	if len(g.Resources) == 1 {
		text(`,"resource":`, g.Resources[0])
	} else if len(g.Resources) > 1 {
		text(`,"resource":[`, g.Resources[0])
		for _, r := range g.Resources[1:] {
			text(",", r)
		}
		b = append(b, ']')
	}
	return append(b, '}')
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

// Values of headers, which nobody changes: net/http copies what it sends, and Set puts another slice in its place.
//
//nolint:gochecknoglobals // They are constants.
var (
	contentTypeJSON = []string{"application/json"}
	cacheNothing    = []string{"no-store"}
	pragmaNoCache   = []string{"no-cache"}
	noSniffing      = []string{"nosniff"}
)

// noStore: RFC 6749 §5.1 asks for it on answers with tokens; errors get it too.
func noStore(w http.ResponseWriter) {
	header := w.Header()
	header["Cache-Control"], header["Pragma"] = cacheNothing, pragmaNoCache
}

// document is a public document with its entity tag.
type document struct {
	body []byte
	tag  string
}

// newDocument makes the document of a value of our own types, which cannot fail to encode.
func newDocument(value any) document {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err) // answered with server_error, and counted
	}
	sum := sha256.Sum256(body)
	return document{body: body, tag: `"` + hex.EncodeToString(sum[:8]) + `"`}
}

// publish answers with a public document, or says that the caller has it already (RFC 9110 §13.1.2).
func publish(w http.ResponseWriter, r *http.Request, d document) {
	header := w.Header()
	header.Set("Cache-Control", publicMaxAge)
	header.Set("ETag", d.tag)
	if matchesTag(r.Header.Values("If-None-Match"), d.tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	writeBody(w, http.StatusOK, d.body)
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
	writeBody(w, status, b)
}

func writeBody(w http.ResponseWriter, status int, b []byte) {
	header := w.Header()
	header["Content-Type"] = contentTypeJSON
	if header["Cache-Control"] == nil {
		header["Cache-Control"] = cacheNothing
	}
	w.WriteHeader(status)
	_, _ = w.Write(b) // #nosec G705 -- JSON, by its Content-Type and with nosniff
}

func stack() string { return string(debug.Stack()) }
