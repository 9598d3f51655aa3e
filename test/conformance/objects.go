package conformance

import (
	"crypto/elliptic"
	"encoding/base64"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

const (
	jwtBearer           = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	clientCredentials   = "client_credentials"
	tokenExchange       = "urn:ietf:params:oauth:grant-type:token-exchange" // #nosec G101 -- no token
	jwtType             = "urn:ietf:params:oauth:token-type:jwt"
	accessTokenType     = "urn:ietf:params:oauth:token-type:access_token" // #nosec G101 -- no token
	clientAssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

	partner    = "https://idp.conformance.test"
	partnerKey = "conformance partner"
	orders     = "https://orders.conformance.test/api"
	stock      = "urn:conformance:stock"

	portalID     = "conformance.portal"
	portalSecret = "a secret: with + and % in it" // #nosec G101 -- of a test
	batchID      = "conformance.batch"
	batchKey     = "conformance batch"
	appID        = "conformance.app"
	plainID      = "conformance.plain"           // may do nothing but exchange
	plainSecret  = "another secret of the tests" // #nosec G101 -- of a test
	apiID        = "conformance.orders"          // asks about tokens
	apiSecret    = "a third secret of the tests" // #nosec G101 -- of a test
)

// object is JSON.
type object = map[string]any

// Audience is what assertions for a server of that issuer have as aud.
func Audience(issuer string) string { return issuer + "/oauth2/token" }

// Objects are the manifests that the rows need, for a server of that issuer.
func Objects(issuer string) []map[string]any {
	secret := func(name, value string) object {
		return object{
			"apiVersion": "v1", "kind": "Secret", "metadata": object{"namespace": "conformance", "name": name},
			"stringData": object{"client_secret": value},
		}
	}
	withSecret := func(name string) object { return object{"clientSecret": object{"secretRef": object{"name": name}}} }
	return []object{
		manifest("IdentityProvider", "partner", object{
			"issuer": partner, "audienceAliases": []string{Audience(issuer)}, "jwks": object{"keys": []object{publicJWK(partnerKey)}},
		}),
		client("portal", withSecret("portal"), "JWTBearer", "ClientCredentials", "TokenExchange", "RefreshToken"),
		manifest("OAuthClient", "orders", object{"authentication": withSecret("orders"), "grantTypes": []string{}, "resourceServer": object{"resources": []string{orders}}}),
		client("batch", object{"privateKeyJWT": object{"jwks": object{"keys": []object{publicJWK(batchKey)}}}}, "JWTBearer", "ClientCredentials"),
		client("app", object{"public": object{}}, "JWTBearer", "RefreshToken"),
		client("plain", withSecret("plain"), "JWTBearer"),
		secret("portal", portalSecret),
		secret("plain", plainSecret),
		secret("orders", apiSecret),
	}
}

func client(name string, authentication object, grants ...string) object {
	return manifest("OAuthClient", name, object{
		"authentication": authentication, "grantTypes": grants, "scopes": []string{"read", "write"}, "resources": []string{orders, stock},
	})
}

func manifest(kind, name string, spec object) object {
	return object{"apiVersion": "grantor.dev/v1alpha1", "kind": kind, "metadata": object{"namespace": "conformance", "name": name}, "spec": spec}
}

func publicJWK(name string) object {
	point, err := jwttest.EC(name, elliptic.P256()).PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	return object{"kty": "EC", "crv": "P-256", "x": encode(point[1:33]), "y": encode(point[33:])}
}
