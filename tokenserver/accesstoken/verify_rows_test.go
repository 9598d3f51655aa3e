package accesstoken

import (
	"crypto/elliptic"
	"encoding/base64"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

// token is an access token of the server that is right until a row changes it. It is signed over whatever it says then.
type token struct {
	header, claims jwttest.Object
	// payload is a text in place of claims.
	payload string
	alg     string
	key     any
	// text replaces the whole.
	text func(whole string) string
}

func kid() string { return signer().PublicKey().KeyID() }

func newToken() *token {
	date := func(offset time.Duration) string { return strconv.FormatInt(noon.Add(offset).Unix(), 10) }
	return &token{
		header: jwttest.Object{}.Add("alg", `"ES256"`).Add("typ", `"at+jwt"`).Add("kid", jwttest.Quote(kid())),
		claims: jwttest.Object{}.Add("iss", jwttest.Quote(server)).Add("sub", `"team-a/idp:alice"`).Add("aud", `"https://api.example.com"`).
			Add("exp", date(time.Hour)).Add("iat", date(0)).Add("jti", `"id"`).Add("client_id", `"app"`).Add("scope", `"read"`),
		alg: "ES256", key: jwttest.EC("signer", elliptic.P256()),
	}
}

func (k *token) String() string {
	payload := k.payload
	if payload == "" {
		payload = k.claims.String()
	}
	whole := jwttest.Compact(k.alg, k.key, k.header.String(), payload)
	if k.text != nil {
		return k.text(whole)
	}
	return whole
}

// row is one change and what becomes of the token.
type row struct {
	want   oauth.Reason // empty where it is verified
	change func(*token)
}

const verified oauth.Reason = ""

func claim(name, value string) func(*token) {
	return func(k *token) { k.claims = k.claims.Set(name, value) }
}

func without(name string) func(*token) {
	return func(k *token) { k.claims = k.claims.Delete(name) }
}

func header(name, value string) func(*token) {
	return func(k *token) { k.header = k.header.Set(name, value) }
}

func payload(text string) func(*token) { return func(k *token) { k.payload = text } }

func whole(edit func(string) string) func(*token) { return func(k *token) { k.text = edit } }

// by signs with another key, and says so.
func by(alg string, key any) func(*token) {
	return func(k *token) { k.alg, k.key, k.header = alg, key, k.header.Set("alg", jwttest.Quote(alg)) }
}

func at(name string, offset time.Duration) func(*token) {
	return claim(name, strconv.FormatInt(noon.Add(offset).Unix(), 10))
}

func all(changes ...func(*token)) func(*token) {
	return func(k *token) {
		for _, change := range changes {
			change(k)
		}
	}
}

// next is a key of the ring that does not sign yet.
func next() any { return jwttest.EC("next", elliptic.P256()) }

func verifyRing() *keyring.Ring {
	return must(keyring.New(
		keyring.Key{Signer: signer(), ActiveFrom: noon.Add(-time.Hour)},
		keyring.Key{Signer: signerOf(jwttest.EC("next", elliptic.P256())), ActiveFrom: noon.Add(time.Hour)},
	))
}

func rows() map[string]row {
	all := map[string]row{}
	for _, part := range []map[string]row{formRows(), keyRows(), claimRows(), timeRows()} {
		maps.Copy(all, part)
	}
	return all
}

func formRows() map[string]row {
	last := func(s string) string { return s[strings.LastIndexByte(s, '.')+1:] }
	return map[string]row{
		"fixture":                      {verified, func(*token) {}},
		"N-04 empty":                   {oauth.ReasonTokenMalformed, whole(func(string) string { return "" })},
		"N-04 garbage":                 {oauth.ReasonTokenMalformed, whole(func(string) string { return "fake-jwt" })},
		"two parts":                    {oauth.ReasonTokenMalformed, whole(func(s string) string { return strings.TrimSuffix(s, "."+last(s)) })},
		"four parts":                   {oauth.ReasonTokenMalformed, whole(func(s string) string { return s + ".AA" })},
		"five parts":                   {oauth.ReasonTokenMalformed, whole(func(s string) string { return s + ".AA.AA" })},
		"space behind":                 {oauth.ReasonTokenMalformed, whole(func(s string) string { return s + " " })},
		"line before":                  {oauth.ReasonTokenMalformed, whole(func(s string) string { return "\n" + s })},
		"padding":                      {oauth.ReasonTokenMalformed, whole(func(s string) string { return s + "==" })},
		"Bearer before":                {oauth.ReasonTokenMalformed, whole(func(s string) string { return "Bearer " + s })},
		"longer than a request":        {oauth.ReasonTokenMalformed, claim("team", jwttest.Quote(strings.Repeat("t", 50_000)))},
		"longer than an assertion":     {verified, claim("team", jwttest.Quote(strings.Repeat("t", 40_000)))},
		"N-06 typ of an assertion":     {oauth.ReasonTokenType, header("typ", `"JWT"`)},
		"N-06 no typ":                  {oauth.ReasonTokenType, func(k *token) { k.header = k.header.Delete("typ") }},
		"N-06 typ of client assertion": {oauth.ReasonTokenType, header("typ", `"client-authentication+jwt"`)},
		"typ of logout":                {oauth.ReasonTokenType, header("typ", `"logout+jwt"`)},
		"typ of introspection":         {oauth.ReasonTokenType, header("typ", `"token-introspection+jwt"`)},
		"typ in full":                  {verified, header("typ", `"application/at+jwt"`)},
		"typ in capitals":              {verified, header("typ", `"AT+JWT"`)},
		"typ twice":                    {oauth.ReasonTokenMalformed, func(k *token) { k.header = k.header.Add("typ", `"JWT"`) }},
		"cty":                          {oauth.ReasonTokenMalformed, header("cty", `"JWT"`)},
		"crit":                         {oauth.ReasonTokenMalformed, header("crit", `["exp"]`)},
		"b64":                          {oauth.ReasonTokenMalformed, header("b64", `true`)},
		"header is a list":             {oauth.ReasonTokenMalformed, whole(func(s string) string { return jwttest.Part("[]") + s[strings.IndexByte(s, '.'):] })},
	}
}

func keyRows() map[string]row {
	other := jwttest.EC("other", elliptic.P256())
	spoil := func(edit func([]byte) []byte) func(*token) {
		return whole(func(s string) string {
			i := strings.LastIndexByte(s, '.') + 1
			return s[:i] + base64.RawURLEncoding.EncodeToString(edit(must(base64.RawURLEncoding.DecodeString(s[i:]))))
		})
	}
	secret := func(key []byte) func(*token) { return by("HS256", key) }
	return map[string]row{
		"key that is published ahead":  {verified, all(by("ES256", next()), header("kid", jwttest.Quote(signerOf(jwttest.EC("next", elliptic.P256())).PublicKey().KeyID())))},
		"N-06 key of another server":   {oauth.ReasonTokenKeyUnknown, all(by("ES256", other), header("kid", `"other"`))},
		"key of another, kid of ours":  {oauth.ReasonTokenSignature, by("ES256", other)},
		"kid of another of our keys":   {oauth.ReasonTokenSignature, by("ES256", next())},
		"no kid":                       {oauth.ReasonTokenKeyUnknown, func(k *token) { k.header = k.header.Delete("kid") }},
		"kid in other case":            {oauth.ReasonTokenKeyUnknown, header("kid", jwttest.Quote(strings.ToLower(kid())))},
		"key in the header":            {oauth.ReasonTokenSignature, all(by("ES256", other), header("jwk", must(jose.NewPublicKey(other.Public())).JWK()))},
		"N-03 alg none":                {oauth.ReasonTokenSignature, header("alg", `"none"`)},
		"N-03 alg none, no signature":  {oauth.ReasonTokenMalformed, all(header("alg", `"none"`), whole(func(s string) string { return s[:strings.LastIndexByte(s, '.')+1] }))},
		"N-03 alg none, one byte":      {oauth.ReasonTokenSignature, all(header("alg", `"none"`), spoil(func([]byte) []byte { return []byte{0} }))},
		"N-03 no alg":                  {oauth.ReasonTokenSignature, func(k *token) { k.header = k.header.Delete("alg") }},
		"N-03 HS256 with the JWK":      {oauth.ReasonTokenSignature, secret([]byte(signer().PublicKey().JWK()))},
		"N-03 HS256 with the kid":      {oauth.ReasonTokenSignature, secret([]byte(kid()))},
		"N-03 HS256 with nothing":      {oauth.ReasonTokenSignature, secret(nil)},
		"N-03 alg of another family":   {oauth.ReasonTokenSignature, header("alg", `"RS256"`)},
		"N-03 alg of a larger curve":   {oauth.ReasonTokenSignature, header("alg", `"ES384"`)},
		"N-03 alg in small letters":    {oauth.ReasonTokenSignature, header("alg", `"es256"`)},
		"N-03 signature cut":           {oauth.ReasonTokenSignature, spoil(func(s []byte) []byte { return s[:len(s)-1] })},
		"N-03 signature of zeros":      {oauth.ReasonTokenSignature, spoil(func(s []byte) []byte { return make([]byte, len(s)) })},
		"N-03 one bit of signature":    {oauth.ReasonTokenSignature, spoil(func(s []byte) []byte { s[9] ^= 1; return s })},
		"N-03 payload of another":      {oauth.ReasonTokenSignature, whole(changePayload)},
		"N-03 payload of another, alg": {oauth.ReasonTokenSignature, all(header("alg", `"none"`), whole(changePayload))},
	}
}

// changePayload puts another payload before the signature.
func changePayload(s string) string {
	parts := strings.Split(s, ".")
	parts[1] = jwttest.Part(newToken().claims.Set("scope", `"read admin"`).String())
	return strings.Join(parts, ".")
}

func claimRows() map[string]row {
	rows := map[string]row{
		"payload is no object":         {oauth.ReasonTokenMalformed, payload(`["iss"]`)},
		"payload is no JSON":           {oauth.ReasonTokenMalformed, payload("iss")},
		"text after the payload":       {oauth.ReasonTokenMalformed, payload(newToken().claims.String() + "{}")},
		"space around":                 {verified, payload(" \n" + newToken().claims.String() + " ")},
		"claim twice":                  {oauth.ReasonTokenMalformed, func(k *token) { k.claims = k.claims.Add("client_id", `"other"`) }},
		"claim twice, escaped":         {oauth.ReasonTokenMalformed, func(k *token) { k.claims = append(k.claims, jwttest.Member{Name: `"j\u0074i"`, Value: `"x"`}) }},
		"claim of ours in capitals":    {oauth.ReasonTokenMalformed, claim("SUB", `"admin"`)},
		"N-03 claim active":            {oauth.ReasonTokenMalformed, claim("active", "true")},
		"claim token_type":             {oauth.ReasonTokenMalformed, claim("token_type", `"access_token"`)},
		"claim username":               {oauth.ReasonTokenMalformed, claim("username", `"admin"`)},
		"claim cnf, which none has":    {oauth.ReasonTokenMalformed, claim("cnf", `{"jkt":"x"}`)},
		"claim nbf, which none has":    {oauth.ReasonTokenMalformed, at("nbf", 0)},
		"claim nonce of an ID token":   {oauth.ReasonTokenMalformed, claim("nonce", `"x"`)},
		"claim without a name":         {oauth.ReasonTokenMalformed, claim("", "1")},
		"mapped claim":                 {verified, claim("groups", `["dev",{"a":null}]`)},
		"mapped claim, names repeated": {oauth.ReasonTokenMalformed, claim("groups", `{"a":1,"a":2}`)},
		"act":                          {verified, claim("act", `{"sub":"team-a/idp:bob","act":{"sub":"x"}}`)},
		"act is a text":                {oauth.ReasonTokenMalformed, claim("act", `"bob"`)},
		"act, names repeated":          {oauth.ReasonTokenMalformed, claim("act", `{"sub":"a","sub":"b"}`)},
		"several audiences":            {verified, claim("aud", `["https://a","https://b"]`)},
		"audience of numbers":          {oauth.ReasonTokenMalformed, claim("aud", "[1]")},
		"no audience in the list":      {oauth.ReasonTokenMalformed, claim("aud", "[]")},
		"no scope":                     {verified, without("scope")},
		"scope is a list":              {oauth.ReasonTokenMalformed, claim("scope", `["read"]`)},
		"issuer with a slash":          {oauth.ReasonTokenIssuer, claim("iss", jwttest.Quote(server+"/"))},
		"N-06 issuer of a tenant":      {oauth.ReasonTokenIssuer, claim("iss", jwttest.Quote(server+"/t/team-a"))},
		"N-06 issuer of another":       {oauth.ReasonTokenIssuer, claim("iss", `"https://idp.example.com"`)},
		"issuer is a list":             {oauth.ReasonTokenMalformed, claim("iss", `["`+server+`"]`)},
		"jti is a number":              {oauth.ReasonTokenMalformed, claim("jti", "1")},
		"client_id is null":            {oauth.ReasonTokenMalformed, claim("client_id", "null")},
		"sub is empty":                 {oauth.ReasonTokenMalformed, claim("sub", `""`)},
		"exp is a text":                {oauth.ReasonTokenMalformed, claim("exp", `"1780318800"`)},
		"exp beyond all bounds":        {oauth.ReasonTokenMalformed, claim("exp", "1e300")},
	}
	for _, name := range []string{"iss", "sub", "aud", "exp", "iat", "jti", "client_id"} {
		rows["without "+name] = row{oauth.ReasonTokenClaimMissing, without(name)}
	}
	return rows
}

func timeRows() map[string]row {
	return map[string]row{
		"N-04 expired":              {oauth.ReasonTokenExpired, all(at("iat", -time.Hour), at("exp", -time.Second))},
		"N-04 expires now":          {oauth.ReasonTokenExpired, all(at("iat", -time.Hour), at("exp", 0))},
		"expires in a second":       {verified, all(at("iat", -time.Hour), at("exp", time.Second))},
		"a clock that is ahead":     {verified, at("iat", maxAhead)},
		"from the future":           {oauth.ReasonTokenTimes, at("iat", maxAhead+time.Second)},
		"over before it was issued": {oauth.ReasonTokenTimes, all(at("iat", 10*time.Second), at("exp", 9*time.Second))},
		"over when it was issued":   {oauth.ReasonTokenTimes, all(at("iat", 10*time.Second), at("exp", 10*time.Second))},
	}
}
