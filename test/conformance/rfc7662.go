package conformance

// revocationRows: RFC 7009, ending a token.
func revocationRows() []Row {
	return []Row{
		{RFC: "7009", Section: "2", Name: "refresh-tokens", Says: "refresh tokens are revocable", Check: revokedRefreshTokenIsOver, Tests: in("tokenserver TestRevokeRefreshToken/", "O-02_the_last", "O-02_one_that_was_used")},
		{RFC: "7009", Section: "2", Name: "access-tokens", Says: "access tokens should be revocable", Check: revokedIsInactive, Tests: hostile("O-03_rev-at")},
		{RFC: "7009", Section: "2", Name: "TLS", Says: "the endpoint needs TLS", Check: endpointsAreHTTPS},
		{RFC: "7009", Section: "2.1", Name: "POST", Says: "token is sent in a form, with POST", Check: revocationForm, Tests: hostile("O-x02_rev-method")},
		{RFC: "7009", Section: "2.1", Name: "hint", Says: "a wrong token_type_hint does not keep a token from being found", Check: revocationHint, Tests: hostile("O-08_rev-hint-wrong")},
		{RFC: "7009", Section: "2.1", Name: "authenticated", Says: "a client with credentials is authenticated first", Check: revocationIsAuthenticated, Tests: hostile("O-01_rev-noauth", "O-01_rev-methods")},
		{RFC: "7009", Section: "2.1", Name: "own-tokens", Says: "a token that was issued to another client is refused and stays", Check: revocationOfOthers, Tests: hostile("O-05_rev-other-client")},
		{RFC: "7009", Section: "2.1", Name: "ended", Says: "the token is ended at once", Check: revokedIsInactive, Tests: in("tokenserver ", "TestRevokeAccessToken", "TestRevocationRemembers")},
		{RFC: "7009", Section: "2.1", Name: "family", Says: "with a refresh token, the access tokens that came from it should end", Check: revokedRefreshTokenIsOver},
		{RFC: "7009", Section: "2.2", Name: "200", Says: "the answer is 200, also when the token is unknown or ended already", Check: revocationIsIdempotent, Tests: hostile("O-04_rev-unknown", "O-04_rev-naughty")},
		{RFC: "7009", Section: "2.2.1", Name: "errors", Says: "errors are those of RFC 6749; 503 means that the token still counts", Check: revocationForm, Tests: in("tokenserver TestRevocationStateFails/", "O-06_down", "O-06_slow")},
		{RFC: "7009", Section: "2.2.1", Name: "unsupported_token_type", Says: "a kind of token that cannot be revoked is unsupported_token_type", Not: "what a token is can be seen in it, and what is none that the server can end is unknown to it"},
		{RFC: "7009", Section: "2.3", Name: "cross-origin", Says: "JSONP and CORS, where they are supported", Not: "neither is: a browser has no client credentials"},
	}
}

// introspectionRows: RFC 7662, asking about a token.
func introspectionRows() []Row {
	return []Row{
		{RFC: "7662", Section: "2", Name: "TLS", Says: "the endpoint needs TLS", Check: endpointsAreHTTPS},
		{RFC: "7662", Section: "2.1", Name: "POST", Says: "token is sent in a form, with POST", Check: introspectionForm, Tests: hostile("N-09_int-get", "N-04_int-no-token")},
		{RFC: "7662", Section: "2.1", Name: "authorized", Says: "who asks is authorized, so that nobody can scan for tokens", Check: introspectionIsAuthorized, Tests: hostile("N-01_int-noauth", "N-01_int-methods")},
		{RFC: "7662", Section: "2.1", Name: "hint", Says: "a wrong token_type_hint does not keep a token from being found", Check: introspectionHint, Tests: in("tokenserver ", "TestIntrospectionHint")},
		{RFC: "7662", Section: "2.2", Name: "active", Says: "active is there, a boolean, with what is known of the token, in JSON", Check: activeToken, Tests: hostile("N-02_int-active", "W-62_claims-come-back")},
		{RFC: "7662", Section: "2.2", Name: "inactive", Says: "a token that is unknown, or not for who asks, is not active, and no error", Check: inactiveToken, Tests: hostile("N-04_int-unknown-token", "N-x02_int-token-of-others")},
		{RFC: "7662", Section: "2.2", Name: "no-reason", Says: "of an inactive token nothing else should be said", Check: inactiveToken, Tests: hostile("N-04_int-naughty-token")},
		{RFC: "7662", Section: "2.3", Name: "errors", Says: "errors are those of RFC 6749", Check: introspectionForm, Tests: in("tokenserver TestIntrospectionRefused/", "N-01_wrong_secret", "N-04_no_token")},
		{RFC: "7662", Section: "4", Name: "all-checks", Says: "expiry, revocation and signature are all checked", Check: revokedIsInactive, Tests: hostile("N-04_token-expired", "N-03_int-tampered", "N-08_client-comes-and-goes")},
		{RFC: "7662", Section: "4", Name: "cache", Says: "the answer is not kept", Check: activeToken, Tests: hostile("N-11_int-cache-scope")},
		{RFC: "7662", Section: "4", Name: "no-credential", Says: "a token is no credential for the endpoint", Tests: hostile("N-x03_int-token-is-no-credential")},
		{RFC: "7662", Section: "5", Name: "privacy", Says: "who asks learns no more about a token than concerns it", Check: inactiveToken, Tests: hostile("N-x02_int-token-of-others")},
	}
}

// exchangeRows: RFC 8693, exchanging a token.
func exchangeRows() []Row {
	return []Row{
		{RFC: "8693", Section: "2.1", Name: "required", Says: "subject_token and subject_token_type are there", Check: subjectTokenIsRequired, Tests: hostile("T-x12_exchange-parameters")},
		{RFC: "8693", Section: "2.1", Name: "actor", Says: "actor_token and actor_token_type come together or not at all", Check: actorTokenIsWhole, Tests: in("tokenserver TestTokenExchange/", "actor_token_alone", "actor_token_type_alone")},
		{RFC: "8693", Section: "2.1", Name: "validated", Says: "a token is validated as its type demands", Check: subjectTokenIsValidated, Tests: hostile("T-x17_exchange-jwt-confusion", "T-x18_exchange-access-token-confusion", "T-x19_exchange-id-token-confusion")},
		{RFC: "8693", Section: "2.1", Name: "requested-type", Says: "a type that is requested is issued, or the request refused", Check: requestedType, Tests: hostile("T-x13_exchange-token-types")},
		{RFC: "8693", Section: "2.1", Name: "target", Says: "resource and audience say whom the token is for, and may be repeated", Check: exchangeTarget, Tests: hostile("T-x15_exchange-target")},
		{RFC: "8693", Section: "2.1", Name: "client", Says: "the client is authenticated as the server decides", Check: exchangeIsAuthenticated, Tests: hostile("T-x16_exchange-without-the-grant")},
		{RFC: "8693", Section: "2.2.1", Name: "answer", Says: "access_token, issued_token_type and token_type are there, and nothing is stored", Check: exchangeAnswer, Tests: hostile("T-x10_exchange")},
		{RFC: "8693", Section: "2.2.2", Name: "invalid_request", Says: "a token that is not valid or not acceptable is invalid_request", Check: subjectTokenIsValidated, Tests: hostile("T-x24_exchange-bad-subject-token", "T-x25_exchange-bad-actor-token")},
		{RFC: "8693", Section: "2.2.2", Name: "invalid_target", Says: "a target that the server will not issue for is invalid_target", Check: exchangeTarget},
		{RFC: "8693", Section: "4.1", Name: "act", Says: "act is an object that says who acts", Check: actClaim, Tests: hostile("T-x11_exchange-for-an-actor", "T-x20_exchange-actor-confusion")},
		{RFC: "8693", Section: "4.3", Name: "client_id", Says: "client_id names the client of the token", Check: exchangeAnswer},
		{RFC: "8693", Section: "4.4", Name: "may_act", Says: "may_act says who may act for the subject", Check: mayAct, Tests: hostile("T-x21_exchange-may-act")},
		{RFC: "8693", Section: "5", Name: "not-for-all", Says: "not everybody may exchange every token", Tests: hostile("T-x16_exchange-without-the-grant", "T-x22_exchange-own-tokens", "T-x23_exchange-replay")},
	}
}
