package assertion

import (
	"slices"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// How client assertions are judged that a client signs with a key of its own.
const (
	clientSkew        = 30 * time.Second
	clientMaxLifetime = time.Hour
)

// Types that say what a JWT is for. The first is that of client assertions in draft-ietf-oauth-rfc7523bis; the others are
// grants, there and in draft-ietf-oauth-identity-assertion-authz-grant.
const (
	typeClientAssertion = jose.TypeClientAssertion
	typeGrant           = "authorization-grant+jwt"
	typeIDJAG           = "oauth-id-jag+jwt"
)

// findAuthority finds whose word counts for the client: its own, or that of its workload's provider. The assertion has no
// say in it.
func (v *verification) findAuthority() error {
	switch v.client.Authentication {
	case trust.AuthenticationPrivateKey:
		v.provider = selfSigning(v.client)
	case trust.AuthenticationFederated:
		v.provider = v.snapshot.ProviderAt(v.client.Workload.Provider)
	case trust.AuthenticationSecret, trust.AuthenticationNone:
	}
	if v.provider == nil {
		return oauth.Refuse(oauth.ReasonProviderUnknown, nil)
	}
	return nil
}

// selfSigning is the provider that a client with keys is for itself. RFC 7523 §3(1), §3(2)(B): iss is the client id, and
// so is sub.
func selfSigning(c *trust.Client) *trust.Provider {
	return &trust.Provider{
		Key: c.Key, Issuer: c.ID, Enabled: true, Keys: c.Keys, Types: []string{"", "jwt"}, EnforceCertificates: true,
		ClockSkew: clientSkew, MaxLifetime: clientMaxLifetime, Replay: trust.ReplayOneTime,
	}
}

// checkAuthorityAdmits: a provider says which namespaces' clients may refer to it.
func (v *verification) checkAuthorityAdmits() error {
	if !v.provider.Admits(v.client.Key.Namespace) {
		return oauth.Refuse(oauth.ReasonProviderNotAllowed, nil)
	}
	return nil
}

// checkIssuer: RFC 7523 §3(1), compared by simple string comparison (RFC 3986 §6.2.1).
func (v *verification) checkIssuer() error {
	if v.claims.Issuer != v.provider.Issuer {
		return oauth.Refuse(oauth.ReasonIssuerMismatch, nil)
	}
	return nil
}

// checkClientType: RFC 8725 §3.11: what says that it is a grant authenticates nobody. What says nothing is judged as an
// assertion of the same provider is, since workloads get one kind of token for both.
func (v *verification) checkClientType() error {
	switch t := v.jws.UntrustedHeader.Type; {
	case t == typeGrant, t == typeIDJAG, len(v.provider.Types) == 0:
		return oauth.Refuse(oauth.ReasonTypeNotAccepted, nil)
	case t == typeClientAssertion, slices.Contains(v.provider.Types, t):
		return nil
	default:
		return oauth.Refuse(oauth.ReasonTypeNotAccepted, nil)
	}
}

// checkClientSubject: RFC 7523 §3(2)(B): "the subject MUST be the client_id"; for a workload, the subject that its client
// declares.
func (v *verification) checkClientSubject() error {
	wanted := v.client.Workload.Subject
	if v.client.Authentication == trust.AuthenticationPrivateKey {
		wanted = v.client.ID
	}
	switch {
	case v.claims.Subject == "":
		return oauth.Refuse(oauth.ReasonSubjectMissing, nil)
	case v.claims.Subject != wanted:
		return oauth.Refuse(oauth.ReasonSubjectMismatch, nil)
	}
	return nil
}

// checkClientAudience: draft-ietf-oauth-rfc7523bis §3: the audience of a client assertion is "the issuer identifier of the
// authorization server as its sole value", so that no other server can be given it to pass on (CVE-2025-27370).
func (v *verification) checkClientAudience() error {
	if len(v.claims.Audience) != 1 || v.claims.Audience[0] != v.audience {
		return oauth.Refuse(oauth.ReasonAudienceMismatch, nil)
	}
	return nil
}
