package importwso2

import "strings"

// Field says what becomes of one element, or of all below it where its path ends with "/…".
type Field struct {
	Path    string
	Verdict Verdict
	Into    string
	Why     string
}

// reasons that several fields share.
const (
	whySignIn    = "it is about people who sign in with a browser, which the JWT grant does not ask"
	whyProvision = "no users are created: the access token names the subject"
	whyDisplay   = "it is for people"
	whyCode      = "it is about the authorization code grant, which is not here"
	whyOpenID    = "it is about ID tokens, which are not issued here"
	whyCIBA      = "it is about CIBA, which is not here"
	whyEnd       = "a secret does not end by itself here: take it out of the Secret when it is to end"
	whyIssuer    = "the issuer is that of the token server, or of a tenant in its path"
)

// ProviderFields are the elements of an IdentityProvider.
func ProviderFields() []Field {
	return []Field{
		{"IdentityProviderName", Carried, "spec.issuer, metadata.name", "where there is no other issuer, the name is the expected iss"},
		{"Issuer", Carried, "spec.issuer", ""},
		{"IdpProperties/idpIssuerName", Carried, "spec.issuer", ""},
		{"Alias", Carried, "spec.audienceAliases", ""},
		{"Certificate", Carried, "spec.certificateSecretRef, a Secret", "base64 around PEM is taken off; what is no usable certificate is named"},
		{"certificateInfoArray/certValue", NoEffect, "", "it repeats Certificate"},
		{"certificateInfoArray/thumbPrint", NoEffect, "", "it repeats Certificate"},
		{"JWKSEndpoint", Carried, "spec.jwksURI.url", "fetched by the operator; from public addresses, unless --allow-key-fetch-from says more"},
		{"IdpProperties/jwksUri", Carried, "spec.jwksURI.url", "fetched by the operator; from public addresses, unless --allow-key-fetch-from says more"},
		{"IdpProperties/displayName", NoEffect, "", whyDisplay},
		{"IdpProperties/…", Lost, "", "it is not known to this import"},
		{"IsEnabled", Carried, "spec.grantEnabled", ""},
		{"IdentityProviderDescription", Carried, "metadata.annotations", ""},
		{"ClaimConfig/ClaimMappings/ClaimMapping/RemoteClaim/ClaimUri", Changed, "spec.claimMappings", "the claim keeps the name that the issuer gave it, and its JSON type"},
		{"ClaimConfig/ClaimMappings/ClaimMapping/LocalClaim/ClaimUri", Changed, "spec.claimMappings", "the claim keeps the name that the issuer gave it, not one of a local dialect"},
		{"ClaimConfig/ClaimMappings/ClaimMapping/DefaultValue", Carried, "spec.claimMappings", ""},
		{"ClaimConfig/ClaimMappings/ClaimMapping/…", NoEffect, "", whySignIn},
		{"ClaimConfig/RoleClaimURI", Carried, "spec.claimMappings", "it names the claim that the roles are read from"},
		{"ClaimConfig/UserClaimURI", Lost, "", "the subject is sub; another claim can be read with spec.subject.expression"},
		{"ClaimConfig/IdpClaims/…", NoEffect, "", "it lists the claims that mappings may use"},
		{"ClaimConfig/…", NoEffect, "", "it says how local claims are named"},
		{"PermissionAndRoleConfig/RoleMappings/RoleMapping/RemoteRole", Changed, "spec.claimMappings", "roles stand in the claim roles of the access token"},
		{"PermissionAndRoleConfig/RoleMappings/RoleMapping/LocalRole/LocalRoleName", Changed, "spec.claimMappings", "roles stand in the claim roles of the access token"},
		{"PermissionAndRoleConfig/RoleMappings/RoleMapping/LocalRole/UserStoreId", NoEffect, "", "there is no user store"},
		{"PermissionAndRoleConfig/IdpRoles/…", NoEffect, "", "it lists the roles that mappings may use"},
		{"PermissionAndRoleConfig/…", Lost, "", "there are no permissions of users: scopes and mapped claims say what a token is good for"},
		{"ProvisioningRole", Lost, "", whyProvision},
		{"JustInTimeProvisioningConfig/…", Lost, "", whyProvision},
		{"ProvisioningConnectorConfigs/…", Lost, "", whyProvision},
		{"DefaultProvisioningConnectorConfig/…", Lost, "", whyProvision},
		{"FederatedAuthenticatorConfigs/…", NoEffect, "", whySignIn},
		{"DefaultAuthenticatorConfig/…", NoEffect, "", whySignIn},
		{"IdpGroupConfigs/…", NoEffect, "", "it lists the groups of the issuer"},
		{"DisplayName", NoEffect, "", whyDisplay},
		{"ImageUrl", NoEffect, "", whyDisplay},
		{"TemplateId", NoEffect, "", whyDisplay},
		{"IsPrimary", NoEffect, "", whySignIn},
		{"IsFederationHub", NoEffect, "", whySignIn},
		{"HomeRealmId", NoEffect, "", whySignIn},
	}
}

// ClientFields are the elements of a ServiceProvider. Those of its OAuth configuration begin with "oauth2/".
func ClientFields() []Field {
	const config = "InboundAuthenticationRequestConfig/"
	return append(oauthFields(), []Field{
		{"ApplicationName", Carried, "metadata.name", "in the form of names of Kubernetes"},
		{"Description", Carried, "metadata.annotations", ""},
		{"IsApplicationEnabled", Carried, "spec.grantEnabled", ""},
		{"JwksUri", Carried, "spec.authentication.privateKeyJWT.jwksURI.url", "where the client signs its own client assertions"},
		{"Certificate", Carried, "spec.authentication.privateKeyJWT.certificateSecretRef, a Secret", "where the client signs its own client assertions"},
		{config + "InboundAuthKey", Carried, "spec.clientID", ""},
		{config + "InboundAuthType", Carried, "", "oauth2 alone: other protocols are not spoken here"},
		{config + "Properties/oauthConsumerSecret", Carried, "a Secret", "unless it is hashed or encrypted; then a new one is made"},
		{config + "Properties/…", Lost, "", "it is not known to this import"},
		{config + "friendlyName", NoEffect, "", whyDisplay},
		{config + "InboundConfigType", NoEffect, "", whyDisplay},
		{"IsSaaSApp", NoEffect, "", "a client is in one namespace, and answers wherever its tenant is asked"},
		{"LocalAndOutBoundAuthenticationConfig/…", NoEffect, "", whySignIn},
		{"RequestPathAuthenticatorConfigs/…", NoEffect, "", whySignIn},
		{"InboundProvisioningConfig/…", Lost, "", whyProvision},
		{"OutboundProvisioningConfig/…", Lost, "", whyProvision},
		{"ClaimConfig/…", Lost, "", "claims are mapped at the IdentityProvider"},
		{"PermissionAndRoleConfig/…", Lost, "", "there are no permissions of users: scopes and mapped claims say what a token is good for"},
		{"AssociatedRolesConfig/…", Lost, "", "there are no permissions of users: scopes and mapped claims say what a token is good for"},
		{"ClientAttestationMetaData/…", Lost, "", "no client attests what it runs on"},
		{"ApplicationID", NoEffect, "", whyDisplay},
		{"ApplicationVersion", NoEffect, "", whyDisplay},
		{"TemplateId", NoEffect, "", whyDisplay},
		{"TemplateVersion", NoEffect, "", whyDisplay},
		{"IsManagementApp", NoEffect, "", "it is about the API of that server"},
		{"IsB2BSelfServiceApp", NoEffect, "", "it is about the API of that server"},
		{"IsAPIBasedAuthenticationEnabled", NoEffect, "", whySignIn},
		{"TrustedAppMetadata/…", NoEffect, "", whySignIn},
		{"AccessUrl", NoEffect, "", whySignIn},
		{"Owner/…", NoEffect, "", "who may edit it is a matter of RBAC"},
		{"ImageUrl", NoEffect, "", whyDisplay},
		{"LoginUrl", NoEffect, "", whySignIn},
		{"IsDiscoverable", NoEffect, "", whySignIn},
	}...)
}

// oauthFields are the elements of the OAuth configuration of a ServiceProvider.
func oauthFields() []Field {
	const additional = "oauth2/additionalOauthConsumerSecrets/additionalOauthConsumerSecret/"
	return []Field{
		{"oauth2/oauthConsumerKey", Carried, "spec.clientID", ""},
		{"oauth2/oauthConsumerSecret", Carried, "a Secret", "unless it is hashed or encrypted; then a new one is made"},
		{"oauth2/oauthConsumerSecretExpiryTime", Lost, "", whyEnd},
		{additional + "secretValue", Carried, "a Secret", "one more that has not ended, as previous_client_secret, beside one that is carried over"},
		{additional + "expiryTime", Lost, "", whyEnd},
		{"oauth2/state", Carried, "spec.grantEnabled", "what is not ACTIVE is off"},
		{"oauth2/grantTypes", Carried, "spec.grantTypes", "jwt-bearer, client_credentials, token-exchange and refresh_token; others are lost"},
		{"oauth2/audiences/audience", Changed, "spec.resources", "the first is the aud of access tokens, others when the client asks for them"},
		{"oauth2/userAccessTokenExpiryTime", Carried, "spec.accessToken.lifetime", "from 1m to 24h"},
		{"oauth2/applicationAccessTokenExpiryTime", Carried, "spec.accessToken.lifetime", "where the client has its own tokens alone: there is one lifetime"},
		{"oauth2/refreshTokenExpiryTime", Changed, "spec.refreshToken.lifetime", "of all tokens that follow one another, from 1m to 8760h"},
		{"oauth2/bypassClientCredentials", Carried, "spec.authentication.public", ""},
		{"oauth2/tokenEndpointAuthMethod", Carried, "spec.authentication", "client secrets, private_key_jwt and none"},
		{"oauth2/tokenType", Changed, "", "access tokens are JWTs (RFC 9068), whatever it says"},
		{"oauth2/renewRefreshTokenEnabled", Changed, "", "refresh tokens are always renewed, and work once"},
		{"oauth2/extendRenewedRefreshTokenExpiryTime", Lost, "", "the lifetime is that of all tokens that follow one another"},
		{"oauth2/gracefulRefreshTokenRotationEnabled", Lost, "", "a refresh token works once"},
		{"oauth2/gracefulRefreshTokenRotationValidityPeriod", Lost, "", "a refresh token works once"},
		{"oauth2/gracefulRefreshTokenReuseLimit", Lost, "", "a refresh token works once"},
		{"oauth2/scopeValidators/scopeValidator", Lost, "", "scopes are those of client and provider; claimValidationRules can refuse by claims"},
		{"oauth2/tokenBindingType", Lost, "", "there is no proof of possession yet"},
		{"oauth2/tokenBindingValidationEnabled", Lost, "", "there is no proof of possession yet"},
		{"oauth2/tlsClientCertificateBoundAccessTokens", Lost, "", "there is no proof of possession yet"},
		{"oauth2/tlsClientAuthSubjectDN", Lost, "", "clients do not authenticate by TLS certificates"},
		{"oauth2/accessTokenClaims", Lost, "", "claims are mapped at the IdentityProvider"},
		{"oauth2/tokenEndpointAllowReusePvtKeyJwt", Lost, "", "a client assertion works once"},
		{"oauth2/tokenEndpointAuthSignatureAlgorithm", Changed, "", "the keys decide which algorithms there are"},
		{"oauth2/fapiConformanceEnabled", Lost, "", "no profile of FAPI is enforced"},
		{"oauth2/fapiProfile", NoEffect, "", "it says which profile fapiConformanceEnabled means"},
		{"oauth2/jwtScopeAsArrayEnabled", Lost, "", "scope is one string (RFC 9068 §2.2.3)"},
		{"oauth2/subjectTokenEnabled", Lost, "", "there are no subject tokens for impersonation"},
		{"oauth2/subjectTokenExpiryTime", NoEffect, "", "it says how long the tokens of subjectTokenEnabled live"},
		{"oauth2/issuerOrg", Lost, "", whyIssuer},
		{"oauth2/issuerDetails/…", Lost, "", whyIssuer},
		{"oauth2/applicationName", NoEffect, "", whyDisplay},
		{"oauth2/oauthVersion", NoEffect, "", whyDisplay},
		{"oauth2/callbackUrl", NoEffect, "", whyCode},
		{"oauth2/pkceMandatory", NoEffect, "", whyCode},
		{"oauth2/pkceSupportPlain", NoEffect, "", whyCode},
		{"oauth2/hybridFlowEnabled", NoEffect, "", whyCode},
		{"oauth2/hybridFlowResponseType", NoEffect, "", whyCode},
		{"oauth2/requirePushedAuthorizationRequests", NoEffect, "", whyCode},
		{"oauth2/idTokenExpiryTime", NoEffect, "", whyOpenID},
		{"oauth2/idTokenEncryptionEnabled", NoEffect, "", whyOpenID},
		{"oauth2/idTokenEncryptionAlgorithm", NoEffect, "", whyOpenID},
		{"oauth2/idTokenEncryptionMethod", NoEffect, "", whyOpenID},
		{"oauth2/idTokenSignatureAlgorithm", NoEffect, "", whyOpenID},
		{"oauth2/requestObjectSignatureValidationEnabled", NoEffect, "", whyCode},
		{"oauth2/requestObjectSignatureAlgorithm", NoEffect, "", whyCode},
		{"oauth2/requestObjectEncryptionAlgorithm", NoEffect, "", whyCode},
		{"oauth2/requestObjectEncryptionMethod", NoEffect, "", whyCode},
		{"oauth2/cibaNotificationChannels", NoEffect, "", whyCIBA},
		{"oauth2/cibaAuthReqExpiryTime", NoEffect, "", whyCIBA},
		{"oauth2/cibaSkipUserValidation", NoEffect, "", whyCIBA},
		{"oauth2/cibaAllowFederatedUsers", NoEffect, "", whyCIBA},
		{"oauth2/backChannelLogoutUrl", NoEffect, "", whySignIn},
		{"oauth2/frontchannelLogoutUrl", NoEffect, "", whySignIn},
		{"oauth2/tokenRevocationWithIDPSessionTerminationEnabled", NoEffect, "", whySignIn},
		{"oauth2/subjectType", NoEffect, "", whyOpenID},
		{"oauth2/sectorIdentifierURI", NoEffect, "", whyOpenID},
	}
}

// fieldOf finds the field of a path: its own, or the longest that it is below.
func fieldOf(fields []Field, path string) (Field, bool) {
	best, found := Field{}, false
	for _, f := range fields {
		prefix, below := strings.CutSuffix(f.Path, "/…")
		switch {
		case f.Path == path:
			return f, true
		case below && (path == prefix || strings.HasPrefix(path, prefix+"/")) && len(f.Path) > len(best.Path):
			best, found = f, true
		}
	}
	return best, found
}
