package assertion

import (
	"maps"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// token makes the attempt a token that is exchanged.
func token(kind TokenKind) change {
	return func(a *attempt) { a.purpose, a.kind = asToken, kind }
}

// accessToken makes the attempt an access token of a provider that has them exchanged.
func accessToken() change {
	return all(token(KindAccessToken), header("typ", `"at+jwt"`), accessTokens(true))
}

func accessTokens(yes bool) change { return trusting(func(p *trust.Provider) { p.AccessTokens = yes }) }

// tokenRows: T: what is wrong with an assertion is wrong with a token that is exchanged. The rows of the other tables, with
// a few other reasons.
func tokenRows() map[string]row {
	const refused = oauth.ReasonTypeNotAccepted
	other := map[string]oauth.Reason{
		"C-20 ID-JAG":                         refused,
		"C-20 ID-JAG in full and in capitals": refused,
		"H-17 ID-JAG without jti":             refused,
		"H-06 claims that nobody asked for":   oauth.ReasonBoundToKey,
	}
	rows := map[string]row{
		"token fixture":           {accepted, token(KindJWT)},
		"token of no kind":        {refused, token(0)},
		"token of a kind unknown": {refused, token(-1)},
		"token for another client than in client_id": {
			oauth.ReasonClientIDClaim,
			all(token(KindJWT), trusting(func(p *trust.Provider) { p.ClientIDClaim = true }), claim("client_id", `"c5"`)),
		},
	}
	for _, table := range []map[string]row{
		formRows(), headerRows(), forcedTypes(), signatureRows(), foreignKeyRows(), keyRows(), issuerRows(), audienceRows(),
		timeRows(), ageRows(), subjectRows(), payloadRows(), typeRows(), formOfSubjectRows(), ruleRows(), crossNamespaceRows(),
	} {
		for name, r := range table {
			want := r.want
			if reason, ok := other[name]; ok {
				want = reason
			}
			delete(other, name)
			rows["token "+name] = row{want, all(token(KindJWT), r.change)}
		}
	}
	if len(other) > 0 {
		panic("rows that do not exist have other reasons")
	}
	maps.Copy(rows, tokenTypeRows())
	maps.Copy(rows, boundRows())
	return rows
}

// tokenTypeRows: RFC 8725 §3.11: each kind has its own types.
func tokenTypeRows() map[string]row {
	const refused = oauth.ReasonTypeNotAccepted
	rows := map[string]row{
		"access token":                              {accepted, accessToken()},
		"access token in full and in capitals":      {accepted, all(accessToken(), header("typ", `"application/AT+JWT"`))},
		"access token of who has none exchanged":    {refused, all(accessToken(), accessTokens(false))},
		"access token said to be a JWT":             {refused, all(accessToken(), token(KindJWT))},
		"access token said to be a JWT, and listed": {refused, all(accessToken(), token(KindJWT), types("", "jwt", "at+jwt"))},
		"access token said to be an ID token":       {refused, all(accessToken(), token(KindIDToken), types("", "jwt", "at+jwt"))},
		"access token said to be an assertion":      {refused, all(accessToken(), func(a *attempt) { a.purpose = asGrant })},
		"access token of our own":                   {oauth.ReasonSelfIssued, all(accessToken(), claim("iss", jwttest.Quote(ownIssuer)))},
		"ID token":                                  {accepted, token(KindIDToken)},
		"ID token without typ":                      {accepted, all(token(KindIDToken), withoutHeader("typ"))},
		"ID token that says grant":                  {refused, all(token(KindIDToken), header("typ", `"authorization-grant+jwt"`))},
		"ID token where only JOSE is listed":        {refused, all(token(KindIDToken), types("jose"))},
		"ID token that says JOSE":                   {refused, all(token(KindIDToken), types("jose"), header("typ", `"JOSE"`))},
		"JWT that says grant":                       {accepted, all(token(KindJWT), header("typ", `"authorization-grant+jwt"`))},
		"JWT that says JOSE at a SPIFFE provider":   {accepted, all(spiffe(), token(KindJWT), header("typ", `"JOSE"`), claim("sub", `"spiffe://example.org/a"`))},
	}
	for _, typ := range []string{"", "JWT", "at", "at+jwt2", "application/", "jwt+at", "logout+jwt", "token-introspection+jwt", "client-authentication+jwt", "oauth-id-jag+jwt"} {
		change := header("typ", jwttest.Quote(typ))
		if typ == "" {
			change = withoutHeader("typ")
		}
		rows["access token with typ "+typ] = row{refused, all(accessToken(), change)}
	}
	for _, kind := range []TokenKind{KindJWT, KindIDToken, KindAccessToken} {
		name := map[TokenKind]string{KindJWT: "JWT", KindIDToken: "ID token", KindAccessToken: "access token"}[kind]
		rows["ID-JAG said to be: "+name] = row{refused, all(idJAG(), token(kind))}
		rows["client assertion said to be: "+name] = row{refused, all(token(kind), accessTokens(true), header("typ", `"client-authentication+jwt"`))}
		rows["nothing of an ID-JAG provider: "+name] = row{refused, all(idJAG(), token(kind), header("typ", `"JWT"`))}
	}
	return rows
}

// boundRows: RFC 7800: what is bound to a key is not exchanged for what is not, whatever the claim says.
func boundRows() map[string]row {
	rows := map[string]row{}
	for _, value := range []string{`{"jkt":"x"}`, `{"x5t#S256":"x"}`, "{}", "null", `""`, "false"} {
		rows["cnf "+value] = row{oauth.ReasonBoundToKey, all(token(KindJWT), claim("cnf", value))}
		rows["cnf of an access token "+value] = row{oauth.ReasonBoundToKey, all(accessToken(), claim("cnf", value))}
		rows["H-06 cnf of an assertion "+value] = row{accepted, claim("cnf", value)}
	}
	return rows
}
