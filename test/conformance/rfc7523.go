package conformance

// assertionRows: RFC 7521, assertions of whatever format.
func assertionRows() []Row {
	return []Row{
		{RFC: "7521", Section: "4.1", Name: "required", Says: "grant_type is an absolute URI, and assertion is there", Check: assertionIsRequired, Tests: hostile("W-21_parameters-required")},
		{RFC: "7521", Section: "4.1", Name: "scope", Says: "scope asks for no more than the client may have", Check: invalidScope, Tests: hostile("W-74_scopes-intersect")},
		{RFC: "7521", Section: "4.1.1", Name: "invalid_grant", Says: "an assertion that is not valid, or has expired, is invalid_grant", Check: invalidGrant},
		{RFC: "7521", Section: "4.2", Name: "required", Says: "client_assertion_type is an absolute URI, and client_assertion is there", Check: clientAssertionIsWhole, Tests: in("tokenserver TestAuthenticationMethodsRefused/", "S-08_type_missing", "S-08_unknown_type")},
		{RFC: "7521", Section: "4.2", Name: "one-method", Says: "a client assertion comes with no other method of authentication", Check: oneMethod, Tests: in("tokenserver TestAuthenticationMethodsRefused/", "B-07_assertion_and_Basic", "B-07_assertion_and_secret")},
		{RFC: "7521", Section: "4.2", Name: "client_id", Says: "client_id, where it is sent too, names the client of the assertion", Check: clientIDOfAssertion, Tests: in("tokenserver/clientauth TestAuthenticateByAssertion/", "B-08_client_id_of_another_key", "B-08_client_id_of_nobody")},
		{RFC: "7521", Section: "4.2.1", Name: "invalid_client", Says: "a client assertion that is not valid is invalid_client", Check: badClientAssertion, Tests: in("tokenserver TestAuthenticationMethodsRefused/", "S-09_garbage", "S-04_another's_signature")},
		{RFC: "7521", Section: "5.2", Name: "issuer", Says: "an assertion names its issuer", Check: issuerIsRequired},
		{RFC: "7521", Section: "5.2", Name: "subject", Says: "an assertion names its subject", Check: subjectIsRequired},
		{RFC: "7521", Section: "5.2", Name: "audience", Says: "an assertion names the server as audience; one that does not is refused", Check: audienceIsRequired, Tests: hostile("F-01_aud-missing", "F-02_aud-wrong")},
		{RFC: "7521", Section: "5.2", Name: "expiry", Says: "an assertion expires; one that has expired is refused", Check: expiryIsRequired, Tests: hostile("G-01_exp-missing", "G-03_exp-past")},
		{RFC: "7521", Section: "5.2", Name: "signature", Says: "an assertion is signed, and the signature is verified", Check: signatureIsRequired, Tests: hostile("D-01_broken-sig", "D-04_alg-none")},
		{RFC: "7521", Section: "6.1", Name: "principal", Says: "the subject of a client assertion is the client", Check: clientIsSubject},
		{RFC: "7521", Section: "8.1", Name: "forged", Says: "an assertion is accepted from issuers alone that are trusted", Tests: hostile("E-02_iss-unknown", "D-26_trust-any-fallthrough")},
		{RFC: "7521", Section: "8.2", Name: "stolen", Says: "an assertion that was stolen is worth little: one use, short life", Check: usedOnce, Tests: hostile("H-08_jti-replay", "W-56_lifetime-has-a-limit")},
		{RFC: "7521", Section: "8.3", Name: "unauthorized-disclosure", Says: "what an assertion says about people is told to nobody else", Tests: hostile("W-58_no-text-of-an-assertion-in-the-log", "Q-01_log-secrets")},
	}
}

// jwtBearerRows: RFC 7523, assertions that are JWTs.
func jwtBearerRows() []Row {
	return []Row{
		{RFC: "7523", Section: "2.1", Name: "single", Says: "assertion is one JWT", Check: singleJWT, Tests: hostile("W-22_single-assertion")},
		{RFC: "7523", Section: "2.2", Name: "single", Says: "client_assertion is one JWT", Check: singleClientJWT, Tests: in("tokenserver TestAuthenticationMethodsRefused/", "S-08_two_assertions")},
		{RFC: "7523", Section: "3(1)", Name: "iss", Says: "iss is there, and compared as text", Check: issuerIsRequired, Tests: hostile("E-01_iss-missing", "E-04_iss-normalization")},
		{RFC: "7523", Section: "3(2)", Name: "sub", Says: "sub is there; of a client assertion it is the client id", Check: clientIsSubject, Tests: both(hostile("H-01_sub-missing"), in("tokenserver TestAuthenticationMethodsRefused/", "S-04_sub_of_another"))},
		{RFC: "7523", Section: "3(3)", Name: "aud", Says: "aud is there and names the server; otherwise the JWT is refused", Check: audienceIsRequired, Tests: hostile("F-04_aud-types", "F-07_aud-normalization", "F-08_aud-prefix-substring")},
		{RFC: "7523", Section: "3(4)", Name: "exp", Says: "exp is there; a JWT is refused from then on, but for a small clock skew", Check: expiryIsRequired, Tests: hostile("G-04_exp-boundary-out", "G-05_exp-boundary-in")},
		{RFC: "7523", Section: "3(5)", Name: "nbf", Says: "a JWT is refused before its nbf", Check: notBefore, Tests: hostile("G-11_nbf-future", "G-12_nbf-8s")},
		{RFC: "7523", Section: "3(6)", Name: "iat", Says: "a JWT that was issued unreasonably long ago may be refused", Tests: hostile("G-15_iat-old", "G-14_iat-future")},
		{RFC: "7523", Section: "3(7)", Name: "jti", Says: "a jti that was used may be refused", Check: usedOnce, Tests: hostile("H-08_jti-replay", "H-09_jti-replay-other-client")},
		{RFC: "7523", Section: "3(8)", Name: "other-claims", Says: "a JWT may hold other claims", Check: otherClaims},
		{RFC: "7523", Section: "3(9)", Name: "signature", Says: "a JWT is signed; one with a wrong signature is refused", Check: signatureIsRequired, Tests: hostile("D-01_broken-sig", "D-03_null-sig", "D-05_hs256-pem")},
		{RFC: "7523", Section: "3(10)", Name: "JWT", Says: "what is no valid JWT of RFC 7519 is refused", Check: singleJWT, Tests: hostile("C-01_garbage", "C-13_b64-unused-bits", "I-02_payload-not-object", "I-x04_duplicate-names")},
		{RFC: "7523", Section: "3.1", Name: "invalid_grant", Says: "an assertion that is not valid is invalid_grant", Check: invalidGrant},
		{RFC: "7523", Section: "3.2", Name: "invalid_client", Says: "a client assertion that is not valid is invalid_client", Check: badClientAssertion},
		{RFC: "7523", Section: "5", Name: "RS256", Says: "RS256 is implemented", Tests: hostile("D-x02_every-key-type-works", "W-08_client-with-key-secret-and-grants")},
		{RFC: "7523", Section: "7", Name: "privacy", Says: "what an assertion says about people is handled with care", Tests: hostile("Q-01_log-secrets", "W-61_no-mapping-copies-nothing")},
	}
}

// jwtBearerBisRows: draft-ietf-oauth-rfc7523bis, which mends the audience of client assertions.
func jwtBearerBisRows() []Row {
	return []Row{
		{RFC: "7523bis", Section: "3", Name: "client-aud", Says: "the aud of a client assertion is the issuer of the server, and nothing else", Check: clientAudience, Tests: in("tokenserver TestAuthenticationMethodsRefused/", "S-02_audience_the_endpoint", "S-02_audience_issuer_and_endpoint", "S-02_workload,_alias")},
		{RFC: "7523bis", Section: "3", Name: "client-typ", Says: "a client assertion may say its type: client-authentication+jwt", Tests: in("tokenserver/assertion TestVerify/", "S-01_typ_client-authentication+jwt", "S-10_typ_authorization-grant+jwt")},
		{RFC: "7523bis", Section: "3", Name: "grant-typ", Says: "an assertion may say its type: authorization-grant+jwt", Tests: in("tokenserver/assertion TestVerify/", "C-20_typ_of_RFC_7523bis", "C-20_typ_client-authentication+jwt")},
	}
}
