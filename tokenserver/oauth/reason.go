package oauth

// Reason says exactly why a request was refused. It is a label of metrics and a field of the audit log, never part of a
// response: a caller who may not know a key learns nothing about which check failed.
type Reason string

// Reasons that concern the shape of the request.
const (
	ReasonMethod                     Reason = "method_not_allowed"
	ReasonContentType                Reason = "content_type"
	ReasonBodyTooLarge               Reason = "body_too_large"
	ReasonBodyUnreadable             Reason = "body_unreadable"
	ReasonMalformedForm              Reason = "malformed_form"
	ReasonRepeatedParameter          Reason = "repeated_parameter"
	ReasonParameterInQuery           Reason = "parameter_in_query"
	ReasonMissingGrantType           Reason = "missing_grant_type"
	ReasonMissingAssertion           Reason = "missing_assertion"
	ReasonMissingSubjectToken        Reason = "missing_subject_token"
	ReasonMissingSubjectTokenType    Reason = "missing_subject_token_type"
	ReasonIncompleteActorToken       Reason = "incomplete_actor_token"
	ReasonUnknownTokenType           Reason = "unknown_token_type"
	ReasonUnknownRequestedTokenType  Reason = "unknown_requested_token_type"
	ReasonTwoMethods                 Reason = "two_authentication_methods"
	ReasonMissingClientAssertion     Reason = "missing_client_assertion"
	ReasonMissingClientAssertionType Reason = "missing_client_assertion_type"
	ReasonUnknownClientAssertionType Reason = "unknown_client_assertion_type"
	ReasonClientIDMismatch           Reason = "client_id_mismatch"
	ReasonMalformedScope             Reason = "malformed_scope"
	ReasonMalformedTenant            Reason = "malformed_tenant"
	ReasonTenantMismatch             Reason = "tenant_mismatch"
	ReasonTwoAuthorizations          Reason = "two_authorization_headers"
	ReasonUnknownGrantType           Reason = "unknown_grant_type"
	ReasonGrantDisabled              Reason = "grant_disabled"
	ReasonGrantNotAllowed            Reason = "grant_not_allowed"
	ReasonPublicClient               Reason = "public_client"
	ReasonClientIDReserved           Reason = "client_id_reserved"
	ReasonMissingToken               Reason = "missing_token"
	ReasonPublicIntrospection        Reason = "public_client_introspects"
	ReasonNoCredentials              Reason = "no_client_credentials"
	ReasonMalformedBasic             Reason = "malformed_basic_credentials"
	ReasonUnknownClient              Reason = "unknown_client"
	ReasonDisabledClient             Reason = "disabled_client"
	ReasonOtherTenant                Reason = "client_of_another_tenant"
	ReasonWrongSecret                Reason = "wrong_client_secret"
	ReasonNoClientCredentials        Reason = "client_has_no_credentials"
	ReasonOtherMethod                Reason = "other_authentication_method"
	ReasonTooManyFailures            Reason = "too_many_failed_authentications"
)

// Reasons that concern an assertion or a client assertion, in the order in which they are found. The code tells the two
// apart: invalid_grant and invalid_client.
const (
	ReasonAssertionTooLarge   Reason = "assertion_too_large"
	ReasonAssertionEncrypted  Reason = "assertion_encrypted"
	ReasonAssertionMalformed  Reason = "assertion_malformed"
	ReasonHeaderMalformed     Reason = "header_malformed"
	ReasonHeaderCritical      Reason = "header_critical"
	ReasonNested              Reason = "nested"
	ReasonClaimsMalformed     Reason = "claims_malformed"
	ReasonIssuerMissing       Reason = "issuer_missing"
	ReasonSelfIssued          Reason = "self_issued"
	ReasonProviderUnknown     Reason = "provider_unknown"
	ReasonProviderNotAllowed  Reason = "provider_not_allowed"
	ReasonProviderDisabled    Reason = "provider_disabled"
	ReasonIssuerMismatch      Reason = "issuer_mismatch"
	ReasonTypeNotAccepted     Reason = "type_not_accepted"
	ReasonAlgorithmNotAllowed Reason = "algorithm_not_allowed"
	ReasonNoMatchingKey       Reason = "no_matching_key"
	ReasonCertificateValidity Reason = "certificate_validity"
	ReasonSignatureInvalid    Reason = "signature_invalid"
	ReasonSubjectMissing      Reason = "subject_missing"
	ReasonSubjectMismatch     Reason = "subject_mismatch"
	ReasonSubjectForm         Reason = "subject_form"
	ReasonClientIDClaim       Reason = "client_id_claim"
	ReasonBoundToKey          Reason = "bound_to_key"
	ReasonDetailsNotSupported Reason = "authorization_details"
	ReasonTenantNotJudged     Reason = "tenant_not_judged"
	ReasonAudienceMissing     Reason = "audience_missing"
	ReasonAudienceMismatch    Reason = "audience_mismatch"
	ReasonExpiryMissing       Reason = "expiry_missing"
	ReasonExpired             Reason = "expired"
	ReasonNotYetValid         Reason = "not_yet_valid"
	ReasonIssuedInFuture      Reason = "issued_in_future"
	ReasonTimesContradict     Reason = "times_contradict"
	ReasonIssuedAtMissing     Reason = "issued_at_missing"
	ReasonTooOld              Reason = "too_old"
	ReasonLifetimeTooLong     Reason = "lifetime_too_long"
	ReasonClaimRule           Reason = "claim_rule"
	ReasonClaimRuleFailed     Reason = "claim_rule_failed"
	ReasonJWTIDMissing        Reason = "jti_missing"
	ReasonReplayed            Reason = "replayed"
	ReasonIssuedBeforeStart   Reason = "issued_before_start"
)

// Reasons for which an access token of this server does not count, or not for the caller who asks about it. Introspection
// tells none of them.
const (
	ReasonTokenMalformed    Reason = "token_malformed"
	ReasonTokenClaimMissing Reason = "token_claim_missing"
	ReasonTokenType         Reason = "token_type"
	ReasonTokenKeyUnknown   Reason = "token_key_unknown"
	ReasonTokenSignature    Reason = "token_signature_invalid"
	ReasonTokenIssuer       Reason = "token_of_another_issuer"
	ReasonTokenExpired      Reason = "token_expired"
	ReasonTokenTimes        Reason = "token_times"
	ReasonTokenClientGone   Reason = "token_client_gone"
	ReasonTokenProviderGone Reason = "token_provider_gone"
	ReasonTokenOtherClient  Reason = "token_of_another_client"
	ReasonTokenRevoked      Reason = "token_revoked"
)

// Reasons that concern a refresh token, in the order in which they are found.
const (
	ReasonMissingRefreshToken       Reason = "missing_refresh_token"
	ReasonRefreshTokenMalformed     Reason = "refresh_token_malformed"
	ReasonRefreshTokenUnknownKey    Reason = "refresh_token_unknown_key"
	ReasonRefreshTokenForged        Reason = "refresh_token_forged"
	ReasonRefreshTokenOtherClient   Reason = "refresh_token_other_client"
	ReasonRefreshTokenExpired       Reason = "refresh_token_expired"
	ReasonRefreshTokenOrigin        Reason = "refresh_token_origin_not_allowed"
	ReasonRefreshTokenProviderGone  Reason = "refresh_token_provider_gone"
	ReasonRefreshTokenProviderOff   Reason = "refresh_token_provider_disabled"
	ReasonRefreshTokenProviderOther Reason = "refresh_token_provider_not_allowed"
	ReasonRefreshTokenForbidden     Reason = "refresh_token_forbidden_by_provider"
	ReasonRefreshTokenRulesChanged  Reason = "refresh_token_rules_changed"
	ReasonRefreshTokenKeyGone       Reason = "refresh_token_provider_key_gone"
	ReasonRefreshTokenReused        Reason = "refresh_token_reused"
	ReasonRefreshTokenRevoked       Reason = "refresh_token_revoked"
	ReasonRefreshTokenBeforeStart   Reason = "refresh_token_before_start"
)

// Reasons that concern the authorization and the server itself.
const (
	ReasonSubjectTooLong   Reason = "subject_too_long"
	ReasonSubjectReserved  Reason = "subject_reserved"
	ReasonActorNotAllowed  Reason = "actor_not_allowed"
	ReasonScopeNotAllowed  Reason = "scope_not_allowed"
	ReasonScopeNotGranted  Reason = "scope_not_granted"
	ReasonTargetNotAllowed Reason = "target_not_allowed"
	ReasonTargetNotGranted Reason = "target_not_granted"
	ReasonNotReady         Reason = "not_ready"
	ReasonStateUnavailable Reason = "state_unavailable"
	ReasonNoSigningKey     Reason = "no_signing_key"
	ReasonInternal         Reason = "internal"
)

type wire struct {
	code        Code
	description string
}

// wire is what the caller sees of a reason. Reasons that tell apart things which a caller must not learn share a text:
// all failures of a client, and all failures of an assertion that is not even a JWS of a known issuer.
//
//nolint:gocyclo,cyclop,funlen // One flat table, exhaustive by lint: splitting it would hide which texts are equal.
func (r Reason) wire() wire {
	switch r {
	case ReasonMethod:
		return wire{InvalidRequest, "The token endpoint takes POST only."}
	case ReasonContentType:
		return wire{InvalidRequest, "Send the parameters as application/x-www-form-urlencoded in the request body."}
	case ReasonBodyTooLarge:
		return wire{InvalidRequest, "The request body is larger than 64 KiB."}
	case ReasonBodyUnreadable:
		return wire{InvalidRequest, "The request body could not be read."}
	case ReasonMalformedForm:
		return wire{InvalidRequest, "The request body is not a well-formed form."}
	case ReasonRepeatedParameter:
		return wire{InvalidRequest, "A parameter is repeated."}
	case ReasonParameterInQuery:
		return wire{InvalidRequest, "Parameters belong in the request body, not in the URL."}
	case ReasonMissingGrantType:
		return wire{InvalidRequest, "The parameter grant_type is missing."}
	case ReasonMissingAssertion:
		return wire{InvalidRequest, "The parameter assertion is missing."}
	case ReasonMissingToken:
		return wire{InvalidRequest, "The parameter token is missing."}
	case ReasonMissingSubjectToken:
		return wire{InvalidRequest, "The parameter subject_token is missing."}
	case ReasonMissingSubjectTokenType:
		return wire{InvalidRequest, "The parameter subject_token_type is missing."}
	case ReasonIncompleteActorToken:
		return wire{InvalidRequest, "The parameters actor_token and actor_token_type need each other."}
	case ReasonUnknownTokenType:
		return wire{InvalidRequest, "The type of a token is not supported: it may be that of a JWT, an ID token or an access token."}
	case ReasonUnknownRequestedTokenType:
		return wire{InvalidRequest, "The requested_token_type is not supported: it may be that of an access token."}
	case ReasonActorNotAllowed:
		return wire{InvalidRequest, "The subject_token does not let this actor act."}
	case ReasonTwoMethods:
		return wire{InvalidRequest, "Use one method of client authentication, not two."}
	case ReasonMissingClientAssertion:
		return wire{InvalidRequest, "The parameter client_assertion is missing."}
	case ReasonMissingClientAssertionType:
		return wire{InvalidRequest, "The parameter client_assertion_type is missing."}
	case ReasonTwoAuthorizations:
		return wire{InvalidRequest, "Send one Authorization header, not several."}
	case ReasonClientIDMismatch:
		return wire{InvalidRequest, "The parameter client_id differs from the client of the Authorization header."}
	case ReasonMalformedTenant:
		return wire{InvalidRequest, "The parameter tenantDomain is repeated or empty."}
	case ReasonTenantMismatch:
		return wire{InvalidRequest, "The parameter tenantDomain names another tenant than the path."}
	case ReasonMalformedScope:
		return wire{InvalidScope, "The parameter scope is not a list of scope tokens separated by single spaces."}
	case ReasonScopeNotAllowed:
		return wire{InvalidScope, "None of the requested scopes may be granted."}
	case ReasonScopeNotGranted:
		return wire{InvalidScope, "A requested scope is not one that the refresh token was issued for."}
	case ReasonTargetNotGranted:
		return wire{InvalidTarget, "A requested resource is not one that the refresh token was issued for."}
	case ReasonTargetNotAllowed:
		return wire{InvalidTarget, "A requested resource is not one that this client may use."}
	case ReasonUnknownGrantType, ReasonGrantDisabled:
		return wire{UnsupportedGrantType, "The grant type is not supported."}
	case ReasonGrantNotAllowed, ReasonPublicClient, ReasonClientIDReserved:
		return wire{UnauthorizedClient, "The client may not use this grant type."}
	case ReasonNoCredentials, ReasonMalformedBasic, ReasonUnknownClient, ReasonDisabledClient, ReasonOtherTenant,
		ReasonWrongSecret, ReasonNoClientCredentials, ReasonOtherMethod, ReasonUnknownClientAssertionType, ReasonIssuerMismatch,
		ReasonSubjectMismatch, ReasonPublicIntrospection:
		return wire{InvalidClient, "Client authentication failed."}
	case ReasonTooManyFailures:
		return wire{SlowDown, "Client authentication has failed too often from this address. Try again later."}
	case ReasonNotReady, ReasonStateUnavailable, ReasonNoSigningKey:
		return wire{TemporarilyUnavailable, "The server cannot answer at the moment. Try again shortly."}
	case ReasonInternal:
		return wire{ServerError, "The server failed to process the request."}
	case ReasonAssertionTooLarge, ReasonAssertionEncrypted, ReasonAssertionMalformed, ReasonHeaderMalformed,
		ReasonHeaderCritical, ReasonTypeNotAccepted, ReasonNested, ReasonClaimsMalformed, ReasonIssuerMissing:
		return wire{InvalidGrant, "The assertion is not a signed JWT of the accepted form."}
	case ReasonSelfIssued, ReasonProviderUnknown, ReasonProviderNotAllowed, ReasonProviderDisabled:
		return wire{InvalidGrant, "The issuer of the assertion is not trusted for this client."}
	case ReasonAlgorithmNotAllowed, ReasonNoMatchingKey, ReasonCertificateValidity, ReasonSignatureInvalid:
		return wire{InvalidGrant, "The signature of the assertion could not be verified."}
	case ReasonSubjectMissing, ReasonSubjectForm, ReasonClientIDClaim, ReasonBoundToKey, ReasonDetailsNotSupported, ReasonTenantNotJudged, ReasonAudienceMissing, ReasonAudienceMismatch,
		ReasonExpiryMissing, ReasonExpired, ReasonNotYetValid, ReasonIssuedInFuture, ReasonTimesContradict,
		ReasonIssuedAtMissing, ReasonTooOld, ReasonLifetimeTooLong, ReasonClaimRule, ReasonClaimRuleFailed,
		ReasonJWTIDMissing, ReasonSubjectTooLong, ReasonSubjectReserved:
		return wire{InvalidGrant, "The claims of the assertion are not acceptable."}
	case ReasonMissingRefreshToken:
		return wire{InvalidRequest, "The parameter refresh_token is missing."}
	case ReasonRefreshTokenMalformed, ReasonRefreshTokenUnknownKey, ReasonRefreshTokenForged, ReasonRefreshTokenOtherClient,
		ReasonRefreshTokenExpired, ReasonRefreshTokenOrigin, ReasonRefreshTokenProviderGone, ReasonRefreshTokenProviderOff,
		ReasonRefreshTokenProviderOther, ReasonRefreshTokenForbidden, ReasonRefreshTokenRulesChanged, ReasonRefreshTokenKeyGone,
		ReasonRefreshTokenReused, ReasonRefreshTokenRevoked, ReasonRefreshTokenBeforeStart:
		return wire{InvalidGrant, "The refresh token is not valid, or no longer. Exchange a new assertion."}
	case ReasonReplayed, ReasonIssuedBeforeStart:
		return wire{InvalidGrant, "The assertion may not be used again. Obtain a new one."}
	case ReasonTokenOtherClient:
		return wire{UnauthorizedClient, "The token was issued to another client."}
	case ReasonTokenMalformed, ReasonTokenClaimMissing, ReasonTokenType, ReasonTokenKeyUnknown, ReasonTokenSignature, ReasonTokenIssuer,
		ReasonTokenExpired, ReasonTokenTimes, ReasonTokenClientGone, ReasonTokenProviderGone, ReasonTokenRevoked:
		return wire{InvalidGrant, "The token is not an active token of this server."}
	default:
		return wire{ServerError, "The server failed to process the request."}
	}
}
