package oauth

// The grant_type values.
const (
	// GrantTypeJWTBearer is the JWT bearer grant (RFC 7523 §2.1).
	GrantTypeJWTBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	// GrantTypeClientCredentials is the client credentials grant (RFC 6749 §4.4).
	GrantTypeClientCredentials = "client_credentials"
	// GrantTypeTokenExchange is the token exchange grant (RFC 8693).
	GrantTypeTokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange" // #nosec G101 -- no credential
	// GrantTypeRefreshToken is that of a refresh token (RFC 6749 §6).
	GrantTypeRefreshToken = "refresh_token"
)

// The token types of RFC 8693 §3 that a token exchange knows.
const (
	TokenTypeJWT         = "urn:ietf:params:oauth:token-type:jwt"          // #nosec G101 -- no credential
	TokenTypeIDToken     = "urn:ietf:params:oauth:token-type:id_token"     // #nosec G101 -- no credential
	TokenTypeAccessToken = "urn:ietf:params:oauth:token-type:access_token" // #nosec G101 -- no credential
)

// GrantProfileIDJAG is the profile of the JWT bearer grant in draft-ietf-oauth-identity-assertion-authz-grant §7.2.
const GrantProfileIDJAG = "urn:ietf:params:oauth:grant-profile:id-jag"

// Grant is a grant of the token endpoint.
type Grant struct {
	// Type is its value of grant_type.
	Type string
	// Name is what flags call it.
	Name string
}

// Grants lists every grant, in the order in which the metadata lists them.
func Grants() []Grant {
	return []Grant{
		{GrantTypeJWTBearer, "jwt-bearer"},
		{GrantTypeClientCredentials, "client-credentials"},
		{GrantTypeTokenExchange, "token-exchange"},
		{GrantTypeRefreshToken, "refresh-token"},
	}
}
