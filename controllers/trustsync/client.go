package trustsync

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// CompileClient makes a client of the trust store from its object. It returns ErrNoIdentity for one without client id,
// and another error for one that cannot be understood; neither may stay in the store.
func CompileClient(o *v1alpha1.OAuthClient) (*trust.Client, error) {
	if o.DeletionTimestamp != nil || o.Status.ClientID == "" {
		return nil, ErrNoIdentity
	}
	c := &trust.Client{
		Key:       trust.ObjectKey{Namespace: o.Namespace, Name: o.Name},
		UID:       string(o.UID),
		Created:   o.CreationTimestamp.Time,
		ID:        o.Status.ClientID,
		Enabled:   enabled(o.Spec.GrantEnabled),
		Scopes:    texts(o.Spec.Scopes),
		Resources: o.Spec.Resources,
	}
	for _, g := range o.Spec.GrantTypes {
		if g != v1alpha1.GrantJWTBearer {
			return nil, fmt.Errorf("read spec.grantTypes: %q is unknown", g)
		}
		c.GrantTypes = append(c.GrantTypes, oauth.GrantTypeJWTBearer)
	}
	for _, p := range o.Spec.IdentityProviders {
		c.Providers = append(c.Providers, p.Name)
	}
	for i, s := range o.Status.Credentials {
		digest, err := base64.RawURLEncoding.Strict().DecodeString(s.KeyedDigest)
		if err != nil || len(digest) != sha256.Size {
			return nil, fmt.Errorf("read status.credentials[%d]: not a digest", i)
		}
		c.Credentials = append(c.Credentials, trust.Credential{
			DigestKeyID: s.DigestKeyID, Digest: [sha256.Size]byte(digest),
		})
	}
	var t v1alpha1.AccessTokenPolicy
	if o.Spec.AccessToken != nil {
		t = *o.Spec.AccessToken
	}
	c.CapToAssertion = t.CapToAssertion != nil && *t.CapToAssertion
	var err error
	if c.AccessTokenLifetime, err = duration(t.Lifetime, defaultAccessTokenLifetime); err != nil {
		return nil, fmt.Errorf("read spec.accessToken.lifetime: %w", err)
	}
	return c, nil
}
