package cel

import (
	"slices"
	"strings"
)

const (
	publicHalf    = "publish the public half only, and replace the key, for it has been exposed"
	privateParts  = "p, q, dp, dq, qi and oth are parts of the private half of the key: " + publicHalf
	objectName    = "must be the name of an object in this namespace: lower case letters, digits, '-' and '.'"
	authoritiesAt = "must be a key of a Secret or ConfigMap: letters, digits, '-', '_' and '.'"
	webURL        = "must be an https URL of visible ASCII characters, without user and fragment, for example https://idp.example.com/jwks"
)

// keySourceRows are about what both kinds take keys from.
func keySourceRows() []wrong {
	return slices.Concat(
		jwksRows(provider, "spec.jwks"),
		jwksRows(oauthClient, privateKeyJWT+".jwks"),
		referenceRows(provider, "spec.certificateSecretRef", secretName, secretKey),
		referenceRows(oauthClient, privateKeyJWT+".certificateSecretRef", secretName, secretKey),
		remoteRows(provider, "spec.jwksURI"),
		remoteRows(provider, "spec.discovery"),
		remoteRows(oauthClient, privateKeyJWT+".jwksURI"),
		[]wrong{
			{provider, "spec.jwksURI.url", unset{}, required, ""},
			{oauthClient, privateKeyJWT + ".jwksURI.url", unset{}, required, ""},
			{provider, "spec.discovery.url", unset{}, urlNeeded, ""},
			{provider, "spec.clusterIssuer", true, asObject, ""},
			{provider, "spec.clusterIssuer.url", "https://kubernetes.default.svc", unknown, "spec.clusterIssuer.url"},
		},
	)
}

// jwksRows are about inline keys. What the members of a JWK hold is judged when they are used: here it is bounded.
func jwksRows(kind, jwks string) []wrong {
	key := jwks + ".keys[0]"
	return append([]wrong{
		{kind, jwks, "https://issuer.example.com/jwks", asObject, ""},
		{kind, jwks + ".uri", "https://issuer.example.com/jwks", unknown, jwks + ".uri"},
		{kind, jwks + ".keys", unset{}, required, ""},
		{kind, jwks + ".keys", []any{}, oneItem, ""},
		{kind, jwks + ".keys", map[string]any{}, asList, ""},
		{kind, key, "AQAB", asObject, ""},
		{kind, key + ".kty", unset{}, required, ""},
		{kind, key + ".kty", "", notEmpty, ""},
		{kind, key + ".kid", "", notEmpty, ""},
		{kind, key + ".kid", int64(1), asString, ""},
		{kind, key + ".use", "", notEmpty, ""},
		{kind, key + ".key_ops", "verify", asList, ""},
		{kind, key + ".key_ops", distinct(17), tooMany + "16", ""},
		{kind, key + ".key_ops[0]", strings.Repeat("v", 33), tooLong + "32", ""},
		{kind, key + ".alg", "", notEmpty, ""},
		{kind, key + ".n", strings.Repeat("n", 4097), tooLong + "4096", ""},
		{kind, key + ".n", "", notEmpty, ""},
		{kind, key + ".n", unset{}, `an RSA key needs the members n and e; in YAML, write "n" in quotes`, key},
		{kind, key + ".e", unset{}, "an RSA key needs the members n and e", key},
		{kind, key, map[string]any{"kty": "EC", "crv": "P-256", "x": "eA", "true": "eQ"}, `an EC key needs the members crv, x and y; in YAML, write "y" in quotes`, ""},
		{kind, key, map[string]any{"kty": "OKP", "crv": "Ed25519"}, "an OKP key needs the members crv and x", ""},
		{kind, key + ".e", int64(65537), asString, ""},
		{kind, key + ".crv", "", notEmpty, ""},
		{kind, key + ".x", "", notEmpty, ""},
		{kind, key + ".y", "", notEmpty, ""},
		{kind, key + ".d", "cHJpdmF0ZQ", "is the private half of the key: " + publicHalf, ""},
		{kind, key + ".d", "", "publish the public half only", ""},
		{kind, key + ".k", "c2VjcmV0", "only public keys verify assertions here; replace the key, for it has been exposed", ""},
		{kind, key + ".k", "", "only public keys verify assertions here", ""},
	}, privateRows(kind, key)...)
}

// privateRows are about what a public key does not have, alone and empty as well: it may be what is left of a private one.
func privateRows(kind, key string) (rows []wrong) {
	for _, member := range []string{"p", "q", "dp", "dq", "qi"} {
		for _, value := range []any{"cHJpdmF0ZQ", ""} {
			rows = append(rows, wrong{kind, key + "." + member, value, privateParts, key})
		}
		rows = append(
			rows,
			wrong{kind, key + "." + member, int64(7), asString, ""},
			wrong{kind, key + "." + member, strings.Repeat("p", 8193), tooLong + "8192", ""},
		)
	}
	other := map[string]any{"r": "cg", "d": "ZA", "t": "dA"}
	return append(
		rows,
		wrong{kind, key + ".oth", []any{other}, privateParts, key},
		wrong{kind, key + ".oth", []any{}, privateParts, key},
		wrong{kind, key + ".oth", "cHJpdmF0ZQ", asList, ""},
		wrong{kind, key + ".oth", []any{"cHJpdmF0ZQ"}, asObject, key + ".oth[0]"},
		wrong{kind, key + ".oth", slices.Repeat([]any{other}, 17), tooMany + "16", ""},
	)
}

// referenceRows are about a reference to a key of an object in the same namespace.
func referenceRows(kind, ref, badName, badKey string) []wrong {
	return []wrong{
		{kind, ref, "partner", asObject, ""},
		{kind, ref, []any{}, asObject, ""},
		{kind, ref + ".namespace", "team-b", unknown, ref + ".namespace"},
		{kind, ref + ".name", unset{}, required, ""},
		{kind, ref + ".name", "", notEmpty, ""},
		{kind, ref + ".name", "Partner_Cert", badName, ""},
		{kind, ref + ".name", "team-b/partner-cert", badName, ""},
		{kind, ref + ".name", "../partner-cert", badName, ""},
		{kind, ref + ".name", strings.Repeat("n", 254), tooLong + "253", ""},
		{kind, ref + ".key", "", notEmpty, ""},
		{kind, ref + ".key", "tls crt", badKey, ""},
		{kind, ref + ".key", "../tls.crt", badKey, ""},
		{kind, ref + ".key", strings.Repeat("k", 254), tooLong + "253", ""},
	}
}

// remoteRows are about a document that the operator fetches.
func remoteRows(kind, remote string) []wrong {
	rows := slices.Concat(
		referenceRows(kind, remote+".caSecretRef", objectName, authoritiesAt),
		referenceRows(kind, remote+".caConfigMapRef", objectName, authoritiesAt),
		[]wrong{
			{kind, remote, "https://issuer.example.com/jwks", asObject, ""},
			{kind, remote + ".uri", "https://issuer.example.com/jwks", unknown, remote + ".uri"},
			{kind, remote + ".insecureSkipTLSVerify", true, unknown, remote + ".insecureSkipTLSVerify"},
			{kind, remote + ".url", "", notEmpty, ""},
			{kind, remote + ".url", int64(443), asString, ""},
			{kind, remote + ".url", map[string]any{}, asString, ""},
			{kind, remote + ".url", "https://issuer.example.com/" + strings.Repeat("j", 2048), tooLong + "2048", ""},
		},
	)
	for _, url := range badURLs {
		rows = append(rows, wrong{kind, remote + ".url", url, webURL, ""})
	}
	return rows
}

// badURLs are what the operator would not fetch, or what two programs could read differently.
var badURLs = []string{
	// Of another scheme, or none.
	"ftp://issuer.example.com/jwks", "file:///etc/passwd", "gopher://issuer.example.com:70/_GET", "data:application/json,{}",
	"javascript:alert(1)", "ldap://issuer.example.com", "unix:///run/jwks.sock", "jar:https://issuer.example.com/!/jwks",
	"HTTPS://issuer.example.com/jwks", "httpss://issuer.example.com", " https://issuer.example.com", "//issuer.example.com/jwks",
	"issuer.example.com/jwks", "/jwks", "https:issuer.example.com", "https:/issuer.example.com", `https:\\issuer.example.com`,
	// With a user.
	"https://user@issuer.example.com/jwks", "https://user:password@issuer.example.com/jwks", "https://issuer.example.com@127.0.0.1/",
	"https://:@issuer.example.com", "https://@issuer.example.com", `https://issuer.example.com\@127.0.0.1/`,
	"https://user%40issuer.example.com/jwks", "https://issuer.example.com:443@127.0.0.1/",
	// With a fragment.
	"https://issuer.example.com/jwks#", "https://issuer.example.com/jwks#first", "https://issuer.example.com#@127.0.0.1/",
	// With blanks, quotes, control and other characters.
	"https://issuer.example.com/a b", "https://issuer.example.com/jwks ", "https://issuer.example.com/jwks\n", "https://issuer.example.com\r\nHost: x/",
	"https://issuer.example.com/\t", "https://issuer.example.com/\x00", "https://issuer.example.com/\u00e4", "https://issu\u00ebr.example.com/jwks",
	"https://issuer\u3002example.com/jwks", "https://\uff11\uff12\uff17.0.0.1/", `https://issuer.example.com/"jwks"`,
	// Without a host, or with one that is none.
	"https://", "https:///jwks", "https://?jwks", "https://:443/jwks", "https://.", "https://-", "https://.issuer.example.com/", "https://[]/",
	"https://[::1/jwks", "https://::1]/jwks", "https://::1/jwks", "https://[::1]]/", "https://[127.0.0.1]/jwks", "https://[fe80::1%25eth0]/jwks",
	"https://[v1.x]/", "https://issuer[1].example.com/", "https://issuer_1.example.com*/", "https://%69ssuer.example.com/", "https://{issuer}/jwks",
	// With a port that is none.
	"https://issuer.example.com:https/", "https://issuer.example.com:-1/", "https://issuer.example.com:443:443/", "https://issuer.example.com:/",
	"https://issuer.example.com:655360/", "https://[::1]443/", "https://[::1]:x/",
	// With a broken escape.
	"https://issuer.example.com/%", "https://issuer.example.com/%zz",
}
