package assertion

import (
	"crypto"
	"fmt"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

func signer(key any) crypto.Signer {
	s, ok := key.(crypto.Signer)
	if !ok {
		panic(fmt.Sprintf("%T does not sign", key))
	}
	return s
}

func keys(k ...*jose.PublicKey) change { return trusting(func(p *trust.Provider) { p.Keys = k }) }

// keyRows: which of a provider's keys is used, and when.
func keyRows() map[string]row {
	const validity, bad = oauth.ReasonCertificateValidity, oauth.ReasonSignatureInvalid
	keyA, second := jwttest.RSA("idp-a", 2048), jwttest.RSA("idp-a second", 2048)
	certA, cert2 := certified(keyA, -time.Hour, time.Hour), certified(second, -time.Hour, time.Hour)
	expired := certified(keyA, -time.Hour, -2*skew)
	thumbprints := func(k *jose.PublicKey) (string, string) {
		return jwttest.Quote(k.Certificate().ThumbprintSHA1), jwttest.Quote(k.Certificate().ThumbprintSHA256)
	}
	sha1A, sha256A := thumbprints(certA)
	sha1Of2, sha256Of2 := thumbprints(cert2)
	valid := func(from, until time.Duration) change { return keys(certified(keyA, from, until)) }
	return map[string]row{
		"D-13 no keys at all":                         {oauth.ReasonAlgorithmNotAllowed, keys()},
		"W-50a no kid, RSA":                           {accepted, all(usingB("b1"), withoutHeader("kid"))},
		"W-50a no kid, EC":                            {accepted, all(usingB("b2"), withoutHeader("kid"))},
		"W-50a no kid, Ed25519":                       {accepted, all(usingB("b3"), withoutHeader("kid"))},
		"W-50a no kid, second key of its kind":        {accepted, keys(public(second), public(keyA))},
		"W-50a two keys of one kid":                   {accepted, all(keys(named("k", second), named("k", keyA)), header("kid", `"k"`))},
		"W-50a kid chooses":                           {bad, all(keys(named("k1", keyA), named("k2", second)), header("kid", `"k2"`))},
		"W-50a kid where the key has none":            {accepted, header("kid", `"whatever"`)},
		"W-50a last key that is tried":                {accepted, many(15)},
		"W-50a one key more than are tried":           {bad, many(16)},
		"W-50c certificate expired":                   {validity, keys(expired)},
		"W-50c one of two expired":                    {accepted, keys(certified(second, -2*time.Hour, -time.Hour), certA)},
		"W-50c one of two expired, the other order":   {accepted, keys(certA, certified(second, -2*time.Hour, -time.Hour))},
		"W-50c the expired one signed":                {bad, keys(expired, cert2)},
		"W-50c certificate expired but not enforced":  {accepted, all(keys(expired), trusting(func(p *trust.Provider) { p.EnforceCertificates = false }))},
		"W-50c certificate not enforced, not yet":     {accepted, all(valid(time.Hour, 2*time.Hour), trusting(func(p *trust.Provider) { p.EnforceCertificates = false }))},
		"W-50c last second with skew":                 {accepted, valid(-time.Hour, -skew)},
		"W-50c one second later":                      {validity, valid(-time.Hour, -skew-time.Second)},
		"W-50c first second with skew":                {accepted, valid(skew, time.Hour)},
		"W-50c one second earlier":                    {validity, valid(skew+time.Second, time.Hour)},
		"W-50c enforced, key without certificate":     {accepted, usingB("b1")},
		"W-50h no kid with a certificate":             {accepted, withoutHeader("kid")},
		"D-14 x5t of the right certificate":           {accepted, all(keys(cert2, certA), header("x5t", sha1A))},
		"D-14 x5t#S256 of the right certificate":      {accepted, all(keys(cert2, certA), header("x5t#S256", sha256A))},
		"D-14 x5t of another certificate":             {bad, all(keys(certA, cert2), header("x5t", sha1Of2))},
		"D-14 x5t#S256 of another certificate":        {bad, all(keys(certA, cert2), header("x5t#S256", sha256Of2))},
		"D-14 x5t beside a key without certificate":   {bad, all(keys(public(keyA), cert2), header("x5t", sha1Of2))},
		"D-14 x5t of nothing known":                   {accepted, all(keys(public(second), certA, cert2), header("x5t", `"bm90aGluZw"`))},
		"D-14 x5t#S256 of nothing known":              {accepted, all(keys(cert2, certA), header("x5t#S256", `"bm90aGluZw"`))},
		"D-14 x5t of the attacker's own":              {bad, all(header("x5t", sha1A), signed("RS256", attacker()))},
		"D-14 x5t of an expired certificate":          {validity, all(keys(expired), header("x5t", first(thumbprints(expired))))},
		"D-15 expired, and another key of other kind": {validity, keys(expired, public(jwttest.Ed25519("idp-a")))},
	}
}

func first(a, _ string) string { return a }

// many puts a number of foreign keys before the one that signs.
func many(foreign int) change {
	return func(a *attempt) {
		a.provider.Keys = nil
		for i := range foreign {
			a.provider.Keys = append(a.provider.Keys, public(jwttest.Ed25519(fmt.Sprint("foreign ", i))))
		}
		key := jwttest.Ed25519("idp-a")
		a.provider.Keys = append(a.provider.Keys, public(key))
		signedAs("EdDSA", key)(a)
	}
}
