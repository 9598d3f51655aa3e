package assertion

import (
	"strings"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/claimrules"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

func types(t ...string) change { return trusting(func(p *trust.Provider) { p.Types = t }) }

func subjectForm(f trust.SubjectForm) change {
	return trusting(func(p *trust.Provider) { p.SubjectForm = f })
}

// The types that the profiles of the API accept.
func generic() change    { return types("", "jwt", "authorization-grant+jwt") }
func kubernetes() change { return all(types("", "jwt"), subjectForm(trust.SubjectServiceAccount)) }
func spiffe() change     { return all(types("", "jwt", "jose"), subjectForm(trust.SubjectSPIFFEID)) }

func idJAG() change {
	return all(types("oauth-id-jag+jwt"), trusting(func(p *trust.Provider) {
		p.ClientIDClaim, p.IDJAG, p.Replay = true, true, trust.ReplayOneTime
		p.AudienceAliases = append(p.AudienceAliases, ownIssuer)
	}), header("typ", `"oauth-id-jag+jwt"`), claim("client_id", `"c1"`, "aud", jwttest.Quote(ownIssuer)))
}

// idJAGRows: draft-ietf-oauth-identity-assertion-authz-grant §3.1, §4.4.1: what such a grant must and must not say.
func idJAGRows() map[string]row {
	const audience, malformed, bound, details = oauth.ReasonAudienceMismatch, oauth.ReasonClaimsMalformed, oauth.ReasonBoundToKey, oauth.ReasonDetailsNotSupported
	const tenant = oauth.ReasonTenantNotJudged
	hold := func(expression string) change {
		return ruled(claimrules.Rules{Validations: []claimrules.Validation{{Expression: expression}}})
	}
	reuse := trusting(func(p *trust.Provider) { p.Replay = trust.ReplayReuse })
	rows := map[string]row{
		"ID-JAG aud in a list":                      {accepted, all(idJAG(), claim("aud", `["`+ownIssuer+`"]`))},
		"ID-JAG aud twice":                          {audience, all(idJAG(), claim("aud", `["`+ownIssuer+`","`+ownIssuer+`"]`))},
		"ID-JAG aud and an alias":                   {audience, all(idJAG(), claim("aud", `["`+ownIssuer+`","`+alias+`"]`))},
		"ID-JAG aud is an alias":                    {audience, all(idJAG(), claim("aud", jwttest.Quote(alias)))},
		"ID-JAG aud with a slash":                   {audience, all(idJAG(), aliases(ownIssuer, ownIssuer+"/"), claim("aud", jwttest.Quote(ownIssuer+"/")))},
		"ID-JAG aud that is no alias":               {audience, all(idJAG(), aliases(alias))},
		"ID-JAG without iat":                        {oauth.ReasonIssuedAtMissing, all(idJAG(), withoutClaim("iat"))},
		"ID-JAG without iat, used again":            {oauth.ReasonIssuedAtMissing, all(idJAG(), reuse, withoutClaim("iat"))},
		"ID-JAG without jti where it is used again": {oauth.ReasonJWTIDMissing, all(idJAG(), reuse, withoutClaim("jti"))},
		"ID-JAG without exp":                        {oauth.ReasonExpiryMissing, all(idJAG(), withoutClaim("exp"))},
		"ID-JAG with all that it may say":           {accepted, all(idJAG(), claim("scope", `"read write"`, "resource", `["https://a.example.com","urn:b"]`, "act", `{"sub":"x"}`, "email", `"a@b"`, "auth_time", "1", "amr", `["mfa"]`))},
		"what an ID-JAG must not say, elsewhere":    {accepted, claim("scope", "1", "resource", "null", "authorization_details", `[{}]`, "cnf", `{}`, "tenant", `"x"`, "aud_tenant", `"y"`)},
		"ID-JAG tenant, held by a rule":             {accepted, all(idJAG(), hold(`claims.tenant == "x"`), claim("tenant", `"x"`))},
		"ID-JAG tenant, by a required value":        {accepted, all(idJAG(), ruled(claimrules.Rules{Validations: []claimrules.Validation{{Claim: "tenant", RequiredValue: "x"}}}), claim("tenant", `"x"`))},
		"ID-JAG tenant, another":                    {oauth.ReasonClaimRule, all(idJAG(), hold(`claims.tenant == "x"`), claim("tenant", `"y"`))},
		"ID-JAG tenant, in the subject":             {accepted, all(idJAG(), ruled(claimrules.Rules{Subject: `claims.tenant + "/" + claims.sub`}), claim("tenant", `"x"`))},
		"ID-JAG tenant, only asked for":             {tenant, all(idJAG(), hold(`has(claims.tenant)`), claim("tenant", `"x"`))},
		"ID-JAG tenant, beside another rule":        {tenant, all(idJAG(), hold(`claims.sub != ""`), claim("tenant", `"x"`))},
		"ID-JAG aud_tenant, held by a rule":         {accepted, all(idJAG(), hold(`claims.aud_tenant == "y"`), claim("aud_tenant", `"y"`))},
		"ID-JAG aud_tenant, in the subject":         {tenant, all(idJAG(), ruled(claimrules.Rules{Subject: `claims.aud_tenant + claims.sub`}), claim("aud_tenant", `"y"`))},
		"ID-JAG aud_tenant, where tenant is held":   {tenant, all(idJAG(), hold(`claims.tenant == "x"`), claim("tenant", `"x"`, "aud_tenant", `"y"`))},
		"ID-JAG of who is no such provider":         {accepted, all(idJAG(), trusting(func(p *trust.Provider) { p.IDJAG = false }), claim("cnf", `{}`))},
	}
	for _, value := range []string{`"x"`, `""`, "null", "1", "{}", `["x"]`} {
		rows["ID-JAG tenant "+value] = row{tenant, all(idJAG(), claim("tenant", value))}
		rows["ID-JAG aud_tenant "+value] = row{tenant, all(idJAG(), claim("aud_tenant", value))}
	}
	for _, value := range []string{`{"jkt":"x"}`, "{}", "null", "false"} {
		rows["ID-JAG cnf "+value] = row{bound, all(idJAG(), claim("cnf", value))}
	}
	for _, value := range []string{`[{"type":"x"}]`, "[]", "null", `"x"`} {
		rows["ID-JAG authorization_details "+value] = row{details, all(idJAG(), claim("authorization_details", value))}
	}
	for _, value := range []string{`""`, "null", "1", "true", `["read"]`, `{"read":1}`, `"read  write"`, `" read"`, `"read\u0000"`, `"r\"d"`, `"lésen"`} {
		rows["ID-JAG scope "+value] = row{malformed, all(idJAG(), claim("scope", value))}
	}
	for _, value := range []string{"null", "1", "true", "[]", "{}", `[1]`, `["https://a.example.com",1]`, `[["https://a.example.com"]]`} {
		rows["ID-JAG resource "+value] = row{malformed, all(idJAG(), claim("resource", value))}
	}
	return rows
}

// typeRows: C-19, C-20: each profile takes its own types, in any case and with the optional prefix, and no others.
func typeRows() map[string]row {
	const refused = oauth.ReasonTypeNotAccepted
	rows := map[string]row{
		"C-20 a provider without types":                     {refused, types()},
		"C-20 a provider without types, no typ":             {refused, all(types(), withoutHeader("typ"))},
		"C-20 ID-JAG":                                       {accepted, idJAG()},
		"C-20 ID-JAG in full and in capitals":               {accepted, all(idJAG(), header("typ", `"application/OAuth-ID-JAG+JWT"`))},
		"C-20 ID-JAG at a Generic provider":                 {refused, all(generic(), header("typ", `"oauth-id-jag+jwt"`))},
		"C-20 ID-JAG at a Kubernetes provider":              {refused, all(kubernetes(), header("typ", `"oauth-id-jag+jwt"`))},
		"C-20 ID-JAG at a SPIFFE provider":                  {refused, all(spiffe(), header("typ", `"oauth-id-jag+jwt"`))},
		"C-20 JOSE at a SPIFFE provider":                    {accepted, all(spiffe(), header("typ", `"JOSE"`), claim("sub", `"spiffe://example.org/a"`))},
		"C-20 authorization-grant+jwt at a SPIFFE provider": {refused, all(spiffe(), header("typ", `"authorization-grant+jwt"`))},
		"C-20 type of a provider that is unknown":           {oauth.ReasonProviderUnknown, all(header("typ", `"at+jwt"`), claim("iss", `"https://fake.test"`))},
	}
	for _, typ := range []string{"JWT", "jwt", "authorization-grant+jwt", "client-authentication+jwt", "at+jwt", "oauth-id-jag", "application/", "oauth-id-jag+jwt2"} {
		rows["C-20 an ID-JAG provider and typ "+typ] = row{refused, all(idJAG(), header("typ", jwttest.Quote(typ)))}
	}
	rows["C-20 an ID-JAG provider and no typ"] = row{refused, all(idJAG(), withoutHeader("typ"))}
	return rows
}

// formOfSubjectRows: what an issuer of workloads' tokens may put into sub.
func formOfSubjectRows() map[string]row {
	const refused = oauth.ReasonSubjectForm
	rows := map[string]row{
		"H-02 any subject":                        {accepted, claim("sub", `"spiffe:// : system"`)},
		"H-02 unknown form of subjects":           {refused, subjectForm(-1)},
		"H-17 ID-JAG without jti":                 {oauth.ReasonJWTIDMissing, all(idJAG(), withoutClaim("jti"))},
		"H-02 subject missing where a form is":    {oauth.ReasonSubjectMissing, all(spiffe(), withoutClaim("sub"))},
		"H-02 subject of the other form, SPIFFE":  {refused, all(spiffe(), claim("sub", `"system:serviceaccount:ns:sa"`))},
		"H-02 subject of the other form, account": {refused, all(kubernetes(), claim("sub", `"spiffe://example.org/ns/a/sa/b"`))},
	}
	for profile, list := range map[string][]string{"service account": goodAccounts(), "SPIFFE ID": goodSPIFFEIDs()} {
		for _, sub := range list {
			rows["H-02 "+profile+" "+sub] = row{accepted, all(profileOf(profile), claim("sub", jwttest.Quote(sub)))}
		}
	}
	for profile, list := range map[string][]string{"service account": badAccounts(), "SPIFFE ID": badSPIFFEIDs()} {
		for _, sub := range list {
			rows["H-02 no "+profile+" "+sub] = row{refused, all(profileOf(profile), claim("sub", jwttest.Quote(sub)))}
		}
	}
	return rows
}

func profileOf(name string) change {
	if name == "SPIFFE ID" {
		return spiffe()
	}
	return kubernetes()
}

func goodAccounts() []string {
	return []string{
		"system:serviceaccount:ns-a:default", "system:serviceaccount:a:b", "system:serviceaccount:0:my.app-1.v2",
		"system:serviceaccount:" + strings.Repeat("n", 63) + ":" + strings.Repeat("s", 253),
	}
}

func badAccounts() []string {
	return []string{
		"alice", "system:serviceaccount", "system:serviceaccount:", "system:serviceaccount:ns", "system:serviceaccount:ns:",
		"system:serviceaccount::sa", "system:serviceaccount:ns:sa:x", "system:serviceaccount:ns:sa:", "System:serviceaccount:ns:sa",
		"xsystem:serviceaccount:ns:sa", "system:serviceaccounts:ns:sa", "system:serviceaccount:Ns:sa", "system:serviceaccount:ns:Sa",
		"system:serviceaccount:-ns:sa", "system:serviceaccount:ns-:sa", "system:serviceaccount:n.s:sa", "system:serviceaccount:ns:-sa",
		"system:serviceaccount:ns:sa-", "system:serviceaccount:ns:s..a", "system:serviceaccount:ns:.sa", "system:serviceaccount:ns:sa.",
		"system:serviceaccount:ns:s-.a", "system:serviceaccount:ns:s.-a", "system:serviceaccount:n s:sa", "system:serviceaccount:ns:s/a",
		"system:serviceaccount:ns:s_a", "system:serviceaccount:nś:sa", "system:serviceaccount:" + strings.Repeat("n", 64) + ":sa",
		"system:serviceaccount:ns:" + strings.Repeat("s", 254), "system:node:ns:sa",
	}
}

func goodSPIFFEIDs() []string {
	return []string{
		"spiffe://example.org/ns/a/sa/b", "spiffe://a/b", "spiffe://10.0.0.1/x", "spiffe://my_td-1.example/A/b.c/..d/...",
		"spiffe://" + strings.Repeat("d", 255) + "/x", "spiffe://example.org/" + strings.Repeat("p", 491),
	}
}

func badSPIFFEIDs() []string {
	return []string{
		"alice", "spiffe:", "spiffe://", "spiffe:///x", "spiffe://example.org", "spiffe://example.org/", "spiffe://example.org//x",
		"spiffe://example.org/x/", "spiffe://example.org/x//y", "spiffe://example.org/.", "spiffe://example.org/x/../y",
		"spiffe://example.org/..", "SPIFFE://example.org/x", "Spiffe://example.org/x", "spiffe://Example.org/x", "https://example.org/x",
		"spiffe://example.org:8443/x", "spiffe://user@example.org/x", "spiffe://example.org/x?y", "spiffe://example.org/x#y",
		"spiffe://example.org/x%20y", "spiffe://example.org/x y", "spiffe://example.org/é", "spiffe://exämple.org/x",
		"spiffe://example.org/x~y", "spiffe://example.org/\u212a", "spiffe://" + strings.Repeat("d", 256) + "/x", "xspiffe://example.org/x",
		"spiffe:/example.org/x",
	}
}

// clientIDRows: H-07: an ID-JAG is for one client and says so.
func clientIDRows() map[string]row {
	const refused = oauth.ReasonClientIDClaim
	rows := map[string]row{
		"H-07 ID-JAG without client_id":         {refused, all(idJAG(), withoutClaim("client_id"))},
		"H-07 ID-JAG of another client":         {refused, all(idJAG(), claim("client_id", `"c5"`))},
		"H-07 ID-JAG of the client in capitals": {refused, all(idJAG(), claim("client_id", `"C1"`))},
		"H-07 ID-JAG of the client and a space": {refused, all(idJAG(), claim("client_id", `"c1 "`))},
		"H-07 ID-JAG with azp instead":          {refused, all(idJAG(), withoutClaim("client_id"), claim("azp", `"c1"`))},
		"H-07 ID-JAG, client_id escaped":        {accepted, all(idJAG(), claim("client_id", `"\u00631"`))},
		"H-07 ID-JAG, client_id twice":          {oauth.ReasonClaimsMalformed, all(idJAG(), repeated(`"client_id"`, `"c1"`))},
		"H-07 ID-JAG, client without id":        {refused, all(idJAG(), withoutClaim("client_id"), client(func(c *trust.Client) { c.ID = "c1\x00" }))},
	}
	for _, value := range []string{`""`, "null", "1", "true", `["c1"]`, `{"c1":"c1"}`} {
		rows["H-07 ID-JAG, client_id "+value] = row{refused, all(idJAG(), claim("client_id", value))}
		rows["H-06 client_id that nobody reads "+value] = row{accepted, claim("client_id", value)}
	}
	return rows
}

// ruleRows: W-59: the rules of the provider itself, which come when everything else is in order.
func ruleRows() map[string]row {
	const refused, failed = oauth.ReasonClaimRule, oauth.ReasonClaimRuleFailed
	valid := func(expression string) change {
		return ruled(claimrules.Rules{Validations: []claimrules.Validation{{Expression: expression, Message: "not for us"}}})
	}
	required := ruled(claimrules.Rules{Validations: []claimrules.Validation{{Claim: "hd", RequiredValue: "example.com"}}})
	subject := ruled(claimrules.Rules{Subject: "claims.upn"})
	return map[string]row{
		"W-59 rule holds":                 {accepted, valid("claims.sub == 'alice'")},
		"W-59 rule does not hold":         {refused, valid("claims.sub == 'bob'")},
		"W-59 claim of a rule is missing": {failed, valid("claims.hd == 'example.com'")},
		"W-59 required value":             {accepted, all(required, claim("hd", `"example.com"`))},
		"W-59 other value":                {refused, all(required, claim("hd", `"example.org"`))},
		"W-59 value of another type":      {refused, all(required, claim("hd", `["example.com"]`))},
		"W-59 twice in a claim":           {failed, all(valid("true"), claim("x", `{"a":1,"a":2}`))},
		"W-36 subject":                    {accepted, all(subject, claim("upn", `"alice@example.com"`))},
		"W-36 subject missing":            {failed, subject},
		"W-36 subject empty":              {failed, all(subject, claim("upn", `""`))},
		"W-36 subject a number":           {failed, all(subject, claim("upn", `1`))},
		"W-36 sub missing all the same":   {oauth.ReasonSubjectMissing, all(subject, claim("upn", `"alice@example.com"`), withoutClaim("sub"))},
		"W-59 after the signature":        {oauth.ReasonSignatureInvalid, all(valid("false"), signed("RS256", attacker()))},
		"W-59 after the times":            {oauth.ReasonExpired, all(valid("false"), claim("exp", at(-300), "iat", at(-600)))},
		"W-59 before the jti":             {refused, all(valid("false"), withoutClaim("jti"), trusting(func(p *trust.Provider) { p.Replay = trust.ReplayOneTime }))},
	}
}

// crossNamespaceRows: W-43, E-10, F-12: a provider of another namespace vouches when both sides say so.
func crossNamespaceRows() map[string]row {
	there := trust.ObjectKey{Namespace: "ns-b", Name: "idp-a"}
	moved := trusting(func(p *trust.Provider) { p.Key = there })
	named := func(keys ...trust.ObjectKey) change {
		return client(func(c *trust.Client) { c.Providers = keys })
	}
	open := func(n trust.Namespaces) change {
		return trusting(func(p *trust.Provider) { p.ClientNamespaces = n })
	}
	toAll, toUs, toOthers := open(trust.Namespaces{All: true}), open(trust.Namespaces{Names: []string{"ns-x", "ns-a"}}), open(trust.Namespaces{Names: []string{"ns-x"}})
	local := provider("idp-local", issuerA, public(jwttest.RSA("rogue", 2048)))
	local.Created = instant().Add(-time.Hour)
	return map[string]row{
		"W-43 cross: both say so, all":           {accepted, all(moved, named(there), toAll)},
		"W-43 cross: both say so, listed":        {accepted, all(moved, named(there), toUs)},
		"W-43 cross: client alone":               {oauth.ReasonProviderUnknown, all(moved, named(there))},
		"W-43 cross: provider for others":        {oauth.ReasonProviderUnknown, all(moved, named(there), toOthers)},
		"W-43 cross: provider alone":             {oauth.ReasonProviderUnknown, all(moved, toAll)},
		"W-43 cross: same name here":             {oauth.ReasonProviderUnknown, all(moved, toAll, named(trust.ObjectKey{Namespace: "ns-a", Name: "idp-a"}))},
		"W-43 cross: disabled":                   {oauth.ReasonProviderDisabled, all(moved, toAll, named(there), trusting(func(p *trust.Provider) { p.Enabled = false }))},
		"E-10 cross: own namespace's is not his": {accepted, all(moved, toAll, named(there), beside(local))},
		"E-10 cross: the first that is named":    {oauth.ReasonSignatureInvalid, all(moved, toAll, named(local.Key, there), beside(local))},
		"E-10 cross: the first, the other order": {accepted, all(moved, toAll, named(there, local.Key), beside(local))},
		"E-10 cross: his key, not ours":          {oauth.ReasonSignatureInvalid, all(moved, toAll, named(there), beside(local), signed("RS256", jwttest.RSA("rogue", 2048)))},
		"F-12 cross: alias of the own namespace": {oauth.ReasonAudienceMismatch, all(moved, toAll, named(there), aliases("alias-of-b"))},
	}
}
