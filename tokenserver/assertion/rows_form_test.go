package assertion

import (
	"crypto/elliptic"
	"strings"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

// formRows: section C, the serialization.
func formRows() map[string]row {
	const malformed, tooLarge, encrypted = oauth.ReasonAssertionMalformed, oauth.ReasonAssertionTooLarge, oauth.ReasonAssertionEncrypted
	jwe := jwttest.Part(`{"alg":"RSA-OAEP","enc":"A256GCM"}`) + ".a2V5.aXY."
	return map[string]row{
		"C-01 garbage":                       {malformed, text("fake-jwt")},
		"C-02 empty":                         {malformed, text("")},
		"C-02 one dot":                       {malformed, text(".")},
		"C-02 two dots":                      {malformed, text("..")},
		"C-02 three dots":                    {malformed, text("...")},
		"C-02 two parts":                     {malformed, edit(func(t string) string { return t[:strings.LastIndexByte(t, '.')] })},
		"C-02 four parts":                    {malformed, edit(func(t string) string { return t + ".YQ" })},
		"C-02 dot at the end":                {malformed, edit(func(t string) string { return t + "." })},
		"C-02 dot at the start":              {malformed, edit(func(t string) string { return "." + t })},
		"C-02 five parts":                    {encrypted, edit(func(t string) string { return t + ".YQ.YQ" })},
		"C-02 six parts":                     {malformed, edit(func(t string) string { return t + ".YQ.YQ.YQ" })},
		"C-02 no header":                     {malformed, parts(true, func(p []string) { p[0] = "" })},
		"W-22 two assertions":                {encrypted, edit(func(t string) string { return t + " " + t })},
		"C-05 flattened JSON":                {malformed, edit(flattened)},
		"C-05 general JSON":                  {malformed, edit(general)},
		"C-06 detached payload":              {malformed, parts(true, func(p []string) { p[1] = "" })},
		"C-12 plus in the signature":         {malformed, parts(false, func(p []string) { p[2] = strings.ReplaceAll(p[2], "-", "+") })},
		"C-12 slash in the signature":        {malformed, parts(false, func(p []string) { p[2] = strings.ReplaceAll(p[2], "_", "/") })},
		"C-12 padded signature":              {malformed, parts(false, func(p []string) { p[2] += "==" })},
		"C-12 padded payload":                {malformed, all(padded(1), parts(true, func(p []string) { p[1] += "==" }))},
		"C-13 unused bits of the header":     {malformed, parts(true, func(p []string) { p[0] = flipUnused(jwttest.Part(`{"alg":"RS256" }`)) })},
		"C-13 unused bits of the payload":    {malformed, all(padded(1), parts(true, func(p []string) { p[1] = flipUnused(p[1]) }))},
		"C-13 unused bits of the signature":  {malformed, parts(false, func(p []string) { p[2] = flipUnused(p[2]) })},
		"C-14 space before":                  {malformed, edit(func(t string) string { return " " + t })},
		"C-14 newline after":                 {malformed, edit(func(t string) string { return t + "\n" })},
		"C-14 NUL after":                     {malformed, edit(func(t string) string { return t + "\x00" })},
		"C-14 newline inside the header":     {malformed, parts(true, func(p []string) { p[0] = p[0][:8] + "\n" + p[0][8:] })},
		"C-14 newline inside the payload":    {malformed, parts(true, func(p []string) { p[1] = p[1][:8] + "\r\n" + p[1][8:] })},
		"C-14 newline inside the signature":  {malformed, parts(false, func(p []string) { p[2] = p[2][:8] + "\n" + p[2][8:] })},
		"C-14 not ASCII":                     {malformed, edit(func(t string) string { return t + "é" })},
		"C-14 a character below the digits":  {malformed, parts(false, func(p []string) { p[2] = "/" + p[2][1:] })},
		"C-14 a character above the digits":  {malformed, parts(false, func(p []string) { p[2] = ":" + p[2][1:] })},
		"C-14 an odd number of characters":   {malformed, parts(true, func(p []string) { p[1] = p[1][:len(p[1])-len(p[1])%4] + "Y" })},
		"C-23 W-32 encrypted":                {encrypted, edit(func(t string) string { return jwe + jwttest.Part(t) + ".dGFn" })},
		"C-24 encrypted and compressed":      {encrypted, text(jwttest.Part(`{"alg":"dir","enc":"A256GCM","zip":"DEF"}`) + ".." + "aXY.YQ.dGFn")},
		"C-25 encrypted with a costly key":   {encrypted, text(jwttest.Part(`{"alg":"PBES2-HS256+A128KW","enc":"A256GCM","p2c":2147483647}`) + ".YQ.YQ.YQ.YQ")},
		"R-02 a million dots":                {tooLarge, text(strings.Repeat(".", 1<<20))},
		"R-02 nothing but dots":              {malformed, text(strings.Repeat(".", 16<<10))},
		"R-02 a million parts":               {tooLarge, text(strings.Repeat("a.", 1<<19))},
		"I-05 of the greatest length":        {accepted, sized(16 << 10)},
		"I-05 longer than the greatest":      {tooLarge, sized(16<<10 + 1)},
		"C-18 header of the greatest length": {accepted, header("x5c", jwttest.Quote(strings.Repeat("x", 6144-len(`{"alg":"RS256","typ":"JWT","x5c":""}`))))},
		"C-18 header longer":                 {tooLarge, header("x5c", jwttest.Quote(strings.Repeat("x", 6145-len(`{"alg":"RS256","typ":"JWT","x5c":""}`))))},
	}
}

// headerRows: section C, the header.
func headerRows() map[string]row {
	const malformed, critical = oauth.ReasonHeaderMalformed, oauth.ReasonHeaderCritical
	const typeRefused, noAlgorithm = oauth.ReasonTypeNotAccepted, oauth.ReasonAlgorithmNotAllowed
	nested := jwttest.Compact("ES256", jwttest.EC("x", elliptic.P256()), `{"alg":"ES256"}`, `{}`)
	return map[string]row{
		"C-07 b64 false":                     {critical, header("b64", "false", "crit", `["b64"]`)},
		"C-07 b64 false without crit":        {critical, header("b64", "false")},
		"C-07 b64 true":                      {critical, header("b64", "true")},
		"C-08 crit unknown":                  {critical, header("crit", `["x"]`, "x", "1")},
		"C-09 crit empty":                    {critical, header("crit", "[]")},
		"C-09 crit null":                     {critical, header("crit", "null")},
		"C-10 crit names what is absent":     {critical, header("crit", `["exp"]`)},
		"C-15 header is an array":            {malformed, headerText(`[]`)},
		"C-15 header is a string":            {malformed, headerText(`"x"`)},
		"C-15 header is null":                {malformed, headerText(`null`)},
		"C-15 header is a number":            {malformed, headerText(`1`)},
		"C-15 header is no JSON":             {malformed, headerText(`{"alg":"RS256"`)},
		"C-15 two headers":                   {malformed, headerText(`{"alg":"RS256"}{}`)},
		"C-15 header is not UTF-8":           {malformed, headerText("{\"alg\":\"RS256\",\"x\":\"\xff\"}")},
		"C-16 header empty":                  {noAlgorithm, headerText(`{}`)},
		"C-16 alg missing":                   {noAlgorithm, withoutHeader("alg")},
		"C-16 alg null":                      {malformed, header("alg", "null")},
		"C-16 alg under another name":        {noAlgorithm, headerText(`{"ALG":"RS256"}`)},
		"C-17 alg twice":                     {malformed, headerText(`{"alg":"RS256","alg":"RS256"}`)},
		"C-17 alg twice, once escaped":       {malformed, headerText(`{"alg":"RS256","al\u0067":"none"}`)},
		"C-18 kid number":                    {malformed, header("kid", "1")},
		"C-18 kid true":                      {malformed, header("kid", "true")},
		"C-18 kid null":                      {malformed, header("kid", "null")},
		"C-18 kid array":                     {malformed, header("kid", `["b1"]`)},
		"C-18 kid object":                    {malformed, header("kid", "{}")},
		"C-18 kid empty":                     {malformed, header("kid", `""`)},
		"C-18 kid with a control character":  {malformed, header("kid", `"b\u0000"`)},
		"C-18 kid longest":                   {oauth.ReasonNoMatchingKey, all(usingB("b1"), header("kid", jwttest.Quote(strings.Repeat("k", 256))))},
		"C-18 kid too long":                  {malformed, all(usingB("b1"), header("kid", jwttest.Quote(strings.Repeat("k", 257))))},
		"C-18 kid huge":                      {oauth.ReasonAssertionTooLarge, header("kid", jwttest.Quote(strings.Repeat("k", 100_000)))},
		"C-18 kid a path":                    {oauth.ReasonNoMatchingKey, all(usingB("b1"), header("kid", `"../../dev/null"`))},
		"C-18 kid a command":                 {oauth.ReasonNoMatchingKey, all(usingB("b1"), header("kid", `"|sleep 10"`))},
		"C-18 kid a query":                   {oauth.ReasonNoMatchingKey, all(usingB("b1"), header("kid", `"x' UNION SELECT '1';--"`))},
		"C-18 x5t number":                    {malformed, header("x5t", "1")},
		"C-18 x5t too long":                  {malformed, header("x5t", jwttest.Quote(strings.Repeat("x", 257)))},
		"C-18 x5t#S256 null":                 {malformed, header("x5t#S256", "null")},
		"C-18 alg too long":                  {malformed, header("alg", jwttest.Quote(strings.Repeat("R", 33)))},
		"C-18 typ too long":                  {malformed, header("typ", jwttest.Quote(strings.Repeat("J", 129)))},
		"C-19 typ at+jwt":                    {typeRefused, header("typ", `"at+jwt"`)},
		"C-19 typ application/at+jwt":        {typeRefused, header("typ", `"application/at+jwt"`)},
		"C-20 typ logout+jwt":                {typeRefused, header("typ", `"logout+jwt"`)},
		"C-20 typ dpop+jwt":                  {typeRefused, header("typ", `"dpop+jwt"`)},
		"C-20 typ secevent+jwt":              {typeRefused, header("typ", `"secevent+jwt"`)},
		"C-20 typ token-introspection+jwt":   {typeRefused, header("typ", `"token-introspection+jwt"`)},
		"C-20 typ client-authentication+jwt": {typeRefused, header("typ", `"client-authentication+jwt"`)},
		"C-20 typ JOSE":                      {typeRefused, header("typ", `"JOSE"`)},
		"C-20 typ the bare prefix":           {typeRefused, header("typ", `"application/"`)},
		"C-20 typ with the prefix twice":     {typeRefused, header("typ", `"application/application/jwt"`)},
		"C-20 typ with a space":              {typeRefused, header("typ", `" JWT"`)},
		"C-20 typ empty":                     {malformed, header("typ", `""`)},
		"C-20 typ null":                      {malformed, header("typ", "null")},
		"C-20 typ absent":                    {accepted, withoutHeader("typ")},
		"C-20 typ jwt":                       {accepted, header("typ", `"jwt"`)},
		"C-20 typ application/jwt":           {accepted, header("typ", `"application/jwt"`)},
		"C-20 typ of RFC 7523bis":            {accepted, header("typ", `"authorization-grant+jwt"`)},
		"C-20 typ of RFC 7523bis in full":    {accepted, header("typ", `"Application/Authorization-Grant+JWT"`)},
		"C-21 nested":                        {oauth.ReasonNested, all(header("cty", `"JWT"`), payload(nested))},
		"C-21 nested without cty":            {oauth.ReasonClaimsMalformed, payload(nested)},
		"C-21 cty with good claims":          {oauth.ReasonNested, header("cty", `"JWT"`)},
		"C-21 cty of another type":           {oauth.ReasonNested, header("cty", `"json"`)},
		"C-21 cty the bare prefix":           {oauth.ReasonNested, header("cty", `"application/"`)},
		"C-21 cty number":                    {malformed, header("cty", "1")},
		"C-22 unknown parameters":            {accepted, header("x", `{"y":[1,null]}`, "zip", "null", "enc", `"A256GCM"`)},
		"C-22 too deep":                      {malformed, header("x", strings.Repeat("[", 32)+strings.Repeat("]", 32))},
	}
}

// flattened and general are the JSON serializations of RFC 7515 §7.2.
func flattened(t string) string {
	p := strings.Split(t, ".")
	return `{"payload":"` + p[1] + `","protected":"` + p[0] + `","signature":"` + p[2] + `"}`
}

func general(t string) string {
	p := strings.Split(t, ".")
	return `{"payload":"` + p[1] + `","signatures":[{"protected":"` + p[0] + `","signature":"` + p[2] + `"}]}`
}

// padded adds white space to the payload until its length leaves the given remainder by 3.
func padded(remainder int) change {
	return payloadOf(func(claims string) string {
		for len(claims)%3 != remainder {
			claims += " "
		}
		return claims
	})
}

// flipUnused changes the last character of base64url in a bit that decodes to nothing.
func flipUnused(s string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	if len(s)%4 == 0 {
		panic("no unused bits")
	}
	last := len(s) - 1
	return s[:last] + string(alphabet[strings.IndexByte(alphabet, s[last])^1])
}
