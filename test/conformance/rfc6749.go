package conformance

// hostile names rows of test/hostile.
func hostile(names ...string) []string { return in("test/hostile TestHostile/", names...) }

// in puts the folder and the test before names of subtests.
func in(test string, names ...string) []string {
	var all []string
	for _, n := range names {
		all = append(all, test+n)
	}
	return all
}

// both joins lists of tests.
func both(lists ...[]string) []string {
	var all []string
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// clientRows: RFC 6749 §2.2 and §2.3, client authentication.
func clientRows() []Row {
	return []Row{
		{RFC: "6749", Section: "2.2", Name: "id-is-no-proof", Says: "a client id alone authenticates no client that has credentials", Check: idIsNoProof, Tests: hostile("B-01_no-client-auth", "W-10_public-by-choice-alone")},
		{RFC: "6749", Section: "2.3", Name: "one-method", Says: "a client uses one method of authentication in a request", Check: oneMethod, Tests: hostile("B-07_two-auth-methods")},
		{RFC: "6749", Section: "2.3.1", Name: "basic", Says: "a client with a secret can use HTTP Basic", Check: basicWorks},
		{RFC: "6749", Section: "2.3.1", Name: "basic-is-form-encoded", Says: "both parts of Basic are form-encoded first", Check: basicWorks, Tests: hostile("B-09_basic-urlencoding")},
		{RFC: "6749", Section: "2.3.1", Name: "body-not-URI", Says: "credentials outside Basic stand in the body, never in the URI", Check: notInTheURI, Tests: hostile("W-24_credentials-in-query")},
		{RFC: "6749", Section: "2.3.1", Name: "TLS", Says: "requests with a password need TLS", Tests: both(in("tokenserver TestCheckIssuer/", "http://auth.example.com", "http://localhost"), hostile("R-x06_tls-protocols"))},
		{RFC: "6749", Section: "2.3.1", Name: "brute-force", Says: "the endpoint is protected against guessing of passwords", Tests: hostile("B-17_bruteforce")},
		{RFC: "6749", Section: "2.3.2", Name: "other-methods", Says: "another method is mapped to the registered client", Tests: in("tokenserver/clientauth TestAuthenticateByAssertion/", "S-01_own_key", "B-08_client_id_of_another_key")},
	}
}

// endpointRows: RFC 6749 §3, the token endpoint.
func endpointRows() []Row {
	return []Row{
		{RFC: "6749", Section: "3.1", Name: "authorization-endpoint", Says: "what the authorization endpoint has to do", Not: "there is no authorization endpoint: no grant here needs a user agent"},
		{RFC: "6749", Section: "3.2", Name: "no-fragment", Says: "the URI of the endpoint has no fragment", Check: noFragment, Tests: in("tokenserver TestCheckIssuer/", "https://auth.example.com#x")},
		{RFC: "6749", Section: "3.2", Name: "TLS", Says: "the endpoint needs TLS", Tests: both(in("tokenserver TestCheckIssuer/", "http://auth.example.com"), hostile("R-x06_tls-protocols"))},
		{RFC: "6749", Section: "3.2", Name: "POST", Says: "requests are made with POST", Check: postOnly, Tests: hostile("A-01_get", "A-20_wrong-method-set")},
		{RFC: "6749", Section: "3.2", Name: "empty-is-omitted", Says: "a parameter without value counts as omitted", Check: emptyIsOmitted},
		{RFC: "6749", Section: "3.2", Name: "unknown-is-ignored", Says: "parameters that are not known are ignored", Check: unknownIsIgnored, Tests: hostile("A-17_unknown-param-ignored")},
		{RFC: "6749", Section: "3.2", Name: "once", Says: "no parameter is sent more than once", Check: onlyOnce, Tests: hostile("A-13_dup-grant-type", "A-x01_dup-every-parameter")},
		{RFC: "6749", Section: "3.2.1", Name: "authenticated", Says: "clients with credentials authenticate at the endpoint", Check: idIsNoProof, Tests: hostile("B-02_wrong-secret", "B-03_unknown-client")},
		{RFC: "6749", Section: "3.3", Name: "case", Says: "scopes are compared with their case", Check: scopeCase},
		{RFC: "6749", Section: "3.3", Name: "other-scope-is-said", Says: "the answer says the scope when it is not the one that was asked for", Check: otherScopeIsSaid, Tests: hostile("J-02_scope-reduced")},
		{RFC: "6749", Section: "3.3", Name: "default-scope", Says: "without scope, a default is used or the request fails", Check: defaultScope, Tests: hostile("W-26_scope-optional", "J-x01_scope-of-client-without")},
	}
}

// ownNameRows: RFC 6749 §4.4 and §4.5.
func ownNameRows() []Row {
	return []Row{
		{RFC: "6749", Section: "4.1-4.3", Name: "user-grants", Says: "authorization code, implicit, and password grants", Not: "Grantor has none of these: whoever authenticates users is the identity provider", Tests: hostile("B-x08_other-grants")},
		{RFC: "6749", Section: "4.4", Name: "confidential", Says: "only clients with credentials use the client credentials grant", Check: ownNameIsConfidential, Tests: in("tokenserver TestClientCredentials/", "public_client")},
		{RFC: "6749", Section: "4.4.2", Name: "authenticated", Says: "the client is authenticated", Check: ownNameIsAuthenticated, Tests: hostile("T-x02_own-name-of-clients-without-the-grant")},
		{RFC: "6749", Section: "4.4.3", Name: "no-refresh-token", Says: "the answer should have no refresh token", Check: ownNameHasNoRefreshToken},
		{RFC: "6749", Section: "4.5", Name: "extension", Says: "a grant of another RFC is named by an absolute URI", Check: extensionGrant, Tests: hostile("A-09_grant-type-case")},
	}
}

// answerRows: RFC 6749 §5.1, what a granted token comes with.
func answerRows() []Row {
	return []Row{
		{RFC: "6749", Section: "5.1", Name: "status", Says: "the answer is 200 with JSON", Check: answerIsJSON, Tests: hostile("J-06_success-headers")},
		{RFC: "6749", Section: "5.1", Name: "members", Says: "access_token and token_type are strings, expires_in is a number", Check: answerMembers, Tests: hostile("W-71_answer")},
		{RFC: "6749", Section: "5.1", Name: "no-store", Says: "the answer is not stored: Cache-Control and Pragma", Check: answerIsNotStored, Tests: hostile("W-76_no-store")},
		{RFC: "6749", Section: "5.1", Name: "scope", Says: "scope is there unless it is what was asked for", Check: otherScopeIsSaid},
	}
}

// errorRows: RFC 6749 §5.2, what a refusal comes with.
func errorRows() []Row {
	return []Row{
		{RFC: "6749", Section: "5.2", Name: "status", Says: "the answer is 400 unless something else is said", Check: errorsAreWhole, Tests: in("tokenserver/oauth ", "TestStatus")},
		{RFC: "6749", Section: "5.2", Name: "code", Says: "error is one of the listed codes", Check: errorsAreWhole, Tests: hostile("J-07_error-body-shape")},
		{RFC: "6749", Section: "5.2", Name: "characters", Says: "error_description has printable ASCII without quote and backslash", Check: errorsAreWhole, Tests: in("tokenserver/oauth ", "TestReasons")},
		{RFC: "6749", Section: "5.2", Name: "JSON", Says: "the answer is JSON, and not stored", Check: errorsAreWhole},
		{RFC: "6749", Section: "5.2", Name: "invalid_request", Says: "a missing or repeated parameter is invalid_request", Check: invalidRequest, Tests: hostile("W-21_parameters-required", "A-15_bad-percent")},
		{RFC: "6749", Section: "5.2", Name: "invalid_client", Says: "failed client authentication is invalid_client", Check: invalidClient, Tests: hostile("W-82_bad-client")},
		{RFC: "6749", Section: "5.2", Name: "challenge", Says: "to a client that used Authorization: 401, and WWW-Authenticate for its scheme", Check: challenge},
		{RFC: "6749", Section: "5.2", Name: "invalid_grant", Says: "a grant that is wrong, expired or of another client is invalid_grant", Check: invalidGrant, Tests: hostile("G-03_exp-past", "D-01_broken-sig", "H-08_jti-replay")},
		{RFC: "6749", Section: "5.2", Name: "unauthorized_client", Says: "a grant that the client may not use is unauthorized_client", Check: unauthorizedClient, Tests: hostile("B-11_grant-not-allowed", "W-83_client-without-grant")},
		{RFC: "6749", Section: "5.2", Name: "unsupported_grant_type", Says: "a grant that the server does not have is unsupported_grant_type", Check: unsupportedGrantType, Tests: hostile("A-08_unknown-grant-type", "W-81_unknown-grant")},
		{RFC: "6749", Section: "5.2", Name: "invalid_scope", Says: "a scope that is unknown, malformed or too much is invalid_scope", Check: invalidScope, Tests: hostile("J-01_scope-unknown", "J-05_scope-chars")},
	}
}
