package assertion

import (
	"maps"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/claimrules"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// federatedRows: S-10: what is wrong with an assertion is wrong with a client assertion that the same provider signs. The
// rows of the other tables, with a few other reasons.
func federatedRows() map[string]row {
	const issuer, subject = oauth.ReasonIssuerMismatch, oauth.ReasonSubjectMismatch
	other := map[string]oauth.Reason{
		`C-26 claim iss "jwt_tool"`:                                 issuer,
		`C-26 claim sub "jwt_tool"`:                                 subject,
		"D-26 unknown issuer, known key":                            issuer,
		"I-09 expressions stay text":                                subject,
		"C-20 typ client-authentication+jwt":                        accepted,
		"C-20 typ of RFC 7523bis":                                   oauth.ReasonTypeNotAccepted,
		"C-20 typ of RFC 7523bis in full":                           oauth.ReasonTypeNotAccepted,
		"C-20 ID-JAG":                                               oauth.ReasonTypeNotAccepted,
		"C-20 ID-JAG in full and in capitals":                       oauth.ReasonTypeNotAccepted,
		"C-20 an ID-JAG provider and typ client-authentication+jwt": accepted,
		"C-20 JOSE at a SPIFFE provider":                            subject,
		"C-20 type of a provider that is unknown":                   issuer,
	}
	rows := map[string]row{"federated fixture": {accepted, federated()}}
	for _, table := range []map[string]row{
		formRows(), headerRows(), forcedTypes(), signatureRows(), foreignKeyRows(), keyRows(), timeRows(), ageRows(), payloadRows(), typeRows(),
	} {
		for name, r := range table {
			want := r.want
			if reason, ok := other[name]; ok {
				want = reason
			}
			delete(other, name)
			rows["federated "+name] = row{want, all(federated(), r.change)}
		}
	}
	if len(other) > 0 {
		panic("rows that do not exist have other reasons")
	}
	return rows
}

func workload(subject string) change {
	return client(func(c *trust.Client) { c.Workload.Subject = subject })
}

// workloadRows: whose word counts for the client of a workload, and for which workload.
func workloadRows() map[string]row {
	const unknown, notAllowed, other = oauth.ReasonProviderUnknown, oauth.ReasonProviderNotAllowed, oauth.ReasonSubjectMismatch
	there := trust.ObjectKey{Namespace: "ns-b", Name: "idp-a"}
	moved := all(trusting(func(p *trust.Provider) { p.Key = there }), client(func(c *trust.Client) { c.Workload.Provider = there }))
	open := trusting(func(p *trust.Provider) { p.ClientNamespaces = trust.Namespaces{Names: []string{"ns-a"}} })
	older := provider("older", issuerA, public(jwttest.RSA("rogue", 2048)))
	older.Created = instant().Add(-time.Hour)
	b := provider("idp-b", issuerB, public(jwttest.RSA("idp-a", 2048)))
	sub := func(s string) change { return claim("sub", jwttest.Quote(s)) }
	ours := all(trusting(func(p *trust.Provider) { p.Issuer = ownIssuer }), claim("iss", jwttest.Quote(ownIssuer)))
	rule := ruled(claimrules.Rules{Validations: []claimrules.Validation{{Expression: "false", Message: "no"}}})
	rows := map[string]row{
		"S-04 no provider":                      {unknown, client(func(c *trust.Client) { c.Workload.Provider = trust.ObjectKey{} })},
		"S-04 provider gone":                    {unknown, client(func(c *trust.Client) { c.Workload.Provider.Name = "idp-x" })},
		"S-04 provider of no right":             {unknown, beside(older)},
		"S-04 provider of the own namespace":    {unknown, client(func(c *trust.Client) { c.Workload.Provider.Namespace = "ns-b" })},
		"S-04 provider elsewhere":               {accepted, all(moved, open)},
		"S-04 provider elsewhere, not for us":   {notAllowed, moved},
		"S-04 provider disabled":                {oauth.ReasonProviderDisabled, trusting(func(p *trust.Provider) { p.Enabled = false })},
		"S-04 providers that it may present":    {accepted, client(func(c *trust.Client) { c.Providers = providers("idp-x") })},
		"S-04 iss missing":                      {oauth.ReasonIssuerMissing, withoutClaim("iss")},
		"S-04 iss of another provider":          {oauth.ReasonIssuerMismatch, all(beside(b), claim("iss", jwttest.Quote(issuerB)))},
		"S-04 iss the client":                   {oauth.ReasonIssuerMismatch, claim("iss", `"c1"`)},
		"S-04 iss with a slash":                 {oauth.ReasonIssuerMismatch, claim("iss", jwttest.Quote(issuerA+"/"))},
		"S-04 iss this server":                  {oauth.ReasonSelfIssued, ours},
		"S-04 signed by the client":             {oauth.ReasonSignatureInvalid, all(client(func(c *trust.Client) { c.Keys = []*jose.PublicKey{public(attacker())} }), signed("RS256", attacker()))},
		"S-04 sub missing":                      {oauth.ReasonSubjectMissing, withoutClaim("sub")},
		"S-04 sub missing, none declared":       {oauth.ReasonSubjectMissing, all(workload(""), withoutClaim("sub"))},
		"S-04 sub, none declared":               {other, workload("")},
		"S-04 sub of another workload":          {other, sub("bob")},
		"S-04 sub the client id":                {other, sub("c1")},
		"S-04 sub in capitals":                  {other, sub("Alice")},
		"S-04 sub longer":                       {other, sub("alice2")},
		"S-04 sub shorter":                      {other, sub("alic")},
		"S-04 sub that an expression maps":      {other, all(ruled(claimrules.Rules{Subject: "'alice'"}), sub("bob"))},
		"S-04 sub of the wrong form":            {oauth.ReasonSubjectForm, kubernetes()},
		"S-04 ServiceAccount":                   {accepted, all(kubernetes(), workload("system:serviceaccount:a:b"), sub("system:serviceaccount:a:b"))},
		"S-04 JWT-SVID":                         {accepted, all(spiffe(), workload("spiffe://a/b"), sub("spiffe://a/b"), header("typ", `"JOSE"`))},
		"S-10 provider without types":           {oauth.ReasonTypeNotAccepted, all(types(), header("typ", `"client-authentication+jwt"`))},
		"S-04 rule":                             {oauth.ReasonClaimRule, rule},
		"S-04 rule that cannot be evaluated":    {oauth.ReasonClaimRuleFailed, ruled(claimrules.Rules{Subject: "claims.x"})},
		"S-07 jti missing where it counts once": {oauth.ReasonJWTIDMissing, all(trusting(func(p *trust.Provider) { p.Replay = trust.ReplayOneTime }), withoutClaim("jti"))},
		"S-07 jti missing":                      {accepted, withoutClaim("jti")},
		"S-10 client_id where a provider asks":  {oauth.ReasonClientIDClaim, trusting(func(p *trust.Provider) { p.ClientIDClaim = true })},
		"S-10 client_id of the client":          {accepted, all(trusting(func(p *trust.Provider) { p.ClientIDClaim = true }), claim("client_id", `"c1"`))},
	}
	for name, r := range rows {
		rows[name] = row{r.want, all(federated(), r.change)}
	}
	maps.Copy(rows, otherClients(federated()))
	maps.Copy(rows, clientAudiences("federated", federated()))
	return rows
}

// otherClients: a client that authenticates in another way has no authority.
func otherClients(base change) map[string]row {
	rows := map[string]row{}
	for name, method := range map[string]trust.Authentication{
		"none at all": 0, "a secret": trust.AuthenticationSecret, "none": trust.AuthenticationNone, "one not yet thought of": 99,
	} {
		rows["S-10 client with method "+name] = row{oauth.ReasonProviderUnknown, all(base, client(func(c *trust.Client) { c.Authentication = method }))}
	}
	return rows
}

// clientAudiences: S-02: the issuer and nothing else.
func clientAudiences(kind string, base change) map[string]row {
	const mismatch = oauth.ReasonAudienceMismatch
	own := jwttest.Quote(ownIssuer)
	rows := map[string]row{}
	for value, want := range map[string]oauth.Reason{
		own:                               accepted,
		`[` + own + `]`:                   accepted,
		jwttest.Quote(alias):              mismatch,
		`"legacy-alias"`:                  mismatch,
		`[` + own + `,` + own + `]`:       mismatch,
		`[` + own + `,"` + alias + `"]`:   mismatch,
		`["https://x.test",` + own + `]`:  mismatch,
		`[` + own + `,""]`:                mismatch,
		`""`:                              mismatch,
		`[]`:                              oauth.ReasonClaimsMalformed,
		`null`:                            oauth.ReasonClaimsMalformed,
		jwttest.Quote(ownIssuer + "/"):    mismatch,
		jwttest.Quote(ownIssuer + ":443"): mismatch,
		jwttest.Quote(strings.ToUpper(ownIssuer)): mismatch,
		`"c1"`: mismatch,
	} {
		rows["S-02 "+kind+" aud "+value] = row{want, all(base, aud(value))}
	}
	rows["S-02 "+kind+" aud missing"] = row{oauth.ReasonAudienceMissing, all(base, withoutClaim("aud"))}
	return rows
}

// privateKeyRows: section S: what a client signs with its own key.
func privateKeyRows() map[string]row {
	const bad, notAllowed = oauth.ReasonSignatureInvalid, oauth.ReasonAlgorithmNotAllowed
	const tooLong, expired = oauth.ReasonLifetimeTooLong, oauth.ReasonExpired
	rsa := jwttest.RSA("client c1", 2048)
	clientKeys := func(k ...*jose.PublicKey) change { return client(func(c *trust.Client) { c.Keys = k }) }
	certificate := func(from, until time.Duration) change {
		return all(clientKeys(certified(rsa, from, until)), signedAs("RS256", rsa))
	}
	until := func(offset int) change { return claim("iat", at(-300), "exp", at(offset)) }
	rows := map[string]row{
		"own key fixture":                       {accepted, nothing()},
		"S-01 typ client-authentication+jwt":    {accepted, header("typ", `"client-authentication+jwt"`)},
		"S-01 typ in full":                      {accepted, header("typ", `"application/Client-Authentication+JWT"`)},
		"S-01 typ absent":                       {accepted, withoutHeader("typ")},
		"S-10 typ authorization-grant+jwt":      {oauth.ReasonTypeNotAccepted, header("typ", `"authorization-grant+jwt"`)},
		"S-10 typ oauth-id-jag+jwt":             {oauth.ReasonTypeNotAccepted, header("typ", `"oauth-id-jag+jwt"`)},
		"S-10 typ at+jwt":                       {oauth.ReasonTypeNotAccepted, header("typ", `"at+jwt"`)},
		"S-10 typ dpop+jwt":                     {oauth.ReasonTypeNotAccepted, header("typ", `"dpop+jwt"`)},
		"S-10 cty":                              {oauth.ReasonNested, header("cty", `"JWT"`)},
		"S-04 own key, iss missing":             {oauth.ReasonIssuerMissing, withoutClaim("iss")},
		"S-04 own key, iss of another":          {oauth.ReasonIssuerMismatch, claim("iss", `"c5"`)},
		"S-04 own key, iss of a provider":       {oauth.ReasonIssuerMismatch, claim("iss", jwttest.Quote(issuerA))},
		"S-04 own key, sub missing":             {oauth.ReasonSubjectMissing, withoutClaim("sub")},
		"S-04 own key, sub of another":          {oauth.ReasonSubjectMismatch, claim("sub", `"c5"`)},
		"S-04 own key, sub in capitals":         {oauth.ReasonSubjectMismatch, claim("sub", `"C1"`)},
		"S-04 own key, sub of a workload":       {oauth.ReasonSubjectMismatch, all(workload("alice"), claim("sub", `"alice"`))},
		"S-04 own key, id is the server":        {oauth.ReasonSelfIssued, all(client(func(c *trust.Client) { c.ID = ownIssuer }), claim("iss", jwttest.Quote(ownIssuer), "sub", jwttest.Quote(ownIssuer)))},
		"S-03 no keys":                          {notAllowed, clientKeys()},
		"S-03 key of a provider":                {notAllowed, signedAs("RS256", jwttest.RSA("idp-a", 2048))},
		"S-03 key of another":                   {bad, signed("ES256", jwttest.EC("client c5", p256()))},
		"S-03 one of two keys":                  {accepted, clientKeys(public(jwttest.EC("client old", p256())), public(jwttest.EC("client c1", p256())))},
		"S-03 kid of no key":                    {oauth.ReasonNoMatchingKey, all(clientKeys(named("k1", jwttest.EC("client c1", p256()))), header("kid", `"k2"`))},
		"S-03 kid":                              {accepted, all(clientKeys(named("k1", jwttest.EC("client c1", p256()))), header("kid", `"k1"`))},
		"S-03 alg none":                         {notAllowed, header("alg", `"none"`)},
		"S-03 HS256 with the id":                {notAllowed, signedAs("HS256", []byte("c1"))},
		"S-03 embedded jwk":                     {bad, all(signed("ES256", jwttest.EC("client c5", p256())), header("jwk", public(jwttest.EC("client c5", p256())).JWK()))},
		"S-03 certificate":                      {accepted, certificate(-time.Hour, time.Hour)},
		"S-03 certificate within the skew":      {accepted, certificate(-time.Hour, -30*time.Second)},
		"S-03 certificate expired":              {oauth.ReasonCertificateValidity, certificate(-time.Hour, -31*time.Second)},
		"S-03 certificate not yet":              {oauth.ReasonCertificateValidity, certificate(31*time.Second, time.Hour)},
		"S-05 exp missing":                      {oauth.ReasonExpiryMissing, withoutClaim("exp")},
		"S-05 five minutes ago":                 {expired, claim("iat", at(-600), "exp", at(-300))},
		"S-05 last second":                      {accepted, until(-29)},
		"S-05 a second late":                    {expired, until(-30)},
		"S-05 in two days":                      {tooLong, claim("exp", at(2*86400))},
		"S-05 an hour":                          {accepted, claim("exp", at(3600))},
		"S-05 more than an hour":                {tooLong, claim("exp", at(3601))},
		"S-05 more than an hour, without iat":   {tooLong, all(withoutClaim("iat"), claim("exp", at(3601)))},
		"S-05 without iat":                      {accepted, withoutClaim("iat")},
		"S-06 nbf in 8 s":                       {accepted, claim("nbf", at(8))},
		"S-06 nbf in 61 s":                      {oauth.ReasonNotYetValid, claim("nbf", at(61))},
		"S-06 nbf a second early":               {oauth.ReasonNotYetValid, claim("nbf", at(31))},
		"S-06 iat in a minute":                  {oauth.ReasonIssuedInFuture, claim("iat", at(60))},
		"S-06 nbf after exp":                    {oauth.ReasonTimesContradict, claim("nbf", at(20), "exp", at(10))},
		"S-07 own key, jti missing":             {oauth.ReasonJWTIDMissing, withoutClaim("jti")},
		"S-07 own key, jti empty":               {oauth.ReasonClaimsMalformed, claim("jti", `""`)},
		"S-09 claims twice":                     {oauth.ReasonClaimsMalformed, repeated(`"sub"`, `"c1"`)},
		"S-09 rules of providers do not matter": {accepted, ruled(claimrules.Rules{Subject: "claims.x"})},
		"S-09 provider disabled":                {accepted, trusting(func(p *trust.Provider) { p.Enabled = false })},
		"S-09 garbage":                          {oauth.ReasonAssertionMalformed, text("x")},
		"S-09 encrypted":                        {oauth.ReasonAssertionEncrypted, text("a.b.c.d.e")},
	}
	for name, r := range rows {
		rows[name] = row{r.want, all(privateKey(), r.change)}
	}
	maps.Copy(rows, clientAudiences("own key", privateKey()))
	return rows
}
