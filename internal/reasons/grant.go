package reasons

import "github.com/grantor-dev/grantor/tokenserver/oauth"

func ofGrants() Group {
	return Group{Title: "What may be granted", About: "Who asks is known, and what vouches for it is good.", Entries: []Entry{
		{
			oauth.ReasonGrantNotAllowed,
			"The client may not use this grant.",
			"`grantTypes` of the OAuthClient does not hold it; by default it holds `JWTBearer` alone.",
			"Add the grant to `spec.grantTypes`.",
		},
		{
			oauth.ReasonPublicClient,
			"A public client may not do this.",
			"It asks for a token in its own name, or with an ID-JAG: whoever knows its id could.",
			"Give the client credentials: `spec.authentication`.",
		},
		{
			oauth.ReasonClientIDReserved,
			"The client's id could pass for the subject of an identity provider.",
			"`spec.clientID` looks like `namespace/name:something`, which is how subjects look.",
			"Choose another id for a client that asks in its own name.",
		},
		{
			oauth.ReasonSubjectTooLong,
			"The subject, with the provider's prefix, has more than 1024 bytes.",
			"`sub` or `subject.expression` is very long.",
			"Shorten it with `subject.expression`.",
		},
		{
			oauth.ReasonSubjectReserved,
			"The subject is that of somebody else: the client's own id, or in the form of another provider's subjects.",
			"`subject.prefix` was changed, and `sub` says what the prefix used to keep apart.",
			"Use the default prefix, or [read why](../adr/0013-subjects-of-providers-never-meet.md).",
		},
		{
			oauth.ReasonActorNotAllowed,
			"The subject's token says who may act for it, and it is not this actor.",
			"The claim `may_act` names another party, or there is no `actor_token`.",
			"Present the actor's token that `may_act` names.",
		},
		{
			oauth.ReasonMalformedScope,
			"`scope` is not a list of scopes.",
			"Commas or two blanks between them, quotes, or letters beyond ASCII.",
			"Separate scopes by one blank each.",
		},
		{
			oauth.ReasonScopeNotAllowed,
			"None of the requested scopes may be granted.",
			"`spec.scopes` of the client, or of the provider where it has some, or the ID-JAG, does not hold them.",
			"Ask for scopes that both hold, or add them there. Without `scope`, all that is possible is granted.",
		},
		{
			oauth.ReasonTargetNotAllowed,
			"A requested resource is not one of the client's.",
			"`resource` (in a token exchange also `audience`, in an ID-JAG the claim) is not in `spec.resources`, byte for byte.",
			"Add it to `spec.resources`, or ask for one that is there.",
		},
		{
			oauth.ReasonScopeNotGranted,
			"A refresh asks for a scope that was not granted in the beginning.",
			"A refresh token gives the same or less (RFC 6749 §6).",
			"Leave `scope` out, or exchange a new assertion for more.",
		},
		{
			oauth.ReasonTargetNotGranted,
			"A refresh asks for a resource that was not granted in the beginning.",
			"A refresh token gives the same or less (RFC 8707 §2.2).",
			"Leave `resource` out, or exchange a new assertion.",
		},
	}}
}

func ofServers() Group {
	return Group{Title: "The server itself", About: "The caller did nothing wrong, and can try again.", Entries: []Entry{
		{
			oauth.ReasonNotReady,
			"The token server has not loaded everything yet, or what it holds is too old.",
			"It was just started; or it cannot reach the API server; or `--max-trust-staleness` has passed.",
			"Wait until `/readyz` answers 200. Its body says what it waits for.",
		},
		{
			oauth.ReasonStateUnavailable,
			"It could not be decided whether something was used before.",
			"Valkey does not answer, is full, or its clock is far off.",
			"See [when something fails](../operations.md#when-something-fails): the log says what the state server answered.",
		},
		{
			oauth.ReasonNoSigningKey,
			"There is no key to sign access tokens with.",
			"The Secret `grantor-signing-keys` is missing or empty at the start.",
			"Let the operator run: it makes one. If the Secret was deleted, restore it.",
		},
		{
			oauth.ReasonInternal,
			"The server made a mistake.",
			"A bug: `cause` in the audit log says what happened.",
			"Report it, with the log.",
		},
	}}
}
