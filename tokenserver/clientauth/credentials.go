package clientauth

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

// The methods of client authentication, by their registered names (RFC 8414 §2, RFC 7591 §2).
const (
	MethodSecretBasic = "client_secret_basic"
	MethodSecretPost  = "client_secret_post"
)

// maxSecretBytes bounds a presented secret; it is the longest that the API admits, so nothing valid is longer.
const maxSecretBytes = 512

// Credentials are what a request presents to authenticate its client. Nothing of them is verified. They print without
// the secret.
type Credentials struct {
	untrustedID string
	secret      string
	method      string
}

// UntrustedClientID is the client id that the request claims.
func (c Credentials) UntrustedClientID() string { return c.untrustedID }

// String returns the method and the claimed client.
func (c Credentials) String() string { return c.method + " of " + c.untrustedID }

// Format writes the same for every verb: verbs for numbers would look past String and print the fields.
func (c Credentials) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// FromRequest finds the credentials of a request. RFC 6749 §2.3: a client "MUST NOT use more than one authentication
// method in each request".
func FromRequest(header http.Header, form oauth.Form) (Credentials, error) {
	authorizations := header.Values("Authorization")
	bodyID, bodySecret := form.Get("client_id"), form.Get("client_secret")
	switch {
	case len(authorizations) > 1:
		return Credentials{}, oauth.Refuse(oauth.ReasonTwoAuthorizations, nil)
	case len(authorizations) == 1:
		return fromHeader(authorizations[0], bodyID, bodySecret)
	case bodyID == "" || bodySecret == "":
		return Credentials{untrustedID: bodyID}, oauth.Refuse(oauth.ReasonNoCredentials, nil)
	}
	return Credentials{untrustedID: bodyID, secret: bodySecret, method: MethodSecretPost}, nil
}

func fromHeader(authorization, bodyID, bodySecret string) (Credentials, error) {
	if bodySecret != "" {
		return Credentials{}, oauth.Refuse(oauth.ReasonTwoMethods, nil)
	}
	c, ok := parseBasic(authorization)
	if !ok {
		return Credentials{}, oauth.Refuse(oauth.ReasonMalformedBasic, nil)
	}
	if bodyID != "" && bodyID != c.untrustedID {
		return c, oauth.Refuse(oauth.ReasonClientIDMismatch, nil)
	}
	return c, nil
}

// parseBasic reads the Basic scheme (RFC 7617 §2) with both parts form-encoded inside it (RFC 6749 §2.3.1).
func parseBasic(authorization string) (Credentials, bool) {
	scheme, encoded, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return Credentials{}, false
	}
	plain, err := base64.StdEncoding.DecodeString(strings.TrimLeft(encoded, " "))
	if err != nil {
		return Credentials{}, false
	}
	rawID, rawSecret, ok := strings.Cut(string(plain), ":")
	if !ok {
		return Credentials{}, false
	}
	id, errID := url.QueryUnescape(rawID)
	secret, errSecret := url.QueryUnescape(rawSecret)
	if errID != nil || errSecret != nil || id == "" || secret == "" {
		return Credentials{}, false
	}
	return Credentials{untrustedID: id, secret: secret, method: MethodSecretBasic}, true
}
