package hostile

import (
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

// Issuers of the identity providers, and audience aliases of all of them.
const (
	issuerA     = "https://idp-a.test"
	issuerB     = "https://idp-b.test"
	alias       = "https://as.test/oauth2/token"
	legacyAlias = "legacy-alias"
)

// jws is an assertion that is right until a change makes it wrong. It is signed over whatever it says then.
type jws struct {
	header, claims jwttest.Object
	// head and payload are texts in place of header and claims.
	head, payload *string
	// alg and key sign; the alg of the header is another matter.
	alg string
	key any
}

// change is one thing that is different.
type change func(*jws)

// assertion returns an assertion of A with changes: VA(A) of the list of cases where there are none.
func assertion(changes ...change) string {
	now := time.Now().Unix()
	j := &jws{
		header: jwttest.Object{}.Add("alg", `"RS256"`).Add("typ", `"JWT"`),
		claims: jwttest.Object{}.Add("iss", jwttest.Quote(issuerA)).Add("sub", `"alice"`).Add("aud", jwttest.Quote(alias)).
			Add("iat", fmt.Sprint(now)).Add("exp", fmt.Sprint(now+300)).Add("jti", jwttest.Quote(unique())),
		alg: "RS256", key: jwttest.RSA("idp-a", 2048),
	}
	for _, c := range changes {
		c(j)
	}
	head, payload := j.header.String(), j.claims.String()
	if j.head != nil {
		head = *j.head
	}
	if j.payload != nil {
		payload = *j.payload
	}
	return jwttest.Compact(j.alg, j.key, head, payload)
}

// unique returns a text that no other call returns.
func unique() string { return rand.Text() }

// header sets a header parameter to JSON text; claim does so with a claim.
func header(name, value string) change { return func(j *jws) { j.header = j.header.Set(name, value) } }

func claim(name, value string) change { return func(j *jws) { j.claims = j.claims.Set(name, value) } }

// claimToo adds one, even where there is one of that name.
func claimToo(name, value string) change {
	return func(j *jws) { j.claims = j.claims.Add(name, value) }
}

// rawClaim adds a claim whose name is JSON text too.
func rawClaim(name, value string) change {
	return func(j *jws) { j.claims = append(j.claims, jwttest.Member{Name: name, Value: value}) }
}

func withoutType() change        { return func(j *jws) { j.header = j.header.Delete("typ") } }
func without(name string) change { return func(j *jws) { j.claims = j.claims.Delete(name) } }

// head and payload replace the text of a whole part.
func head(text string) change    { return func(j *jws) { j.head = &text } }
func payload(text string) change { return func(j *jws) { j.payload = &text } }

// at sets a NumericDate to an offset from the time when the assertion is made.
func at(name string, offset time.Duration) change {
	return func(j *jws) { j.claims = j.claims.Set(name, fmt.Sprint(time.Now().Add(offset).Unix())) }
}

// signed signs with another key; by says so in the header as well.
func signed(alg string, key any) change { return func(j *jws) { j.alg, j.key = alg, key } }

func by(alg string, key any) change {
	return all(header("alg", jwttest.Quote(alg)), signed(alg, key))
}

func all(changes ...change) change {
	return func(j *jws) {
		for _, c := range changes {
			c(j)
		}
	}
}

// fromB makes it an assertion of B, signed with b2.
func fromB() change { return from(issuerB, "b2", ecKey("b2")) }

// from makes it an assertion of another issuer that signs with ES256; an empty kid is left out.
func from(issuer, kid string, key any) change {
	c := all(claim("iss", jwttest.Quote(issuer)), by("ES256", key))
	if kid != "" {
		c = all(c, header("kid", jwttest.Quote(kid)))
	}
	return c
}

// fromNamed makes it an assertion of the identity provider of that name that has one P-256 key of the same name.
func fromNamed(name string) change { return from("https://"+name+".test", "", ecKey(name)) }

func ecKey(name string) any { return jwttest.EC(name, elliptic.P256()) }
