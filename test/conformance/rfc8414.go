package conformance

// metadataRows: RFC 8414, what the server says about itself.
func metadataRows() []Row {
	return []Row{
		{RFC: "8414", Section: "2", Name: "issuer", Says: "the issuer is an https URL without query and fragment", Check: issuerIsURL, Tests: in("tokenserver TestCheckIssuer/", "http://auth.example.com", "https://auth.example.com?a=b", "https://auth.example.com#x")},
		{RFC: "8414", Section: "2", Name: "endpoints", Says: "token_endpoint and jwks_uri are there, and work", Check: documentsWork, Tests: hostile("P-01_jwks-public-only")},
		{RFC: "8414", Section: "2", Name: "response-types", Says: "response_types_supported is there", Check: responseTypes},
		{RFC: "8414", Section: "2", Name: "grant-types", Says: "grant_types_supported is there where it is not the default", Check: grantTypes, Tests: hostile("W-05_grant-switched-off")},
		{RFC: "8414", Section: "2", Name: "methods", Says: "the methods of client authentication are listed where they are not the default", Check: methodsAreListed, Tests: hostile("P-04_metadata-method")},
		{RFC: "8414", Section: "2", Name: "algorithms", Says: "with private_key_jwt, its algorithms are listed, and none is not among them", Check: algorithmsAreListed},
		{RFC: "8414", Section: "2", Name: "signed-metadata", Says: "what signed metadata has to be", Not: "the metadata is not signed: it comes over TLS from the issuer itself"},
		{RFC: "8414", Section: "3", Name: "well-known", Says: "the document is at /.well-known/oauth-authorization-server, before the path of the issuer", Check: metadataIssuer, Tests: hostile("P-03_issuer-with-a-path")},
		{RFC: "8414", Section: "3.1", Name: "GET", Says: "the document is read with GET", Check: metadataIssuer, Tests: hostile("P-x02_documents-by-head")},
		{RFC: "8414", Section: "3.2", Name: "JSON", Says: "the answer is 200 with JSON", Check: metadataIsJSON, Tests: in("tokenserver TestHeaders/", "metadata")},
		{
			RFC: "8414", Section: "3.2", Name: "no-empty-lists", Says: "lists without elements are left out",
			Check: responseTypes, Tests: in("tokenserver TestDocuments/", "W-05-metadata-grant-is-off"),
			But: "response_types_supported is required too, and left out, grant_types_supported would mean grants that are not there: both are empty lists",
		},
		{RFC: "8414", Section: "3.3", Name: "same-issuer", Says: "issuer is the one that the document was found by", Check: metadataIssuer, Tests: both(hostile("P-03_metadata-issuer"), in("test/interop TestNode/", "oauth4webapi,_exchange,_client_secret_basic"))},
		{RFC: "8414", Section: "6.1", Name: "TLS", Says: "the document comes over TLS", Tests: both(in("tokenserver TestCheckIssuer/", "http://auth.example.com"), hostile("R-x06_tls-protocols"))},
		{RFC: "8414", Section: "6.2", Name: "impersonation", Says: "nothing that a caller sends gets into the document", Tests: hostile("P-x01_documents-ignore-the-request")},
	}
}

// resourceRows: RFC 8707, whom an access token is for.
func resourceRows() []Row {
	return []Row{
		{RFC: "8707", Section: "2", Name: "absolute", Says: "a resource is an absolute URI without fragment", Check: resourceIsAbsolute, Tests: hostile("J-x03_resource-unknown")},
		{RFC: "8707", Section: "2", Name: "several", Says: "resource may be repeated", Check: severalResources, Tests: hostile("J-x07_resources")},
		{RFC: "8707", Section: "2", Name: "invalid_target", Says: "a resource that is unknown, malformed, or not for the client is invalid_target", Check: resourceIsAbsolute, Tests: hostile("J-x03_resource-unknown", "J-x04_resource-of-client-without")},
		{RFC: "8707", Section: "2", Name: "audience", Says: "the access token is for the resources that were asked for, and for no other", Check: resourceIsAudience, Tests: hostile("J-x05_resource", "J-x06_resource-default")},
		{RFC: "8707", Section: "2.1", Name: "authorization-request", Says: "resource in the authorization request", Not: "there is no authorization endpoint"},
		{RFC: "8707", Section: "2.2", Name: "refresh", Says: "with a refresh token, resource asks for nothing that was not granted", Check: refreshedResource, Tests: in("tokenserver TestRefusalDoesNotUseTheRefreshToken/", "M-06_another_resource")},
	}
}

// accessTokenRows: RFC 9068, access tokens that are JWTs.
func accessTokenRows() []Row {
	verified := both(in("test/interop TestOAuth2/", "exchange,_client_secret_basic"), in("test/interop TestNode/", "jose,_verify", "oauth4webapi,_exchange,_client_secret_basic"))
	return []Row{
		{RFC: "9068", Section: "2", Name: "signed", Says: "access tokens are signed, and not with none", Check: tokenIsSigned, Tests: verified},
		{RFC: "9068", Section: "2", Name: "RS256", Says: "RS256 is supported", Tests: both(in("tokenserver TestAlgorithmsOfRing/", "RS256"), in("tokenserver/jose ", "TestSign"))},
		{RFC: "9068", Section: "2.1", Name: "typ", Says: "the header says that it is an access token", Check: tokenType, Tests: in("test/interop TestNode/", "jose,_refused:_as_an_ID_token")},
		{RFC: "9068", Section: "2.2", Name: "claims", Says: "iss, exp, aud, sub, client_id, iat and jti are there", Check: tokenClaims, Tests: hostile("J-08_access-token-claims")},
		{RFC: "9068", Section: "2.2", Name: "jti", Says: "jti is another one each time", Check: tokenIDs, Tests: in("tokenserver/accesstoken ", "TestIDsAreUnique")},
		{RFC: "9068", Section: "2.2.1", Name: "authentication", Says: "auth_time, acr and amr, where they are there, say how somebody authenticated", Not: "who authenticates people is the identity provider; what it says can be mapped, and nothing is made up", Tests: hostile("W-60_custom-claims-stay-out")},
		{RFC: "9068", Section: "2.2.3", Name: "scope", Says: "where scope was asked for, the token should say which it has", Check: defaultScope, Tests: hostile("J-02_scope-reduced")},
		{RFC: "9068", Section: "3", Name: "aud-of-resource", Says: "aud is the resource that was asked for, or else a default", Check: resourceIsAudience, Tests: hostile("J-x05_resource", "J-x06_resource-default")},
		{RFC: "9068", Section: "4", Name: "keys", Says: "the keys are published, with the issuer, in the metadata", Check: documentsWork, Tests: verified},
		{RFC: "9068", Section: "4", Name: "verifiers", Says: "what a resource server checks", Tests: in("test/interop TestNode/", "jose,_refused:_another_API", "jose,_refused:_another_issuer", "jose,_refused:_altered")},
		{RFC: "9068", Section: "5", Name: "no-mix-up", Says: "an access token is taken for nothing else", Check: tokenIsNoAssertion, Tests: hostile("C-19_typ-at+jwt", "W-42_own-token")},
		{RFC: "9068", Section: "5", Name: "sub-of-clients", Says: "no assertion gets the client that presents it a token with its own id as sub: that tells its own tokens", Check: ownNameSubject, Tests: in("tokenserver ", "TestSubjectIsNotTheClient", "TestClientCredentialsOfReservedID")},
		{RFC: "9068", Section: "6", Name: "privacy", Says: "a token says no more about people than is needed", Tests: hostile("W-61_no-mapping-copies-nothing", "W-60_custom-claims-stay-out")},
	}
}

// bestPracticeRows: RFC 8725, JWT best current practices.
func bestPracticeRows() []Row {
	return []Row{
		{RFC: "8725", Section: "3.1", Name: "algorithm", Says: "only algorithms that the verifier wants are used, each with its own kind of key", Tests: hostile("D-16_alg-not-allowed", "D-17_alg-key-type-mismatch", "D-05_hs256-pem")},
		{RFC: "8725", Section: "3.2", Name: "appropriate", Says: "algorithms are strong, and none is not among them; ECDSA is deterministic (RFC 6979)", Tests: both(hostile("D-04_alg-none", "D-23_weak-rsa", "D-25_p224-or-brainpool"), in("tokenserver/jose ", "TestSignECDSAIsDeterministic"))},
		{RFC: "8725", Section: "3.3", Name: "all-operations", Says: "every signature is verified, of nested JWTs too; one that fails refuses the whole", Tests: hostile("D-01_broken-sig", "C-21_cty-nested", "C-23_jwe-nested-signed")},
		{RFC: "8725", Section: "3.4", Name: "inputs", Says: "points and lengths are checked before they are used", Tests: both(hostile("D-19_es256-psychic", "D-x01_ecdsa-lengths"), in("tokenserver/jose ", "TestParseJWKRefuses", "TestNewPublicKeyRefuses"))},
		{RFC: "8725", Section: "3.5", Name: "entropy", Says: "passwords are no keys", Tests: hostile("D-06_hs256-blank", "D-07_hs256-client-secret")},
		{RFC: "8725", Section: "3.6", Name: "compression", Says: "nothing is decompressed", Tests: hostile("C-24_jwe-zip-bomb")},
		{RFC: "8725", Section: "3.7", Name: "UTF-8", Says: "JSON is UTF-8", Tests: hostile("I-03_payload-bom", "I-x03_no-json-of-rfc-8259")},
		{RFC: "8725", Section: "3.8", Name: "issuer", Says: "the key belongs to the issuer, and the subject to the issuer", Tests: hostile("E-02_iss-unknown", "D-26_trust-any-fallthrough", "H-x02_sub-cannot-be-another-providers")},
		{RFC: "8725", Section: "3.9", Name: "audience", Says: "the audience is checked, and an access token says its own", Check: audienceIsRequired, Tests: hostile("F-02_aud-wrong", "F-14_aud-cross-deployment")},
		{RFC: "8725", Section: "3.10", Name: "distrust", Says: "kid, jku, jwk and x5u of a header are not believed", Tests: hostile("C-18_kid-injection", "D-08_embedded-jwk", "D-11_jku-x5u", "D-09_x5c-attacker")},
		{RFC: "8725", Section: "3.11", Name: "typing", Says: "explicit types tell kinds of JWTs apart", Check: tokenType, Tests: hostile("C-19_typ-at+jwt", "C-20_typ-unknown")},
		{RFC: "8725", Section: "3.12", Name: "exclusive", Says: "a JWT of one kind is refused where another kind is wanted", Check: tokenIsNoAssertion, Tests: in("tokenserver TestAuthenticationMethodsRefused/", "S-10_assertion_of_a_provider", "S-10_client_assertion_as_a_grant")},
	}
}
