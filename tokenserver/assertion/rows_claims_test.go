package assertion

import (
	"strconv"
	"strings"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// subjectRows: section H, as far as one assertion shows it.
func subjectRows() map[string]row {
	const malformed, accept = oauth.ReasonClaimsMalformed, accepted
	replay := func(r trust.ReplayPolicy) change { return trusting(func(p *trust.Provider) { p.Replay = r }) }
	rows := map[string]row{
		"H-01 sub missing":                            {oauth.ReasonSubjectMissing, withoutClaim("sub")},
		"H-01 sub under another name":                 {oauth.ReasonSubjectMissing, all(withoutClaim("sub"), claim("Sub", `"alice"`))},
		"H-02 sub empty":                              {malformed, claim("sub", `""`)},
		"H-02 sub a space":                            {malformed, claim("sub", `" "`)},
		"H-02 sub with a space after":                 {malformed, claim("sub", `"alice "`)},
		"H-02 sub with a space before":                {malformed, claim("sub", `" alice"`)},
		"H-02 sub with a no-break space after":        {malformed, claim("sub", `"alice\u00a0"`)},
		"H-02 sub with a space inside":                {accept, claim("sub", `"alice b"`)},
		"H-02 sub with a newline":                     {malformed, claim("sub", `"alice\nadmin"`)},
		"H-02 sub with NUL":                           {malformed, claim("sub", `"admin\u0000alice"`)},
		"H-02 sub with half a surrogate":              {malformed, claim("sub", `"alice\ud800"`)},
		"H-02 sub in other scripts":                   {accept, claim("sub", `"Алиса 愛麗絲"`)},
		"H-03 sub longest":                            {accept, claim("sub", jwttest.Quote(strings.Repeat("s", 512)))},
		"H-03 sub too long":                           {malformed, claim("sub", jwttest.Quote(strings.Repeat("s", 513)))},
		"H-03 sub too long in bytes":                  {malformed, claim("sub", jwttest.Quote(strings.Repeat("é", 257)))},
		"H-03 sub huge":                               {oauth.ReasonAssertionTooLarge, claim("sub", jwttest.Quote(strings.Repeat("s", 100_000)))},
		"H-05 sub twice":                              {malformed, repeated(`"sub"`, `"admin"`)},
		"H-05 sub twice, the same":                    {malformed, repeated(`"sub"`, `"alice"`)},
		"H-05 sub twice, once escaped":                {malformed, repeated(`"s\u0075b"`, `"admin"`)},
		"H-05 sub escaped":                            {accept, all(withoutClaim("sub"), repeated(`"s\u0075b"`, `"alice"`))},
		"H-05 unknown claim twice":                    {malformed, all(claim("x", "1"), repeated(`"x"`, "1"))},
		"H-05 twice inside a claim that is not read":  {accept, claim("x", `{"sub":1,"sub":2}`)},
		"H-06 claims that nobody asked for":           {accept, claim("client_id", `"c9"`, "azp", `"c9"`, "scope", `"admin"`, "roles", `["root"]`, "act", `{"sub":"x"}`, "cnf", `{}`)},
		"H-07 client_id of another client is ignored": {accept, claim("client_id", `"c5"`)},
		"H-16 jti empty":                              {malformed, claim("jti", `""`)},
		"H-16 jti longest":                            {accept, claim("jti", jwttest.Quote(strings.Repeat("j", 512)))},
		"H-16 jti too long":                           {malformed, claim("jti", jwttest.Quote(strings.Repeat("j", 513)))},
		"H-16 jti huge":                               {oauth.ReasonAssertionTooLarge, claim("jti", jwttest.Quote(strings.Repeat("j", 100_000)))},
		"H-16 jti with NUL":                           {malformed, claim("jti", `"a\u0000b"`)},
		"H-17 jti missing":                            {accept, withoutClaim("jti")},
		"H-17 jti missing where assertions work once": {oauth.ReasonJWTIDMissing, all(replay(trust.ReplayOneTime), withoutClaim("jti"))},
		"H-17 jti where assertions work once":         {accept, replay(trust.ReplayOneTime)},
		"H-17 jti missing where reuse is allowed":     {accept, all(replay(trust.ReplayReuse), withoutClaim("jti"))},
	}
	for _, name := range []string{"iss", "aud", "exp", "nbf", "iat", "jti"} {
		rows["H-05 "+name+" twice"] = row{malformed, all(claim(name, value(name)), repeated(`"`+name+`"`, value(name)))}
	}
	return rows
}

// value is a good value of a claim.
func value(claim string) string {
	switch claim {
	case "iss":
		return jwttest.Quote(issuerA)
	case "aud":
		return jwttest.Quote(alias)
	case "jti":
		return `"1"`
	default:
		return at(10)
	}
}

// payloadRows: section I: what a correct signature does not make harmless.
func payloadRows() map[string]row {
	const malformed = oauth.ReasonClaimsMalformed
	nested := func(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }
	claims := func(n int) change {
		return func(a *attempt) {
			for i := len(a.claims); i < n; i++ {
				a.claims = append(a.claims, jwttest.Member{Name: strconv.Quote(strconv.Itoa(i)), Value: "1"})
			}
		}
	}
	rows := map[string]row{
		"I-02 payload empty":                {oauth.ReasonAssertionMalformed, payload("")},
		"I-02 payload of white space":       {malformed, payload("  ")},
		"I-03 byte order mark":              {malformed, payloadOf(func(c string) string { return "\xef\xbb\xbf" + c })},
		"I-03 UTF-16":                       {malformed, payloadOf(utf16)},
		"I-03 not UTF-8":                    {malformed, claim("x", "\"\xff\"")},
		"I-03 overlong UTF-8":               {malformed, claim("x", "\"\xc0\xaf\"")},
		"I-04 text after":                   {malformed, payloadOf(func(c string) string { return c + "x" })},
		"I-04 object after":                 {malformed, payloadOf(func(c string) string { return c + "{}" })},
		"I-04 white space around":           {accepted, payloadOf(func(c string) string { return " \t\r\n" + c + " \t\r\n" })},
		"I-04 comment":                      {malformed, payloadOf(func(c string) string { return c + "/**/" })},
		"I-04 comma at the end":             {malformed, payloadOf(func(c string) string { return strings.TrimSuffix(c, "}") + ",}" })},
		"I-04 not closed":                   {malformed, payloadOf(func(c string) string { return strings.TrimSuffix(c, "}") })},
		"I-04 not opened":                   {malformed, payloadOf(func(c string) string { return strings.TrimPrefix(c, "{") })},
		"I-04 closed twice":                 {malformed, payloadOf(func(c string) string { return c + "}" })},
		"I-04 name without quotes":          {malformed, repeated(`x`, `1`)},
		"I-04 name in single quotes":        {malformed, repeated(`'x'`, `1`)},
		"I-04 name a number":                {malformed, repeated(`1`, `1`)},
		"I-04 value missing":                {malformed, repeated(`"x"`, ``)},
		"I-04 leading zero":                 {malformed, repeated(`"x"`, `01`)},
		"I-04 NaN":                          {malformed, repeated(`"x"`, `NaN`)},
		"I-04 string in single quotes":      {malformed, claim("x", `'x'`)},
		"I-04 newline in a string":          {malformed, claim("x", "\"\n\"")},
		"I-05 deepest":                      {accepted, claim("x", nested(31))},
		"I-05 deeper":                       {malformed, claim("x", nested(32))},
		"I-05 deeper, of objects":           {malformed, claim("x", strings.Repeat(`{"x":`, 32)+"1"+strings.Repeat("}", 32))},
		"I-05 far too deep":                 {malformed, claim("x", nested(4000))},
		"I-05 far too deep and never ended": {malformed, payload(strings.Repeat("[", 9000))},
		"I-05 too deep for the length":      {oauth.ReasonAssertionTooLarge, claim("x", nested(10_000))},
		"I-05 wide, not deep":               {accepted, claim("x", "["+strings.Repeat("[],", 500)+"[]]")},
		"I-05 brackets in strings":          {accepted, claim("x", `"`+strings.Repeat(`[{\"`, 100)+`"`)},
		"I-05 quote in a string, then deep": {malformed, claim("x", `"\\"`, "y", nested(32))},
		"I-07 as many claims as allowed":    {accepted, claims(256)},
		"I-07 one claim too many":           {malformed, claims(257)},
		"I-07 claims without end":           {oauth.ReasonAssertionTooLarge, claims(20_000)},
		"I-08 prototype names":              {accepted, claim("__proto__", `{"sub":"admin"}`, "constructor", "1", "hasOwnProperty", "null")},
		"I-09 expressions stay text":        {accepted, claim("sub", `"${jndi:ldap://x} {{.}} $(id) ' OR 1=1"`)},
	}
	for _, text := range []string{`[]`, `"x"`, `1`, `null`, `true`} {
		rows["I-02 payload "+text] = row{malformed, payload(text)}
	}
	rows["I-02 payload a list of claims"] = row{malformed, payloadOf(func(c string) string { return "[" + c + "]" })}
	return rows
}

func utf16(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteByte(0)
		b.WriteByte(s[i])
	}
	return b.String()
}
