package exchange

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/jose"
)

// clientAssertionType is that of RFC 7523 §2.2.
const clientAssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// clientAssertionLifetime is as short as clocks that differ allow.
const clientAssertionLifetime = 2 * time.Minute

// Credentials say who the client is. At most one of Secret, Key and Assertion is not nil; without any, the client names itself.
type Credentials struct {
	// ID is the client id. It may be empty where the server needs none.
	ID string
	// Secret is a client secret (client_secret_basic).
	Secret Source
	// SecretInForm sends it in the form (client_secret_post).
	SecretInForm bool
	// Key is a private key in PEM that signs a client assertion (private_key_jwt).
	Key Source
	// KeyID is its kid; empty for its thumbprint (RFC 7638).
	KeyID string
	// Assertion is a client assertion that a platform has signed, such as a ServiceAccount token.
	Assertion Source
}

// Check says what is wrong with the credentials, in the words of the flags that they are given by.
func (c *Credentials) Check(issuer string) error {
	methods := 0
	for _, s := range []Source{c.Secret, c.Key, c.Assertion} {
		if s != nil {
			methods++
		}
	}
	switch {
	case methods > 1:
		return errors.New("a client has one way to authenticate: give one of --client-secret, --client-key, --client-assertion and --federated")
	case c.ID == "" && (c.Secret != nil || c.Key != nil):
		return errors.New("--client-id is required with --client-secret and --client-key")
	case c.SecretInForm && c.Secret == nil:
		return errors.New("--client-secret-post needs --client-secret")
	case c.KeyID != "" && c.Key == nil:
		return errors.New("--client-key-id needs --client-key")
	case c.Key != nil && issuer == "":
		// draft-ietf-oauth-rfc7523bis: the audience of a client assertion is the issuer, and nothing else.
		return errors.New("--client-key needs --issuer: it is the audience of the client assertion")
	}
	return nil
}

// add puts the credentials into a request.
func (c *Credentials) add(ctx context.Context, r *reader, form url.Values, header http.Header, issuer string, now time.Time) error {
	if c.ID != "" && (c.Secret == nil || c.SecretInForm) {
		form.Set("client_id", c.ID)
	}
	switch {
	case c.Secret != nil:
		secret, err := r.read(ctx, "client secret", c.Secret)
		if err != nil {
			return err
		}
		if c.SecretInForm {
			form.Set("client_secret", secret)
			return nil
		}
		// RFC 6749 §2.3.1: both are encoded as in a form before they are joined.
		request := http.Request{Header: header}
		request.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(secret))
		r.hide(header.Get("Authorization"))
	case c.Key != nil:
		text, err := r.read(ctx, "client key", c.Key)
		if err != nil {
			return err
		}
		assertion, err := c.sign(text, issuer, now)
		if err != nil {
			return err
		}
		r.hide(assertion)
		form.Set("client_assertion_type", clientAssertionType)
		form.Set("client_assertion", assertion)
	case c.Assertion != nil:
		assertion, err := r.read(ctx, "client assertion", c.Assertion)
		if err != nil {
			return err
		}
		form.Set("client_assertion_type", clientAssertionType)
		form.Set("client_assertion", assertion)
	}
	return nil
}

// sign makes a client assertion of RFC 7523 §3, of the type and with the audience of draft-ietf-oauth-rfc7523bis.
func (c *Credentials) sign(key, issuer string, now time.Time) (string, error) {
	signer, err := jose.ParsePrivateKeyPEM([]byte(key))
	if err != nil {
		return "", fmt.Errorf("client key: %w", err)
	}
	if c.KeyID != "" {
		if signer, err = signer.WithKeyID(c.KeyID); err != nil {
			return "", fmt.Errorf("--client-key-id: %w", err)
		}
	}
	claims, err := json.Marshal(struct {
		Issuer   string `json:"iss"`
		Subject  string `json:"sub"`
		Audience string `json:"aud"`
		IssuedAt int64  `json:"iat"`
		Expiry   int64  `json:"exp"`
		ID       string `json:"jti"`
	}{c.ID, c.ID, issuer, now.Unix(), now.Add(clientAssertionLifetime).Unix(), rand.Text()})
	if err != nil {
		return "", fmt.Errorf("client assertion: %w", err)
	}
	text, err := signer.Sign(jose.TypeClientAssertion, claims)
	if err != nil {
		return "", fmt.Errorf("client assertion: %w", err)
	}
	return text, nil
}
