package reasons

import "github.com/grantor-dev/grantor/tokenserver/oauth"

func ofForms() Group {
	return Group{Title: "The form of an assertion", About: "What is presented cannot be read as a signed JWT.", Entries: []Entry{
		{
			oauth.ReasonAssertionTooLarge,
			"It has more than 16 KiB.",
			"The issuer puts long lists into it, such as all groups of a user.",
			"Have the issuer leave out what is not needed.",
		},
		{
			oauth.ReasonAssertionEncrypted,
			"It is encrypted (JWE, five parts).",
			"The issuer encrypts its tokens, which it does where it was given a key to encrypt for.",
			"Switch encryption off at the issuer: TLS protects the assertion on its way.",
		},
		{
			oauth.ReasonAssertionMalformed,
			"It is not three parts of base64url with dots between.",
			"A file name instead of its content, a line break at the end, quotes around it, padding (`=`), or a cut token.",
			"Send the compact form alone (with curl: `--data-urlencode assertion@FILE`, and a file without line break).",
		},
		{
			oauth.ReasonHeaderMalformed,
			"Its header is not the JSON object that it must be.",
			"No `alg`, a member of the wrong type, or one that stands there twice.",
			"Mend what signs it; libraries do this right.",
		},
		{
			oauth.ReasonHeaderCritical,
			"Its header has `crit` or `b64`: something that must be understood, and is not.",
			"The issuer uses an extension of JWS.",
			"Have the issuer sign plain JWTs.",
		},
		{
			oauth.ReasonNested,
			"Its header has `cty`: what is signed would be another JWT.",
			"The issuer signs a token that is signed or encrypted already.",
			"Have the issuer sign the claims themselves.",
		},
		{
			oauth.ReasonClaimsMalformed,
			"Its payload is not a JSON object of claims of the right types.",
			"A claim twice, `exp` as text, an `aud` that is neither text nor list, a `sub` with blanks around it, or nesting that is too deep.",
			"`cause` in the audit log says which claim; mend what makes the claims.",
		},
		{
			oauth.ReasonTypeNotAccepted,
			"The header `typ` says that it was made for something else.",
			"An access token or an ID-JAG is presented as an assertion, or an assertion as an access token.",
			"Present the kind of token that `status.effective.types` of the provider lists, and in a token exchange say the type that it has.",
		},
	}}
}

func ofTrust() Group {
	return Group{Title: "Who signed the assertion", About: "Whether the issuer is trusted for this client, and whether the signature is its. " +
		"Callers cannot tell the first half of these apart, nor the second.", Entries: []Entry{
		{
			oauth.ReasonIssuerMissing,
			"It has no `iss`.",
			"It was made by hand, or is not a token of an identity provider.",
			"Sign with the issuer that the IdentityProvider names.",
		},
		{
			oauth.ReasonSelfIssued,
			"It was issued by this server itself.",
			"An access token of Grantor is presented as an assertion.",
			"Present what the identity provider signed; Grantor's own tokens are [not exchanged](../adr/0019-own-tokens-are-not-exchanged.md).",
		},
		{
			oauth.ReasonProviderUnknown,
			"No identity provider that counts for this client has this issuer.",
			"`spec.issuer` differs by a slash, a port or http for https; the provider has no key, since its Secret is missing; or it is in another namespace and one half of the handshake is missing.",
			"Make `spec.issuer` equal to `iss` (`untrusted_issuer` in the audit log), byte for byte, and see that the provider is Ready. In another namespace, the client must name it in `identityProviders`, and its `allowedClientNamespaces` the client's.",
		},
		{
			oauth.ReasonProviderNotAllowed,
			"The provider does not vouch for this client.",
			"The client's `identityProviders` lists others, or the provider's `allowedClientNamespaces` leaves its namespace out.",
			"Name the provider in the client, and for another namespace allow that in the provider.",
		},
		{
			oauth.ReasonProviderDisabled,
			"The identity provider is switched off.",
			"`spec.grantEnabled` of the IdentityProvider is false.",
			"Set it to true, when it is to be trusted again.",
		},
		{
			oauth.ReasonAlgorithmNotAllowed,
			"No key of the provider may be used with this `alg`.",
			"HS256 or `none`, a certificate of another type than what signs, or an `alg` that `spec.algorithms` leaves out.",
			"Sign with an algorithm of `status.trust.keys[].algorithms`.",
		},
		{
			oauth.ReasonNoMatchingKey,
			"No key of the provider has this `kid`.",
			"The issuer has a new key that the provider does not know yet, or the assertion is of another environment.",
			"Compare with `status.trust.keys[].keyID`. Add the new key; keys behind a URL are fetched anew by themselves.",
		},
		{
			oauth.ReasonCertificateValidity,
			"The certificate of the key has expired, or is not valid yet.",
			"The partner's certificate ran out and nobody replaced it.",
			"Put the partner's new certificate into the Secret. `certificateExpiry: Ignore` accepts the old one, knowingly.",
		},
		{
			oauth.ReasonSignatureInvalid,
			"The signature is of none of the provider's keys.",
			"The certificate in the Secret is not that of the key that signs, or the assertion was changed on its way.",
			"Compare the thumbprints in `status.trust.keys` with what the partner says; put the right certificate into the Secret.",
		},
	}}
}

//nolint:funlen // One flat table.
func ofClaims() Group {
	return Group{Title: "The claims of an assertion", About: "The signature is right, and what it is over is not acceptable. " +
		"Callers cannot tell these apart.", Entries: []Entry{
		{
			oauth.ReasonSubjectMissing,
			"It has no `sub`, or the provider's `subject.expression` makes an empty one.",
			"The issuer leaves `sub` out for tokens of machines.",
			"Have the issuer write it, or form it with `subject.expression`.",
		},
		{
			oauth.ReasonSubjectForm,
			"`sub` is not of the form that the profile demands.",
			"A token of a user where the profile is Kubernetes or SPIFFE.",
			"Present a ServiceAccount token or a JWT-SVID, or choose the profile Generic.",
		},
		{
			oauth.ReasonClientIDClaim,
			"The claim `client_id` names another client than the one that presents it.",
			"An ID-JAG for one client is presented by another, or the client has another id here than at the identity provider.",
			"Set `spec.clientID` to what the identity provider writes.",
		},
		{
			oauth.ReasonAudienceMissing,
			"It has no `aud`.",
			"The issuer was not told for whom the token is.",
			"Ask the issuer for a token whose audience is one of `audienceAliases`.",
		},
		{
			oauth.ReasonAudienceMismatch,
			"Its `aud` does not name this server.",
			"The token was made for another API; or the URL differs by a slash; or, with `audiencePolicy: Sole`, there is a second audience. In a client assertion it must be the issuer of this server alone.",
			"Ask the issuer for the right audience, or add the one that it writes to `audienceAliases`, if it can mean nobody else.",
		},
		{
			oauth.ReasonExpiryMissing,
			"It has no `exp`.",
			"It was made by hand, or is no token of an identity provider.",
			"Sign with `exp`, some minutes ahead.",
		},
		{
			oauth.ReasonExpired,
			"Its `exp` has passed, or passes before an access token could begin.",
			"It was kept too long before it was presented, or a clock is wrong.",
			"Get a new assertion for each exchange; compare clocks with `date -u`. `clockSkew` allows for up to 5 minutes.",
		},
		{
			oauth.ReasonNotYetValid,
			"Its `nbf` is in the future.",
			"The clock of the issuer is ahead, or it was made for later.",
			"Mend the clock, or raise `clockSkew`.",
		},
		{
			oauth.ReasonIssuedInFuture,
			"Its `iat` is in the future.",
			"The clock of the issuer is ahead, or the one here is behind; or `iat` is in milliseconds.",
			"Mend the clock, or raise `clockSkew`. Times are seconds since 1970.",
		},
		{
			oauth.ReasonTimesContradict,
			"It begins, or was issued, after its own end.",
			"A mistake in what makes the claims.",
			"Set `exp` after `iat` and `nbf`.",
		},
		{
			oauth.ReasonIssuedAtMissing,
			"It has no `iat`, and the provider needs one.",
			"`maxAge` is set, or it is an ID-JAG.",
			"Have the issuer write `iat`, or take `maxAge` away.",
		},
		{
			oauth.ReasonTooOld,
			"It was issued longer ago than `maxAge`.",
			"It was kept for later, though it has not expired.",
			"Get a new assertion, or raise `maxAge`.",
		},
		{
			oauth.ReasonLifetimeTooLong,
			"It lives longer than `maxLifetime`.",
			"The issuer makes tokens for days; what is stolen then works for days.",
			"Have the issuer shorten them, or raise `maxLifetime`.",
		},
		{
			oauth.ReasonBoundToKey,
			"It has `cnf`: it is for who holds a key, and no proof of that is taken here.",
			"The issuer binds its tokens to a TLS certificate or by DPoP.",
			"Ask the issuer for a token that is not bound.",
		},
		{
			oauth.ReasonDetailsNotSupported,
			"It has `authorization_details` (RFC 9396), which are not understood.",
			"The identity provider restricts what is granted in a way that cannot be kept to.",
			"Have it say so with `scope` and `resource`.",
		},
		{
			oauth.ReasonTenantNotJudged,
			"It has `tenant` or `aud_tenant`, and the identity provider's object does not say what to make of it.",
			"The issuer is shared by several tenants, whose users may have the same `sub`; or it was made for one tenant of this server.",
			"Have `claimValidationRules` hold the claim to the tenant that is meant; where all tenants are, read `claims.tenant` in `subject.expression`.",
		},
		{
			oauth.ReasonClaimRule,
			"A rule of the provider does not hold.",
			"The claims are those of somebody who is not meant, or a rule is narrower than intended.",
			"`cause` in the audit log is the message of the rule; compare it with the claims, and mend one of the two.",
		},
		{
			oauth.ReasonClaimRuleFailed,
			"A rule, mapping or subject expression of the provider could not be evaluated.",
			"It reads a claim that is not there, or one of another type; or it takes more work than is allowed.",
			"`cause` in the audit log says which. Ask `has(claims.x)` before `claims.x`.",
		},
		{
			oauth.ReasonJWTIDMissing,
			"It has no `jti`, and may be used only once.",
			"`replay` is OneTime, by itself or by the profile, and the issuer writes no `jti`.",
			"Have the issuer write one, or choose `replay: OneTimeIfPresent` or `Reuse`.",
		},
	}}
}

func ofUses() Group {
	return Group{Title: "How often an assertion was used", About: "Looked at last, when nothing else can refuse it.", Entries: []Entry{
		{
			oauth.ReasonReplayed,
			"It has been used before.",
			"The caller keeps one assertion for several requests or tries again with the same one; or somebody has copied it.",
			"Get a new one for each exchange. Where it must work several times, `replay: Reuse`, at the price that a stolen one works too.",
		},
		{
			oauth.ReasonIssuedBeforeStart,
			"It is older than what the server remembers, so it may have been used before.",
			"The token server was restarted, without Valkey; or what Valkey held was lost.",
			"Get a new one. With [Valkey](../operations.md#state-that-replicas-share) a restart forgets nothing.",
		},
	}}
}
