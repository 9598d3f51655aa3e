package reasons

import "github.com/grantor-dev/grantor/tokenserver/oauth"

//nolint:funlen // One flat table.
func ofClients() Group {
	return Group{Title: "The client", About: "Who asks. Callers get the same `invalid_client` for all that could tell them which clients exist. " +
		"A client assertion can also be refused for [its form](#the-form-of-an-assertion), [its signature](#who-signed-the-assertion) and " +
		"[its claims](#the-claims-of-an-assertion), then with `invalid_client`.", Entries: []Entry{
		{
			oauth.ReasonTwoAuthorizations,
			"The request has several `Authorization` headers.",
			"A proxy or a service mesh adds one of its own.",
			"Let it remove the other one, or authenticate in the form.",
		},
		{
			oauth.ReasonTwoMethods,
			"The request authenticates the client in two ways.",
			"A library sends Basic credentials and `client_secret` or `client_assertion` in the form as well.",
			"Configure one method (RFC 6749 §2.3).",
		},
		{
			oauth.ReasonMissingClientAssertion,
			"There is a `client_assertion_type` without `client_assertion`.",
			"The file or variable of the client assertion was empty.",
			"Send the client assertion.",
		},
		{
			oauth.ReasonMissingClientAssertionType,
			"There is a `client_assertion` without `client_assertion_type`.",
			"RFC 7521 §4.2 demands both.",
			"Send `client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer`.",
		},
		{
			oauth.ReasonUnknownClientAssertionType,
			"The client assertion is said to be of a kind that is not known.",
			"A typing mistake, or a SAML assertion.",
			"Send `client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer`.",
		},
		{
			oauth.ReasonClientIDMismatch,
			"`client_id` in the form is another one than in the `Authorization` header.",
			"Two configurations were mixed.",
			"Send the same one, or leave `client_id` out.",
		},
		{
			oauth.ReasonMalformedBasic,
			"The `Authorization` header is not one of Basic credentials.",
			"It is a Bearer token, not base64, without a colon, or with an empty id or secret; or a `%` in the secret was not encoded.",
			"Encode id and secret as in a form, join them with a colon, then encode that in base64 (RFC 6749 §2.3.1).",
		},
		{
			oauth.ReasonNoCredentials,
			"The request does not authenticate its client.",
			"The library sends no credentials, or a `client_id` alone for a client that is not public.",
			"Send the client's secret or its client assertion.",
		},
		{
			oauth.ReasonTooManyFailures,
			"This client has failed to authenticate too often from this address.",
			"A wrong secret in a program that tries again at once; or callers who share an address, behind a proxy that is not named.",
			"Wait as long as `Retry-After` says and mend the credentials. Behind a proxy, name it in `--trusted-proxies`.",
		},
		{
			oauth.ReasonUnknownClient,
			"No client has this id.",
			"A typing mistake, a client that was deleted, one that is not yet Ready, or an id that an older OAuthClient holds.",
			"Compare with `kubectl get oac -A`: the id is `status.clientID`, by default `<namespace>.<name>`.",
		},
		{
			oauth.ReasonOtherTenant,
			"The client is in another namespace than the tenant that the request names.",
			"`tenantDomain` or the path `/t/<tenant>` names the wrong tenant.",
			"Name the tenant of the client's namespace, or none.",
		},
		{
			oauth.ReasonDisabledClient,
			"The client is switched off.",
			"`spec.grantEnabled` of the OAuthClient is false.",
			"Set it to true, when the client may go on.",
		},
		{
			oauth.ReasonOtherMethod,
			"The client authenticates by another method than the one that it declares.",
			"It sends a secret where `spec.authentication` is `privateKeyJWT` or `federated`, or the other way round.",
			"Use the one method under `spec.authentication`, or change it there.",
		},
		{
			oauth.ReasonNoClientCredentials,
			"The client declares a secret, and there is none.",
			"Its Secret is missing, empty or cannot be used.",
			"`kubectl describe oac` says what is wrong with the Secret: mend it, or set `generate: true`.",
		},
		{
			oauth.ReasonWrongSecret,
			"The secret is not the client's.",
			"An old secret after a rotation, a line break at its end, or that of another client.",
			"Take `client_secret` from the client's Secret, as it is. During a rotation, the one before counts too.",
		},
		{
			oauth.ReasonIssuerMismatch,
			"The `iss` of a client assertion is not that of who is to sign for the client.",
			"For `privateKeyJWT` it must be the client id; for `federated`, the issuer of the provider that the client names.",
			"Sign with the right `iss`; both are compared byte for byte.",
		},
		{
			oauth.ReasonSubjectMismatch,
			"The `sub` of a client assertion is not the client.",
			"For `privateKeyJWT` it must be the client id; for `federated`, `spec.authentication.federated.subject`.",
			"Sign with the right `sub`, or mend the subject in the OAuthClient.",
		},
		{
			oauth.ReasonPublicIntrospection,
			"A public client asks about a token.",
			"Introspection is for clients that prove who they are (RFC 7662 §2.1).",
			"Give the client credentials.",
		},
	}}
}
