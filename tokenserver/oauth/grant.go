package oauth

// The grant_type values.
const (
	// GrantTypeJWTBearer is the JWT bearer grant (RFC 7523 §2.1).
	GrantTypeJWTBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	// GrantTypeClientCredentials is the client credentials grant (RFC 6749 §4.4).
	GrantTypeClientCredentials = "client_credentials"
)

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
	}
}
