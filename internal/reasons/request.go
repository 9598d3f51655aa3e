package reasons

import "github.com/grantor-dev/grantor/tokenserver/oauth"

//nolint:funlen // One flat table.
func ofRequests() Group {
	return Group{Title: "The request", About: "Found before anything is known about the client or what it presents.", Entries: []Entry{
		{
			oauth.ReasonMethod,
			"The request is not a POST.",
			"A browser or a health check asks the token endpoint with GET, or a redirect turned the POST into a GET.",
			"Send a POST, to the URL that the metadata names as `token_endpoint`, without a redirect before it.",
		},
		{
			oauth.ReasonContentType,
			"The body is not said to be a form.",
			"The parameters were sent as JSON or as multipart, or the header `Content-Type` is missing or sent twice.",
			"Send them as `application/x-www-form-urlencoded` (with curl: `--data-urlencode`).",
		},
		{
			oauth.ReasonBodyTooLarge,
			"The body has more than 64 KiB.",
			"Something else than a token was put into a parameter, such as a file.",
			"Send the token alone; assertions have 16 KiB at most.",
		},
		{
			oauth.ReasonBodyUnreadable,
			"The body ended before its announced length, or was too slow.",
			"The connection broke, or a proxy cut the request.",
			"Try again; when it goes on, look at the proxies between.",
		},
		{
			oauth.ReasonMalformedForm,
			"The body cannot be read as a form.",
			"A `%` that begins no escape, a `;` between parameters, or more than 64 parameters.",
			"Encode each value as a form does: use the function of a library, not string concatenation.",
		},
		{
			oauth.ReasonRepeatedParameter,
			"A parameter stands in the form twice.",
			"Two layers of a program both add it, such as `scope` or `client_id`.",
			"Send each parameter once. Only `resource` may be repeated, and `audience` in a token exchange.",
		},
		{
			oauth.ReasonParameterInQuery,
			"A parameter of the request stands in the URL.",
			"The parameters were put behind a `?`, where proxies and logs keep them.",
			"Move them into the body. A credential or an assertion that was sent there has been seen by others: replace it.",
		},
		{
			oauth.ReasonMalformedTenant,
			"`tenantDomain` is there, but empty or repeated.",
			"A template of a URL was not filled in.",
			"Name one tenant, or leave `tenantDomain` out.",
		},
		{
			oauth.ReasonTenantMismatch,
			"The path names one tenant and `tenantDomain` another.",
			"A URL of one tenant was copied with the query of another.",
			"Use one of the two ways to name a tenant.",
		},
		{
			oauth.ReasonMissingGrantType,
			"There is no `grant_type`.",
			"The parameter is missing or empty, or the body is empty since a redirect dropped it.",
			"Send `grant_type`, for an assertion `urn:ietf:params:oauth:grant-type:jwt-bearer`.",
		},
		{
			oauth.ReasonUnknownGrantType,
			"The server knows no such grant.",
			"A typing mistake in `grant_type`, or a grant that Grantor does not have, such as `password` or `authorization_code`.",
			"Use one of `grant_types_supported` in the metadata.",
		},
		{
			oauth.ReasonGrantDisabled,
			"The grant is switched off for the whole server.",
			"The server was started with `--disable-grant`.",
			"The administrator removes it from `--disable-grant` (in the chart: `grants`); else use another grant.",
		},
		{
			oauth.ReasonMissingAssertion,
			"The JWT bearer grant comes without `assertion`.",
			"The variable that should hold the assertion was empty, or the parameter is called `token` or `id_token`.",
			"Send the assertion as `assertion`.",
		},
		{
			oauth.ReasonMissingRefreshToken,
			"The refresh token grant comes without `refresh_token`.",
			"The answer before held no refresh token: there is one only where the client's `grantTypes` hold `RefreshToken`.",
			"Send the refresh token, or exchange an assertion.",
		},
		{
			oauth.ReasonMissingSubjectToken,
			"The token exchange comes without `subject_token`.",
			"The variable that should hold the token was empty, or it was sent as `assertion`.",
			"Send the token of the subject as `subject_token`.",
		},
		{
			oauth.ReasonMissingSubjectTokenType,
			"The token exchange does not say what kind of token `subject_token` is.",
			"`subject_token_type` is missing: RFC 8693 §2.1 demands it.",
			"Send `urn:ietf:params:oauth:token-type:jwt`, or that of an ID token or an access token.",
		},
		{
			oauth.ReasonIncompleteActorToken,
			"One of `actor_token` and `actor_token_type` is missing.",
			"The request was made for an actor, and the actor's token was empty.",
			"Send both, or neither.",
		},
		{
			oauth.ReasonUnknownTokenType,
			"The type of a token is none that can be exchanged.",
			"A typing mistake, or a type such as `refresh_token` or `saml2`.",
			"Use `urn:ietf:params:oauth:token-type:jwt`, `…:id_token` or `…:access_token`.",
		},
		{
			oauth.ReasonUnknownRequestedTokenType,
			"Another token is asked for than an access token.",
			"`requested_token_type` names an ID token, a refresh token or a SAML assertion.",
			"Leave it out, or ask for `urn:ietf:params:oauth:token-type:access_token`.",
		},
		{
			oauth.ReasonMissingToken,
			"Introspection or revocation comes without `token`.",
			"The variable that should hold the token was empty.",
			"Send the token as `token`.",
		},
	}}
}
