package assertion

import (
	"strings"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// issuerRows: section E, and which provider may vouch for which client.
func issuerRows() map[string]row {
	const malformed, unknown = oauth.ReasonClaimsMalformed, oauth.ReasonProviderUnknown
	rogue := jwttest.RSA("rogue", 2048)
	elsewhere := provider("evil", issuerA, public(rogue))
	elsewhere.Key.Namespace, elsewhere.Created = "ns-b", instant().Add(-time.Hour)
	younger := provider("evil", issuerA, public(rogue))
	younger.Created = instant().Add(time.Second)
	ours := provider("self", ownIssuer, public(jwttest.RSA("idp-a", 2048)))
	tenants := provider("self", ownTenants+"team-a", public(jwttest.RSA("idp-a", 2048)))
	longest := "https://" + strings.Repeat("i", 504)
	return map[string]row{
		"E-01 iss missing":                     {oauth.ReasonIssuerMissing, withoutClaim("iss")},
		"E-01 iss under another name":          {oauth.ReasonIssuerMissing, all(withoutClaim("iss"), claim("ISS", jwttest.Quote(issuerA)))},
		"E-02 unknown issuer":                  {unknown, claim("iss", `"https://fake.test"`)},
		"E-03 iss empty":                       {malformed, claim("iss", `""`)},
		"E-03 iss a list":                      {malformed, claim("iss", `["`+issuerA+`"]`)},
		"E-04 slash at the end":                {unknown, claim("iss", `"`+issuerA+`/"`)},
		"E-04 scheme in capitals":              {unknown, claim("iss", `"HTTPS://idp-a.test"`)},
		"E-04 host in capitals":                {unknown, claim("iss", `"https://IDP-A.test"`)},
		"E-04 port":                            {unknown, claim("iss", `"`+issuerA+`:443"`)},
		"E-04 escaped slash":                   {unknown, claim("iss", `"`+issuerA+`%2f"`)},
		"E-04 space at the end":                {unknown, claim("iss", `"`+issuerA+` "`)},
		"E-04 NUL at the end":                  {malformed, claim("iss", `"`+issuerA+`\u0000"`)},
		"E-04 tab at the end":                  {malformed, claim("iss", `"`+issuerA+`\t"`)},
		"E-04 JSON escapes":                    {accepted, claim("iss", `"https:\/\/idp-a\u002etest"`)},
		"E-05 longest issuer":                  {accepted, all(claim("iss", jwttest.Quote(longest)), trusting(func(p *trust.Provider) { p.Issuer = longest }))},
		"E-05 issuer too long":                 {malformed, claim("iss", jwttest.Quote(longest+"i"))},
		"E-06 dot as any character":            {unknown, claim("iss", `"https://idp-aXtest"`)},
		"E-06 prefix":                          {unknown, claim("iss", `"https://idp-a.tes"`)},
		"E-06 longer":                          {unknown, claim("iss", `"https://idp-a.test.evil"`)},
		"E-07 name of the provider":            {unknown, claim("iss", `"idp-a"`)},
		"E-10 same issuer in another tenant":   {accepted, beside(elsewhere)},
		"E-10 key of another tenant":           {oauth.ReasonSignatureInvalid, all(beside(elsewhere), signed("RS256", rogue))},
		"E-10 provider of another tenant only": {unknown, all(beside(elsewhere), signed("RS256", rogue), trusting(func(p *trust.Provider) { p.Issuer = issuerB }))},
		"E-10 older of two providers":          {accepted, beside(younger)},
		"E-10 younger of two providers":        {oauth.ReasonSignatureInvalid, all(beside(younger), signed("RS256", rogue))},
		"E-11 self-issued":                     {oauth.ReasonSelfIssued, claim("iss", jwttest.Quote(ownIssuer))},
		"E-11 W-42 self-issued and declared":   {oauth.ReasonSelfIssued, all(beside(ours), claim("iss", jwttest.Quote(ownIssuer)))},
		"E-11 W-42 self-issued by a tenant":    {oauth.ReasonSelfIssued, all(beside(tenants), claim("iss", jwttest.Quote(ownTenants+"team-a")))},
		"E-11 beside the tenants":              {unknown, claim("iss", jwttest.Quote(ownIssuer+"/tenant"))},
		"E-11 own access token":                {oauth.ReasonSelfIssued, all(header("typ", `"at+jwt"`), claim("iss", jwttest.Quote(ownIssuer)))},
		"W-41 provider disabled":               {oauth.ReasonProviderDisabled, trusting(func(p *trust.Provider) { p.Enabled = false })},
		"W-43 provider of other clients":       {oauth.ReasonProviderNotAllowed, client(func(c *trust.Client) { c.Providers = providers("idp-b") })},
		"W-43 no provider at all":              {oauth.ReasonProviderNotAllowed, client(func(c *trust.Client) { c.Providers = []trust.ObjectKey{} })},
		"W-43 provider named":                  {accepted, client(func(c *trust.Client) { c.Providers = providers("idp-b", "idp-a") })},
		"W-43 disabled and not allowed": {oauth.ReasonProviderNotAllowed, all(
			client(func(c *trust.Client) { c.Providers = providers("idp-b") }), trusting(func(p *trust.Provider) { p.Enabled = false }))},
	}
}

// foreignKeyRows: D-08 … D-13: keys that the assertion brings along, and keys of others.
func foreignKeyRows() map[string]row {
	evil := jwttest.RSA("attacker", 2048)
	jwk := public(evil).JWK()
	cert := func(key *jose.PublicKey) string { return key.Certificate().ThumbprintSHA256 }
	genuine := certified(jwttest.RSA("idp-a", 2048), 0, time.Hour)
	x5c := jwttest.Quote(strings.TrimRight(jwttest.Part(string(jwttest.Certificate(evil, instant(), instant().Add(time.Hour)))), "="))
	bad := oauth.ReasonSignatureInvalid
	return map[string]row{
		"D-08 embedded jwk":              {bad, all(signed("RS256", evil), header("jwk", jwk))},
		"D-08 embedded jwk with kid":     {bad, all(usingB("b1"), signed("RS256", evil), header("jwk", jwk))},
		"D-08 embedded jwk is ignored":   {accepted, header("jwk", jwk)},
		"D-09 embedded x5c":              {bad, all(signed("RS256", evil), header("x5c", `[`+x5c+`]`))},
		"D-10 chain to a trusted key":    {bad, all(signed("RS256", evil), header("x5c", `[`+x5c+`,`+jwttest.Quote(cert(genuine))+`]`))},
		"D-11 jku":                       {bad, all(signed("RS256", evil), header("jku", `"https://127.0.0.1:1/jwks"`))},
		"D-11 x5u":                       {bad, all(signed("RS256", evil), header("x5u", `"file:///etc/passwd"`))},
		"D-11 jku and x5u are ignored":   {accepted, header("jku", `1`, "x5u", `null`)},
		"D-12 other key, right kid":      {bad, all(usingB("b1"), signed("RS256", evil))},
		"D-12 other key of the provider": {bad, all(usingB("b2"), withoutHeader("kid"), signedAs("RS256", evil))},
		"D-12 key of another provider":   {bad, all(usingB("b1"), withoutHeader("kid"), signed("RS256", jwttest.RSA("idp-a", 2048)))},
		"D-13 unknown kid":               {oauth.ReasonNoMatchingKey, all(usingB("b1"), header("kid", `"b9"`))},
		"D-13 kid in capitals":           {oauth.ReasonNoMatchingKey, all(usingB("b1"), header("kid", `"B1"`))},
		"D-26 unknown issuer, known key": {oauth.ReasonProviderUnknown, claim("iss", `"https://unknown.test"`)},
	}
}
