package assertion

import (
	"strconv"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// timeRows: section G. The fixture was issued now, lives 300 s, and clocks may differ by 60 s.
func timeRows() map[string]row {
	const expired, malformed, tooLong = oauth.ReasonExpired, oauth.ReasonClaimsMalformed, oauth.ReasonLifetimeTooLong
	const early, future, contradict = oauth.ReasonNotYetValid, oauth.ReasonIssuedInFuture, oauth.ReasonTimesContradict
	until := func(offset int) change { return claim("iat", at(-300), "exp", at(offset)) }
	rows := map[string]row{
		"G-01 exp missing":                  {oauth.ReasonExpiryMissing, withoutClaim("exp")},
		"G-01 exp under another name":       {oauth.ReasonExpiryMissing, all(withoutClaim("exp"), claim("EXP", at(300)))},
		"G-03 expired":                      {expired, all(claim("iat", at(-600)), claim("exp", at(-300)))},
		"G-04 two seconds too late":         {expired, until(-62)},
		"G-04 on the second":                {expired, until(-60)},
		"G-05 one second before":            {accepted, until(-59)},
		"G-05 five seconds before":          {accepted, until(-55)},
		"G-05 W-53 not refused early":       {accepted, until(5)},
		"G-05 without skew, on the second":  {expired, all(until(0), trusting(exact))},
		"G-05 without skew":                 {accepted, all(until(1), trusting(exact))},
		"G-06 ten years, no iat":            {tooLong, all(withoutClaim("iat"), claim("exp", at(10*365*86400)))},
		"G-06 longest without iat":          {accepted, all(withoutClaim("iat"), claim("exp", at(3600)))},
		"G-06 longer without iat":           {tooLong, all(withoutClaim("iat"), claim("exp", at(3601)))},
		"G-06 longest":                      {accepted, claim("exp", at(3600))},
		"G-06 longer":                       {tooLong, claim("exp", at(3601))},
		"G-06 W-56 longer but old":          {tooLong, claim("iat", at(-3600), "exp", at(1))},
		"G-06 W-56 a day where that is set": {accepted, all(claim("exp", at(60000)), trusting(func(p *trust.Provider) { p.MaxLifetime = 24 * time.Hour }))},
		"G-06 last instant":                 {tooLong, claim("exp", "253402300799")},
		"G-08 fraction":                     {accepted, claim("exp", at(300)+".9")},
		"G-08 exponent":                     {accepted, claim("exp", strconv.FormatFloat(float64(instant().Unix()+300), 'e', -1, 64))},
		"G-08 exponent of an integer":       {accepted, claim("exp", at(300)+"0e-1")},
		"G-08 fraction past":                {expired, all(until(0), claim("exp", at(-60)+".0"))},
		"G-08 fraction not yet past":        {accepted, all(until(0), claim("exp", at(-60)+".5"))},
		"G-11 nbf last second":              {accepted, claim("nbf", at(60))},
		"G-11 nbf in the future":            {early, claim("nbf", at(61))},
		"G-11 nbf an hour ahead":            {early, claim("nbf", at(3600))},
		"G-11 nbf past":                     {accepted, claim("nbf", at(-3600))},
		"G-11 nbf by a fraction too early":  {early, claim("nbf", at(60)+".5")},
		"G-12 eight seconds ahead":          {accepted, claim("nbf", at(8), "iat", at(8))},
		"G-12 W-54 five seconds, no skew":   {early, all(claim("nbf", at(5)), trusting(exact))},
		"G-13 nbf after exp":                {contradict, claim("nbf", at(50), "exp", at(40))},
		"G-13 nbf at exp":                   {accepted, claim("nbf", at(40), "exp", at(40))},
		"G-13 iat after exp":                {contradict, claim("iat", at(50), "exp", at(40))},
		"G-13 iat at exp":                   {accepted, claim("iat", at(40), "exp", at(40))},
		"G-14 W-55 issued in an hour":       {future, claim("iat", at(3600), "exp", at(3900))},
		"G-14 issued a second too late":     {future, claim("iat", at(61))},
		"G-14 issued ahead within the skew": {accepted, claim("iat", at(60))},
	}
	for _, name := range []string{"exp", "nbf", "iat"} {
		for _, value := range []string{
			`"` + at(300) + `"`, "true", "null", "[]", "{}", "-1", "-0.1", "1e99", "9223372036854775807", "9223372036854775808",
			"9999999999999999999999", "253402300800", "253402300799.5", `"NaN"`, `[` + at(300) + `]`,
		} {
			rows["G-07 "+name+" "+value] = row{malformed, claim(name, value)}
		}
	}
	return rows
}

func exact(p *trust.Provider) { p.ClockSkew = 0 }

// ageRows: the age of an assertion, where the provider bounds it.
func ageRows() map[string]row {
	aged := func(p *trust.Provider) { p.MaxAge, p.MaxLifetime = 10*time.Minute, 48*time.Hour }
	issued := func(offset int) change { return all(trusting(aged), claim("iat", at(offset))) }
	return map[string]row{
		"G-15 issued yesterday":                  {oauth.ReasonLifetimeTooLong, claim("iat", at(-86400))},
		"G-15 issued yesterday, long life":       {oauth.ReasonTooOld, issued(-86400)},
		"G-15 oldest":                            {accepted, issued(-660)},
		"G-15 a second older":                    {oauth.ReasonTooOld, issued(-661)},
		"G-15 young":                             {accepted, issued(0)},
		"G-15 any age where none is set":         {accepted, all(claim("iat", at(-86400)), trusting(func(p *trust.Provider) { p.MaxLifetime = 48 * time.Hour }))},
		"G-16 iat missing":                       {accepted, withoutClaim("iat")},
		"G-16 iat missing where age counts":      {oauth.ReasonIssuedAtMissing, all(trusting(aged), withoutClaim("iat"))},
		"G-16 iat missing, nbf does not replace": {oauth.ReasonIssuedAtMissing, all(trusting(aged), withoutClaim("iat"), claim("nbf", at(0)))},
	}
}
