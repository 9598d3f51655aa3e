package assertion

import (
	"slices"
	"strings"

	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

// checkIssuerPresent: RFC 7523 §3(1): "MUST contain an iss".
func (v *verification) checkIssuerPresent() error {
	if v.claims.Issuer == "" {
		return oauth.Refuse(oauth.ReasonIssuerMissing, nil)
	}
	return nil
}

// checkNotSelfIssued: what this server signs, under whichever of its issuers, says what a client may do; it is no proof of who
// somebody is.
func (v *verification) checkNotSelfIssued() error {
	own := func(prefix string) bool { return strings.HasPrefix(v.claims.Issuer, prefix) }
	if v.claims.Issuer == v.ownIssuer || slices.ContainsFunc(v.ownPrefixes, own) {
		return oauth.Refuse(oauth.ReasonSelfIssued, nil)
	}
	return nil
}

// findProvider: RFC 7523 §3(1): compared by simple string comparison (RFC 3986 §6.2.1).
func (v *verification) findProvider() error {
	if v.provider = v.snapshot.ProviderFor(v.client, v.claims.Issuer); v.provider == nil {
		return oauth.Refuse(oauth.ReasonProviderUnknown, nil)
	}
	return nil
}

// checkProviderAllowed: the client says whose assertions it presents, and the provider to whose clients it vouches.
func (v *verification) checkProviderAllowed() error {
	if !v.client.Allows(v.provider) {
		return oauth.Refuse(oauth.ReasonProviderNotAllowed, nil)
	}
	return nil
}

// checkProviderEnabled: the switch of the provider.
func (v *verification) checkProviderEnabled() error {
	if !v.provider.Enabled {
		return oauth.Refuse(oauth.ReasonProviderDisabled, nil)
	}
	return nil
}

// checkType: RFC 8725 §3.11: a JWT made for another purpose says so in typ, and which types an issuer gives to its
// assertions depends on its kind. A provider without types accepts nothing.
func (v *verification) checkType() error {
	if !slices.Contains(v.provider.Types, v.jws.UntrustedHeader.Type) {
		return oauth.Refuse(oauth.ReasonTypeNotAccepted, nil)
	}
	return nil
}

// checkTokenType: RFC 8693 §2.1: the request says what kind of token it is, and the token must say the same. An access token
// is never taken for anything else (RFC 8725 §3.11, RFC 9068 §2.1), nor a grant for a token.
func (v *verification) checkTokenType() error {
	typ := v.jws.UntrustedHeader.Type
	ofAssertions := slices.Contains(v.provider.Types, typ)
	ok := false
	switch v.kind {
	case KindJWT:
		ok = ofAssertions && typ != jose.TypeAccessToken && typ != typeIDJAG
	case KindIDToken:
		ok = ofAssertions && (typ == "" || typ == "jwt")
	case KindAccessToken:
		ok = v.provider.AccessTokens && typ == jose.TypeAccessToken
	}
	if !ok {
		return oauth.Refuse(oauth.ReasonTypeNotAccepted, nil)
	}
	return nil
}
