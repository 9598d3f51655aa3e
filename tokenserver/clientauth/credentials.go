package clientauth

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/scratch"
)

// The methods of client authentication, by their registered names (RFC 8414 §2, RFC 7591 §2). The last has none: on the
// wire it is private_key_jwt, with the key of an identity provider.
const (
	MethodSecretBasic   = "client_secret_basic"
	MethodSecretPost    = "client_secret_post"
	MethodPrivateKeyJWT = "private_key_jwt"
	MethodNone          = "none"
	MethodFederated     = "federated_client_assertion"
)

// maxSecretBytes bounds a presented secret; it is the longest that the API admits, so nothing valid is longer.
const maxSecretBytes = 512

// Credentials are what a request presents to authenticate its client. Nothing of them is verified. They print without
// the secret and the client assertion.
type Credentials struct {
	untrustedID string
	secret      string
	assertion   string
	method      string // what it looks like: MethodPrivateKeyJWT for every client assertion
}

// UntrustedClientID is the client id that the request claims, or empty. A client assertion may claim one in its place.
func (c Credentials) UntrustedClientID() string { return c.untrustedID }

// String returns the method and the claimed client.
func (c Credentials) String() string { return c.method + " of " + c.untrustedID }

// Format writes the same for every verb: verbs for numbers would look past String and print the fields.
func (c Credentials) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// FromRequest finds the credentials of a request. RFC 6749 §2.3: a client "MUST NOT use more than one authentication
// method in each request".
func FromRequest(header http.Header, form oauth.Form) (Credentials, error) {
	authorizations := header.Values("Authorization")
	id, secret := form.Get("client_id"), form.Get("client_secret")
	asserts := form.Get("client_assertion") != "" || form.Get("client_assertion_type") != ""
	switch {
	case len(authorizations) > 1:
		return Credentials{}, oauth.Refuse(oauth.ReasonTwoAuthorizations, nil)
	case len(authorizations) == 1 && (secret != "" || asserts), secret != "" && asserts:
		return Credentials{}, oauth.Refuse(oauth.ReasonTwoMethods, nil)
	case len(authorizations) == 1:
		return fromHeader(authorizations[0], id)
	case asserts:
		return fromClientAssertion(id, form)
	case id == "":
		return Credentials{}, oauth.Refuse(oauth.ReasonNoCredentials, nil)
	case secret == "":
		return Credentials{untrustedID: id, method: MethodNone}, nil
	}
	return Credentials{untrustedID: id, secret: secret, method: MethodSecretPost}, nil
}

// fromClientAssertion: RFC 7521 §4.2: both parameters are required, client_id is not.
func fromClientAssertion(id string, form oauth.Form) (Credentials, error) {
	c := Credentials{untrustedID: id, assertion: form.Get("client_assertion"), method: MethodPrivateKeyJWT}
	var reason oauth.Reason
	switch form.Get("client_assertion_type") {
	case oauth.ClientAssertionType:
		reason = oauth.ReasonMissingClientAssertion
		if c.assertion != "" {
			return c, nil
		}
	case "":
		reason = oauth.ReasonMissingClientAssertionType
	default: // RFC 7523 §2.2: the value is "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", compared exactly.
		reason = oauth.ReasonUnknownClientAssertionType
	}
	return Credentials{untrustedID: id}, oauth.Refuse(reason, nil)
}

func fromHeader(authorization, bodyID string) (Credentials, error) {
	c, ok := parseBasic(authorization)
	if !ok {
		return Credentials{}, oauth.Refuse(oauth.ReasonMalformedBasic, nil)
	}
	if bodyID != "" && bodyID != c.untrustedID {
		return c, oauth.Refuse(oauth.ReasonClientIDMismatch, nil)
	}
	return c, nil
}

func decodeBase64(text string) (string, error) {
	b := scratch.Borrow()
	defer scratch.Return(b)
	b.Grow(base64.StdEncoding.DecodedLen(len(text)))
	plain, err := base64.StdEncoding.AppendDecode(b.AvailableBuffer(), []byte(text))
	return string(plain), err //nolint:wrapcheck // Its text is nobody's business.
}

// parseBasic reads the Basic scheme (RFC 7617 §2) with both parts form-encoded inside it (RFC 6749 §2.3.1).
func parseBasic(authorization string) (Credentials, bool) {
	scheme, encoded, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return Credentials{}, false
	}
	plain, err := decodeBase64(strings.TrimLeft(encoded, " "))
	if err != nil {
		return Credentials{}, false
	}
	rawID, rawSecret, ok := strings.Cut(plain, ":")
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
