package assertion

import (
	"context"
	"errors"
	"slices"

	"github.com/grantor-dev/grantor/tokenserver/claimrules"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// checkSubject: RFC 7523 §3(2): "MUST contain a sub".
func (v *verification) checkSubject() error {
	if v.claims.Subject == "" {
		return oauth.Refuse(oauth.ReasonSubjectMissing, nil)
	}
	return nil
}

// checkSubjectForm: an issuer of workloads' tokens names workloads and nothing else.
func (v *verification) checkSubjectForm() error {
	ok := false
	switch v.provider.SubjectForm {
	case trust.SubjectAny:
		ok = true
	case trust.SubjectServiceAccount:
		ok = isServiceAccount(v.claims.Subject)
	case trust.SubjectSPIFFEID:
		ok = isSPIFFEID(v.claims.Subject)
	}
	if !ok {
		return oauth.Refuse(oauth.ReasonSubjectForm, nil)
	}
	return nil
}

// checkClientIDClaim: draft-ietf-oauth-identity-assertion-authz-grant §4.4.1: client_id "MUST identify the same client as
// the client authentication in the request".
func (v *verification) checkClientIDClaim() error {
	if v.provider.ClientIDClaim && v.claims.clientID != v.client.ID {
		return oauth.Refuse(oauth.ReasonClientIDClaim, nil)
	}
	return nil
}

// checkIDJAG: draft-ietf-oauth-identity-assertion-authz-grant: what such a grant must say beyond an assertion, and what it
// must not say, since this server does not know how to keep to it.
func (v *verification) checkIDJAG() error {
	c := v.claims
	switch {
	case !v.provider.IDJAG:
		return nil
	case len(c.Audience) != 1 || c.Audience[0] != v.audience:
		// §4.4.1: one element, which "MUST be the issuer identifier of the Resource Authorization Server".
		return oauth.Refuse(oauth.ReasonAudienceMismatch, nil)
	case c.IssuedAt.IsZero(): // §3.1: REQUIRED
		return oauth.Refuse(oauth.ReasonIssuedAtMissing, nil)
	case c.bound:
		// §8.6.1.2: with cnf and without a proof of possession, "MUST reject the request"; no proof is taken here.
		return oauth.Refuse(oauth.ReasonBoundToKey, nil)
	case c.requested.details:
		// RFC 9396 §5: what is not understood is refused: it may be all that was meant to be granted.
		return oauth.Refuse(oauth.ReasonDetailsNotSupported, nil)
	case c.requested.tenant && !v.provider.Rules.ReadsClaim("tenant") && !v.provider.Rules.SubjectReadsClaim("tenant"):
		// "Subject Identifier Uniqueness with Tenants": users of two tenants may have one sub.
		return oauth.Refuse(oauth.ReasonTenantNotJudged, nil)
	case c.requested.audTenant && !v.provider.Rules.ReadsClaim("aud_tenant"):
		// It is for one tenant of this server, and only a rule knows which that is.
		return oauth.Refuse(oauth.ReasonTenantNotJudged, nil)
	case c.requested.malformed:
		// §4.4.1: scope is that of RFC 6749 §3.3 and resource that of RFC 8707 §2.
		return oauth.Refuse(oauth.ReasonClaimsMalformed, nil)
	}
	return nil
}

// checkNotBound: RFC 7800 §3.1: a token with cnf is for who has the key, and what it would be exchanged for is for anybody.
func (v *verification) checkNotBound() error {
	if v.claims.bound {
		return oauth.Refuse(oauth.ReasonBoundToKey, nil)
	}
	return nil
}

// checkAudiencePresent: RFC 7523 §3(3): "MUST contain an aud".
func (v *verification) checkAudiencePresent() error {
	if len(v.claims.Audience) == 0 {
		return oauth.Refuse(oauth.ReasonAudienceMissing, nil)
	}
	return nil
}

// checkAudience: RFC 7523 §3(3): "MUST reject any JWT that does not contain its own identity as the intended audience".
// A provider without aliases accepts nothing.
func (v *verification) checkAudience() error {
	ours := func(aud string) bool { return aud != "" && slices.Contains(v.provider.AudienceAliases, aud) }
	accepted := slices.ContainsFunc(v.claims.Audience, ours)
	if v.provider.SoleAudience {
		accepted = accepted && !slices.ContainsFunc(v.claims.Audience, func(aud string) bool { return !ours(aud) })
	}
	if !accepted {
		return oauth.Refuse(oauth.ReasonAudienceMismatch, nil)
	}
	return nil
}

// checkExpiryPresent: RFC 7523 §3(4): "MUST contain an exp".
func (v *verification) checkExpiryPresent() error {
	if v.claims.Expiry.IsZero() {
		return oauth.Refuse(oauth.ReasonExpiryMissing, nil)
	}
	return nil
}

// checkExpiry: RFC 7523 §3(4): "MUST reject any JWT with an expiration time that has passed, subject to allowable clock
// skew". RFC 7519 §4.1.4: on or after exp is too late.
func (v *verification) checkExpiry() error {
	if !v.now.Before(v.claims.Expiry.Add(v.provider.ClockSkew)) {
		return oauth.Refuse(oauth.ReasonExpired, nil)
	}
	return nil
}

// checkNotBefore: RFC 7523 §3(5).
func (v *verification) checkNotBefore() error {
	if v.claims.NotBefore.After(v.now.Add(v.provider.ClockSkew)) {
		return oauth.Refuse(oauth.ReasonNotYetValid, nil)
	}
	return nil
}

// checkIssuedAt: RFC 7523 §3(6): an assertion from the future is none.
func (v *verification) checkIssuedAt() error {
	if v.claims.IssuedAt.After(v.now.Add(v.provider.ClockSkew)) {
		return oauth.Refuse(oauth.ReasonIssuedInFuture, nil)
	}
	return nil
}

// checkOrderOfTimes refuses an assertion that was never valid: one that begins, or was issued, after its own end.
func (v *verification) checkOrderOfTimes() error {
	if v.claims.NotBefore.After(v.claims.Expiry) || v.claims.IssuedAt.After(v.claims.Expiry) {
		return oauth.Refuse(oauth.ReasonTimesContradict, nil)
	}
	return nil
}

// checkAge: RFC 7523 §3(6): "may reject JWTs with an iat claim value that is unreasonably far in the past".
func (v *verification) checkAge() error {
	switch {
	case v.provider.MaxAge == 0:
		return nil
	case v.claims.IssuedAt.IsZero():
		return oauth.Refuse(oauth.ReasonIssuedAtMissing, nil)
	case v.now.Sub(v.claims.IssuedAt) > v.provider.MaxAge+v.provider.ClockSkew:
		return oauth.Refuse(oauth.ReasonTooOld, nil)
	}
	return nil
}

// checkLifetime: RFC 7523 §3(4): "may reject JWTs with an exp claim value that is unreasonably far in the future".
func (v *verification) checkLifetime() error {
	from := v.claims.IssuedAt
	if from.IsZero() {
		from = v.now
	}
	if v.claims.Expiry.Sub(from) > v.provider.MaxLifetime {
		return oauth.Refuse(oauth.ReasonLifetimeTooLong, nil)
	}
	return nil
}

// holdClaimRules holds the claims to the provider's own rules, and keeps what they make of them. It reads the payload that
// the signature is over, which has the claims that the other steps saw and no name twice.
func holdClaimRules(ctx context.Context, v *verification) error {
	if v.provider.Rules == nil {
		return nil
	}
	mapped, err := v.provider.Rules.Evaluate(ctx, v.jws.UntrustedPayload)
	switch {
	case errors.Is(err, claimrules.ErrRuleNotSatisfied):
		return oauth.Refuse(oauth.ReasonClaimRule, err)
	case err != nil:
		return oauth.Refuse(oauth.ReasonClaimRuleFailed, err)
	}
	v.mapped = mapped
	return nil
}

// checkJWTID: RFC 7523 §3(7): a provider whose assertions work once must be able to tell them apart.
// draft-ietf-oauth-identity-assertion-authz-grant §3.1: jti is REQUIRED there, however often it works.
func (v *verification) checkJWTID() error {
	if v.claims.JWTID == "" && (v.provider.Replay == trust.ReplayOneTime || v.provider.IDJAG) {
		return oauth.Refuse(oauth.ReasonJWTIDMissing, nil)
	}
	return nil
}
