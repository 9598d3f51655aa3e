package trustsync

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/profile"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// These stand behind the defaults of the schema.
const (
	defaultAccessTokenLifetime  = time.Hour
	defaultRefreshTokenLifetime = 720 * time.Hour
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
		Resources: lists.list(o.Spec.Resources),
	}
	if server := o.Spec.ResourceServer; server != nil {
		c.Serves = lists.list(server.Resources)
	}
	for _, g := range o.Spec.GrantTypes {
		grantType, err := grantType(g)
		if err != nil {
			return nil, err
		}
		c.GrantTypes = append(c.GrantTypes, grantType)
	}
	c.GrantTypes = lists.list(c.GrantTypes)
	for _, p := range o.Spec.IdentityProviders {
		c.Providers = append(c.Providers, providerKey(o, p))
	}
	if err := errors.Join(compileAuthentication(c, o), compileTokenPolicy(c, o.Spec)); err != nil {
		return nil, err
	}
	pack(&c.ID, &c.Key.Namespace, &c.Key.Name, &c.UID)
	return c, nil
}

// grantType is the value of grant_type of a grant.
func grantType(g v1alpha1.GrantType) (string, error) {
	switch g {
	case v1alpha1.GrantJWTBearer:
		return oauth.GrantTypeJWTBearer, nil
	case v1alpha1.GrantClientCredentials:
		return oauth.GrantTypeClientCredentials, nil
	case v1alpha1.GrantTokenExchange:
		return oauth.GrantTypeTokenExchange, nil
	case v1alpha1.GrantRefreshToken:
		return oauth.GrantTypeRefreshToken, nil
	default:
		return "", fmt.Errorf("read spec.grantTypes: %q is unknown", g)
	}
}

// compileAuthentication takes the method from the spec, and for it, and for no other, the credentials from the status.
func compileAuthentication(c *trust.Client, o *v1alpha1.OAuthClient) (err error) {
	switch auth := o.Spec.Authentication; {
	case auth.ClientSecret != nil:
		c.Authentication = trust.AuthenticationSecret
		c.Credentials, err = compileCredentials(o.Status.Credentials)
	case auth.PrivateKeyJWT != nil:
		c.Authentication = trust.AuthenticationPrivateKey
		if set := o.Status.KeySet; set != nil {
			c.RemoteKeys = mayBeNewer(set)
			if c.Keys, err = compileKeys(set.Keys, nil); err != nil {
				err = fmt.Errorf("read status.keySet: %w", err)
			}
		}
	case auth.Federated != nil:
		c.Authentication = trust.AuthenticationFederated
		c.Workload = trust.Workload{Provider: providerKey(o, auth.Federated.IdentityProviderRef), Subject: auth.Federated.Subject}
	case auth.Public != nil:
		c.Authentication = trust.AuthenticationNone
	}
	return err
}

func compileCredentials(list []v1alpha1.ClientCredential) ([]trust.Credential, error) {
	var credentials []trust.Credential
	for i, s := range list {
		digest, err := base64.RawURLEncoding.Strict().DecodeString(s.KeyedDigest)
		if err != nil || len(digest) != sha256.Size {
			return nil, fmt.Errorf("read status.credentials[%d]: not a digest", i)
		}
		credentials = append(credentials, trust.Credential{
			DigestKeyID: lists.text(s.DigestKeyID), Digest: [sha256.Size]byte(digest),
		})
	}
	return credentials, nil
}

func compileTokenPolicy(c *trust.Client, spec v1alpha1.OAuthClientSpec) (err error) {
	c.AccessTokenLifetime, c.RefreshTokenLifetime = defaultAccessTokenLifetime, defaultRefreshTokenLifetime
	if p := spec.AccessToken; p != nil {
		c.CapToAssertion = p.CapToAssertion != nil && *p.CapToAssertion
		if p.Lifetime != "" {
			if c.AccessTokenLifetime, err = profile.Duration(p.Lifetime); err != nil {
				return fmt.Errorf("read spec.accessToken.lifetime: %w", err)
			}
		}
	}
	if p := spec.RefreshToken; p != nil && p.Lifetime != "" {
		if c.RefreshTokenLifetime, err = profile.Duration(p.Lifetime); err != nil {
			return fmt.Errorf("read spec.refreshToken.lifetime: %w", err)
		}
	}
	return nil
}

// providerKey is the object that a client refers to.
func providerKey(o *v1alpha1.OAuthClient, ref v1alpha1.IdentityProviderReference) trust.ObjectKey {
	return trust.ObjectKey{Namespace: cmp.Or(ref.Namespace, o.Namespace), Name: ref.Name}
}
