package reasons

import "github.com/grantor-dev/grantor/tokenserver/oauth"

//nolint:funlen // One flat table.
func ofRefreshTokens() Group {
	return Group{Title: "Refresh tokens", About: "Callers cannot tell these apart: to all, the answer is to exchange a new assertion. " +
		"[Refresh tokens](../refresh-tokens.md) says what is asked again at each use.", Entries: []Entry{
		{
			oauth.ReasonRefreshTokenMalformed,
			"It is not of the form of a refresh token.",
			"An access token, or a cut refresh token.",
			"Send what came as `refresh_token`, as it is.",
		},
		{
			oauth.ReasonRefreshTokenUnknownKey,
			"The key that it was sealed under is gone.",
			"The digest key was rotated or lost, or it is of another installation.",
			"Exchange a new assertion.",
		},
		{
			oauth.ReasonRefreshTokenForged,
			"It was not sealed by this server for this issuer.",
			"It was changed, or is presented to another tenant than the one that issued it.",
			"Present it where it was issued; else exchange a new assertion.",
		},
		{
			oauth.ReasonRefreshTokenOtherClient,
			"It was issued to another client.",
			"The client is another one, or was deleted and made anew.",
			"Exchange a new assertion.",
		},
		{
			oauth.ReasonRefreshTokenOrigin,
			"The client may no longer use the grant that it began with.",
			"`grantTypes` lost the grant, or `--disable-grant` switched it off.",
			"Allow the grant again, and exchange a new assertion.",
		},
		{
			oauth.ReasonRefreshTokenExpired,
			"Its family has ended.",
			"`refreshToken.lifetime` has passed since the assertion, or with `capToAssertion` the assertion has expired.",
			"Exchange a new assertion.",
		},
		{
			oauth.ReasonRefreshTokenProviderGone,
			"The provider that vouched is gone.",
			"It was deleted, made anew, or has another issuer.",
			"Exchange a new assertion of a provider that is there.",
		},
		{
			oauth.ReasonRefreshTokenProviderOther,
			"The provider that vouched does not serve the client any more.",
			"`identityProviders` or `allowedClientNamespaces` were changed.",
			"Restore the handshake, if it was meant to stay.",
		},
		{
			oauth.ReasonRefreshTokenProviderOff,
			"The provider that vouched is switched off.",
			"`spec.grantEnabled` of the IdentityProvider is false.",
			"Set it to true, when it is to be trusted again.",
		},
		{
			oauth.ReasonRefreshTokenForbidden,
			"The provider is of a kind for which there are no refresh tokens.",
			"Its profile became IDJAG.",
			"Exchange a new ID-JAG each time.",
		},
		{
			oauth.ReasonRefreshTokenRulesChanged,
			"The provider's rules, mappings or subject are other ones than when it vouched.",
			"They were edited: what they let in before was never held to them.",
			"Exchange a new assertion.",
		},
		{
			oauth.ReasonRefreshTokenKeyGone,
			"The key that signed the assertion is no longer the provider's.",
			"The issuer's key was rotated or taken away, or its certificate is over.",
			"Exchange a new assertion.",
		},
		{
			oauth.ReasonRefreshTokenReused,
			"It has been used before; its whole family has ended with this.",
			"A client that refreshes in two places, or that lost an answer; or a thief.",
			"Exchange a new assertion, refresh in one place, and look at `client` and `refresh_family` in the audit log.",
		},
		{
			oauth.ReasonRefreshTokenRevoked,
			"Its family was ended.",
			"A token of it was revoked, or used twice.",
			"Exchange a new assertion.",
		},
		{
			oauth.ReasonRefreshTokenBeforeStart,
			"It is older than what the server remembers.",
			"The token server was restarted, without Valkey; or what Valkey held was lost.",
			"Exchange a new assertion. With [Valkey](../operations.md#state-that-replicas-share) a restart forgets nothing.",
		},
	}}
}

func ofAccessTokens() Group {
	return Group{Title: "Access tokens that do not count", About: "Found by [introspection](../introspection.md), which tells its caller no more than " +
		"`\"active\": false`, and by revocation.", Entries: []Entry{
		{
			oauth.ReasonTokenMalformed,
			"It is not a signed JWT.",
			"Something else was presented, such as a refresh token or a cut token.",
			"Present the access token.",
		},
		{
			oauth.ReasonTokenType,
			"Its `typ` is not `at+jwt`.",
			"An ID token or an assertion is presented as an access token.",
			"Present the access token that Grantor issued.",
		},
		{
			oauth.ReasonTokenKeyUnknown,
			"Its key is not one that this server publishes.",
			"It is of another server, or so old that its key has gone.",
			"Get a new access token.",
		},
		{
			oauth.ReasonTokenSignature,
			"Its signature is wrong.",
			"It was changed, or forged.",
			"Treat it as hostile.",
		},
		{
			oauth.ReasonTokenClaimMissing,
			"It lacks a claim that every access token of this server has.",
			"It was made by another version of this server.",
			"Get a new access token.",
		},
		{
			oauth.ReasonTokenIssuer,
			"It is of another issuer of this server.",
			"A token of one tenant is presented to another.",
			"Ask where it was issued.",
		},
		{
			oauth.ReasonTokenExpired,
			"It has expired.",
			"It is older than `accessToken.lifetime`.",
			"Get a new access token.",
		},
		{
			oauth.ReasonTokenTimes,
			"It is from the future, or ends before it begins.",
			"The clocks of replicas differ by more than 30 s.",
			"Mend the clocks.",
		},
		{
			oauth.ReasonTokenOtherClient,
			"It is none of the caller's business.",
			"The caller is neither the client that got it, nor one whose `resourceServer.resources` hold its audience.",
			"Add the resource to the API's OAuthClient. Revoking is for the client that got it.",
		},
		{
			oauth.ReasonTokenClientGone,
			"The client that got it is gone or switched off.",
			"The OAuthClient was deleted, made anew or disabled.",
			"Nothing, if that was meant.",
		},
		{
			oauth.ReasonTokenProviderGone,
			"A provider that vouched for it is gone, switched off, or does not serve the client any more.",
			"The IdentityProvider was deleted, made anew, disabled or changed.",
			"Nothing, if that was meant.",
		},
		{
			oauth.ReasonTokenRevoked,
			"It was revoked, or may have been before the server's memory begins.",
			"Its client revoked it or its refresh token; or, without Valkey, the token server was restarted since.",
			"Get a new access token.",
		},
	}}
}
