package resolve

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"strings"
	"testing"
)

// What a person reads who has put the wrong thing into a Secret: each message names the mix-up and the way out.
func TestMessagesSayWhatToDo(t *testing.T) {
	f := fixtures()
	good := certPEM(f.ec, "good")
	request := must(x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: named("request")}, f.ec))
	encoded := func(b []byte) []byte { return []byte(base64.StdEncoding.EncodeToString(b)) }
	for name, tc := range map[string]struct {
		data []byte
		say  string
	}{
		"garbage":              {[]byte("hello"), "openssl req -x509 -newkey rsa:3072"},
		"blank":                {[]byte("\n"), "holds nothing but white space"},
		"JWK Set":              {[]byte(` {"keys":[]}`), "put the keys of a JWK Set into spec.jwks"},
		"list of JWKs":         {[]byte(`[]`), "put the keys of a JWK Set into spec.jwks"},
		"encoded twice":        {encoded(good), "put the PEM text under stringData"},
		"without armor":        {encoded(certificate(f.rsa, named("x"))), "put the whole PEM file here"},
		"private key":          {block("PRIVATE KEY", pkcs8DER(f.ec)), "leave only the certificate or public key, and replace the key pair"},
		"private key in DER":   {pkcs8DER(f.ec), "the private key has been exposed"},
		"signing request":      {block("CERTIFICATE REQUEST", request), "put the certificate here that was issued for it"},
		"old signing request":  {block("NEW CERTIFICATE REQUEST", request), "put the certificate here that was issued for it"},
		"revocation list":      {revocationList(), "put the certificate of the signing key here"},
		"EC parameters":        {block("EC PARAMETERS", []byte{1}), "a block of type EC PARAMETERS holds no key"},
		"long label":           {block(strings.Repeat("A", 41), []byte{1}), "a block of type unknown holds no key"},
		"label in lower case":  {block("certificate", certificate(f.ec, named("x"))), "a block of type unknown holds no key"},
		"trusted certificate":  {testdata(t, "trusted.pem"), "openssl x509 -in trusted.pem -out tls.crt"},
		"truncated":            {good[:100], "copy the whole file again"},
		"damaged certificate":  {block("CERTIFICATE", []byte{0x30, 0}), "openssl x509 -noout -text tells more"},
		"too large":            {sequence(40 << 10), "larger than 32 KiB"},
		"too many":             {repeat(11), "it holds 11 PEM blocks: leave at most 10"},
		"binary after a block": {join([]byte("-----BEGIN X-----\n-----END X-----\n"), []byte{0}), "a block of type X"},
		"weak":                 {certPEM(f.weak, "w"), "use at least 2048 bits"},
		"unsupported curve":    {certPEM(f.p224, "p"), "use P-256, P-384 or P-521"},
		"unknown curve":        {testdata(t, "secp256k1.pem"), "use RSA, P-256, P-384, P-521 or Ed25519"},
		"RSA-PSS":              {testdata(t, "rsa-pss.pem"), "use RSA, P-256, P-384, P-521 or Ed25519"},
	} {
		t.Run(name, func(t *testing.T) {
			r := Certificates(tc.data)
			if len(r.Skipped) == 0 || !strings.Contains(r.Skipped[0].Message, tc.say) {
				t.Errorf("skipped %+v, want %q", r.Skipped, tc.say)
			}
			if again := Certificates(tc.data); len(again.Skipped) == 0 || again.Skipped[0] != r.Skipped[0] {
				t.Errorf("not deterministic: %+v", again.Skipped)
			}
		})
	}
}

// The order of a source is kept, so that its first skipped entry is the first for everybody.
func TestIndexOrdersTheSource(t *testing.T) {
	f := fixtures()
	r := Certificates(join(
		[]byte{0xff}, certPEM(f.ec, "1"), certPEM(f.weak, "2"), []byte{0xff}, certPEM(f.rsa, "3"), block("PRIVATE KEY", pkcs8DER(f.ec)), []byte{0xff}))
	var order []string
	for i := range 2*MaxCertificateEntries + 1 {
		for _, k := range r.Keys {
			if k.Index == i {
				order = append(order, k.Entry)
			}
		}
		for _, s := range r.Skipped {
			if s.Index == i {
				order = append(order, s.Entry)
			}
		}
	}
	want := "text before PEM block 1; PEM block 1 (CN=1); PEM block 2 (CN=2); text after PEM block 2; PEM block 3 (CN=3); PEM block 4; text after PEM block 4"
	if got := strings.Join(order, "; "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// A blank name is no name.
func TestEntryWithoutSubject(t *testing.T) {
	f := fixtures()
	r := Certificates(join(certPEM(f.ec, ""), block("PUBLIC KEY", pkixDER(f.rsa))))
	for i, want := range []string{"PEM block 1", "PEM block 2"} {
		if got := r.Keys[i]; got.Subject != "" || got.Entry != want {
			t.Errorf("subject %q, entry %q", got.Subject, got.Entry)
		}
	}
	if r.Keys[0].Public.Certificate() == nil || r.Keys[1].Public.Certificate() != nil {
		t.Error("the certificate belongs to the first key")
	}
}
