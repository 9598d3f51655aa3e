package assertion

import (
	"strings"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

func aud(value string) change { return claim("aud", value) }

func aliases(a ...string) change {
	return trusting(func(p *trust.Provider) { p.AudienceAliases = a })
}

func sole(p *trust.Provider) { p.SoleAudience = true }

// audienceRows: section F.
func audienceRows() map[string]row {
	const mismatch, malformed = oauth.ReasonAudienceMismatch, oauth.ReasonClaimsMalformed
	elsewhere := provider("idp-b", issuerB)
	elsewhere.Key.Namespace, elsewhere.AudienceAliases = "ns-b", []string{"alias-of-b"}
	rows := map[string]row{
		"F-01 aud missing":                       {oauth.ReasonAudienceMissing, withoutClaim("aud")},
		"F-01 aud under another name":            {oauth.ReasonAudienceMissing, all(withoutClaim("aud"), claim("Aud", jwttest.Quote(alias)))},
		"F-02 audience of another server":        {mismatch, aud(`"https://other.test"`)},
		"F-03 aud empty":                         {mismatch, aud(`""`)},
		"F-03 aud empty list":                    {malformed, aud(`[]`)},
		"F-03 aud list of an empty string":       {mismatch, aud(`[""]`)},
		"F-03 aud null":                          {malformed, aud(`null`)},
		"F-03 aud empty where an alias is empty": {mismatch, all(aud(`""`), aliases(""))},
		"F-03 aud list, an alias is empty":       {mismatch, all(aud(`["x",""]`), aliases(""))},
		"F-04 aud number":                        {malformed, aud(`1`)},
		"F-04 aud object":                        {malformed, aud(`{"` + alias + `":1}`)},
		"F-04 aud list of a number":              {malformed, aud(`[1]`)},
		"F-04 aud list of a list":                {malformed, aud(`[["` + alias + `"]]`)},
		"F-04 aud list with a number":            {malformed, aud(`["` + alias + `",1]`)},
		"F-04 aud list with null":                {malformed, aud(`["` + alias + `",null]`)},
		"F-05 first alias":                       {accepted, aud(jwttest.Quote(alias))},
		"F-05 second alias":                      {accepted, aud(`"legacy-alias"`)},
		"F-05 alias in a list":                   {accepted, aud(`["` + alias + `"]`)},
		"F-05 alias twice":                       {accepted, aud(`["` + alias + `","` + alias + `"]`)},
		"F-06 W-52 alias among others":           {accepted, aud(`["https://elsewhere.test","` + alias + `"]`)},
		"F-06 sole: alias among others":          {mismatch, all(trusting(sole), aud(`["`+alias+`","https://elsewhere.test"]`))},
		"F-06 sole: others before":               {mismatch, all(trusting(sole), aud(`["https://elsewhere.test","`+alias+`"]`))},
		"F-06 sole: alias and nothing":           {mismatch, all(trusting(sole), aud(`["`+alias+`",""]`))},
		"F-06 sole: others only":                 {mismatch, all(trusting(sole), aud(`"https://elsewhere.test"`))},
		"F-06 sole: alias":                       {accepted, all(trusting(sole), aud(jwttest.Quote(alias)))},
		"F-06 sole: both aliases":                {accepted, all(trusting(sole), aud(`["legacy-alias","`+alias+`"]`))},
		"F-08 longer than the alias":             {mismatch, aud(`"` + alias + `.evil"`)},
		"F-08 shorter than the alias":            {mismatch, aud(`"https://as"`)},
		"F-10 client id":                         {mismatch, aud(`"c1"`)},
		"F-12 alias of another tenant":           {mismatch, all(beside(elsewhere), aud(`"alias-of-b"`))},
		"F-13 no alias configured":               {mismatch, aliases()},
		"F-13 no alias configured, sole":         {mismatch, all(aliases(), trusting(sole))},
		"F-14 alias of another deployment":       {mismatch, aud(`"https://staging.as.test/oauth2/token"`)},
		"F-15 escaped":                           {accepted, aud(`"https:\/\/\u0061s.test/oauth2/token"`)},
		"F-16 as many as are allowed":            {accepted, aud(`[` + strings.Repeat(`"x",`, 63) + jwttest.Quote(alias) + `]`)},
		"F-16 one too many":                      {malformed, aud(`[` + strings.Repeat(`"x",`, 64) + jwttest.Quote(alias) + `]`)},
	}
	for _, wrong := range []string{
		alias + "/", strings.ToUpper(alias), "https://as.test:443/oauth2/token", alias + " ", "https://as.test/oauth2%2Ftoken",
		alias + " legacy-alias", alias + "?", alias + "#", "LEGACY-ALIAS",
	} {
		rows["F-07 "+wrong] = row{mismatch, aud(jwttest.Quote(wrong))}
	}
	for _, endpoint := range []string{"introspect", "revoke", "jwks"} {
		rows["F-09 "+endpoint] = row{mismatch, aud(jwttest.Quote(ownIssuer + "/oauth2/" + endpoint))}
	}
	return rows
}
