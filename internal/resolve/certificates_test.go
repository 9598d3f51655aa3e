package resolve

import (
	"bytes"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/tokenserver/jose"
)

// outcome is what a row of a table expects: the kinds of the keys, and the skipped entries by problem.
type outcome struct {
	Keys    []string
	Skipped []string
}

func outcomeOf(r Result) outcome {
	var o outcome
	for _, k := range r.Keys {
		o.Keys = append(o.Keys, k.Public.Kind())
	}
	for _, s := range r.Skipped {
		o.Skipped = append(o.Skipped, s.Entry+": "+string(s.Problem))
	}
	return o
}

func keys(kinds ...string) outcome      { return outcome{Keys: kinds} }
func skipped(entries ...string) outcome { return outcome{Skipped: entries} }

func TestCertificatesAccepts(t *testing.T) {
	f := fixtures()
	rsaCert, ecCert := certPEM(f.rsa, "rsa"), certPEM(f.ec, "ec")
	for name, tc := range map[string]struct {
		data []byte
		want outcome
	}{
		"one certificate":                {rsaCert, keys("RSA-2048")},
		"two certificates":               {join(rsaCert, ecCert), keys("RSA-2048", "P-256")},
		"ten certificates":               {repeat(10), keys("P-256", "P-256", "P-256", "P-256", "P-256", "P-256", "P-256", "P-256", "P-256", "P-256")},
		"certificate and public key":     {join(rsaCert, block("PUBLIC KEY", pkixDER(f.p384))), keys("RSA-2048", "P-384")},
		"PKCS #1 public key":             {block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&f.rsa.PublicKey)), keys("RSA-2048")},
		"Ed25519":                        {certPEM(f.ed25519, "ed"), keys("Ed25519")},
		"DER certificate":                {certificate(f.ec, named("ec")), keys("P-256")},
		"DER public key":                 {pkixDER(f.ec), keys("P-256")},
		"DER PKCS #1 public key":         {x509.MarshalPKCS1PublicKey(&f.rsa.PublicKey), keys("RSA-2048")},
		"DER that holds a BEGIN line":    {certificate(f.ec, named("-----BEGIN CERTIFICATE-----")), keys("P-256")},
		"the same certificate twice":     {join(rsaCert, rsaCert), keys("RSA-2048")},
		"one key in two certificates":    {join(rsaCert, certPEM(f.rsa, "renewed")), keys("RSA-2048", "RSA-2048")},
		"certificate and its bare key":   {join(rsaCert, block("PUBLIC KEY", pkixDER(f.rsa))), keys("RSA-2048", "RSA-2048")},
		"CRLF line ends":                 {bytes.ReplaceAll(rsaCert, []byte("\n"), []byte("\r\n")), keys("RSA-2048")},
		"no newline at the end":          {bytes.TrimRight(rsaCert, "\n"), keys("RSA-2048")},
		"concatenated without newline":   {join(bytes.TrimRight(rsaCert, "\n"), ecCert), keys("RSA-2048", "P-256")},
		"text around the blocks":         {join([]byte("# old\n"), rsaCert, []byte("# näxt\r\n\t"), ecCert, []byte("\n\n")), keys("RSA-2048", "P-256")},
		"openssl x509 -text":             {testdata(t, "with-text.pem"), keys("RSA-2048")},
		"byte order mark":                {join([]byte("\ufeff"), rsaCert), keys("RSA-2048")},
		"public key under a wrong label": {block("CERTIFICATE", pkixDER(f.ec)), keys("P-256")},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, outcomeOf(Certificates(tc.data))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCertificatesSkips(t *testing.T) {
	f := fixtures()
	good := certPEM(f.rsa, "good")
	request := must(x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: named("request")}, f.ec))
	encrypted := pemEncrypted()
	truncated := good[:len(good)/2]
	for name, tc := range map[string]struct {
		data []byte
		want outcome
	}{
		"private key alone":            {block("PRIVATE KEY", pkcs8DER(f.ec)), skipped("PEM block 1: private")},
		"private key after":            {join(good, block("PRIVATE KEY", pkcs8DER(f.rsa))), outcome{Keys: []string{"RSA-2048"}, Skipped: []string{"PEM block 2: private"}}},
		"private key before":           {join(block("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(f.ec))), good), outcome{Keys: []string{"RSA-2048"}, Skipped: []string{"PEM block 1: private"}}},
		"PKCS #1 private key":          {block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(f.rsa)), skipped("PEM block 1: private")},
		"encrypted private key":        {encrypted, skipped("PEM block 1: private")},
		"OpenSSH private key":          {block("OPENSSH PRIVATE KEY", []byte("openssh-key-v1")), skipped("PEM block 1: private")},
		"truncated private key":        {block("PRIVATE KEY", pkcs8DER(f.rsa))[:200], skipped("PEM block 1: private")},
		"private key as CERTIFICATE":   {block("CERTIFICATE", pkcs8DER(f.ec)), skipped("PEM block 1: private")},
		"DER PKCS #8":                  {pkcs8DER(f.rsa), skipped("the DER value: private")},
		"DER PKCS #1":                  {x509.MarshalPKCS1PrivateKey(f.rsa), skipped("the DER value: private")},
		"DER SEC 1":                    {must(x509.MarshalECPrivateKey(f.ec)), skipped("the DER value: private")},
		"weak RSA":                     {certPEM(f.weak, "weak"), skipped("PEM block 1 (CN=weak): weak")},
		"weak beside good":             {join(certPEM(f.weak, "weak"), good), outcome{Keys: []string{"RSA-2048"}, Skipped: []string{"PEM block 1 (CN=weak): weak"}}},
		"P-224":                        {certPEM(f.p224, "p224"), skipped("PEM block 1 (CN=p224): unsupported")},
		"secp256k1 certificate":        {testdata(t, "secp256k1.pem"), skipped("PEM block 1: unsupported")},
		"secp256k1 public key":         {testdata(t, "secp256k1-public.pem"), skipped("PEM block 1: unsupported")},
		"RSA-PSS certificate":          {testdata(t, "rsa-pss.pem"), skipped("PEM block 1 (CN=pss): unsupported")},
		"DSA certificate":              {testdata(t, "dsa.pem"), skipped("PEM block 1 (CN=dsa): unsupported")},
		"trusted certificate":          {testdata(t, "trusted.pem"), skipped("PEM block 1: malformed")},
		"signing request":              {block("CERTIFICATE REQUEST", request), skipped("PEM block 1: malformed")},
		"signing request in DER":       {request, skipped("the DER value: malformed")},
		"revocation list":              {block("X509 CRL", revocationList()), skipped("PEM block 1: malformed")},
		"revocation list in DER":       {revocationList(), skipped("the DER value: malformed")},
		"EC parameters":                {join(block("EC PARAMETERS", []byte{6, 1, 1}), good), outcome{Keys: []string{"RSA-2048"}, Skipped: []string{"PEM block 1: malformed"}}},
		"unknown block":                {block("PKCS7", []byte{1}), skipped("PEM block 1: malformed")},
		"empty block":                  {block("CERTIFICATE", nil), skipped("PEM block 1: malformed")},
		"truncated block":              {truncated, skipped("PEM block 1: malformed")},
		"truncated before good":        {join(truncated, []byte("\n"), good), outcome{Keys: []string{"RSA-2048"}, Skipped: []string{"PEM block 1: malformed"}}},
		"certificate of other bytes":   {block("CERTIFICATE", []byte("not ASN.1")), skipped("PEM block 1: malformed")},
		"certificate with a tail":      {block("CERTIFICATE", join(certificate(f.ec, named("x")), []byte{0})), skipped("PEM block 1: malformed")},
		"binary between":               {join(good, []byte{0, 1, 2}), outcome{Keys: []string{"RSA-2048"}, Skipped: []string{"text after PEM block 1: malformed"}}},
		"binary before":                {join([]byte{0xff, 0xfe}, good), outcome{Keys: []string{"RSA-2048"}, Skipped: []string{"text before PEM block 1: malformed"}}},
		"END line without BEGIN":       {join(good, good[len("-----BEGIN CERTIFICATE-----"):]), outcome{Keys: []string{"RSA-2048"}, Skipped: []string{"text after PEM block 1: malformed"}}},
		"garbage":                      {[]byte("hello"), skipped("the value: malformed")},
		"blank":                        {[]byte(" \n"), skipped("the value: malformed")},
		"nothing":                      {nil, skipped("the value: malformed")},
		"JWK Set":                      {[]byte(`{"keys":[]}`), skipped("the value: malformed")},
		"base64 without armor":         {[]byte(base64.StdEncoding.EncodeToString(certificate(f.rsa, named("x")))), skipped("the value: malformed")},
		"base64 of PEM":                {[]byte(base64.StdEncoding.EncodeToString(good)), skipped("the value: malformed")},
		"DER with a tail":              {join(certificate(f.ec, named("x")), []byte("\n")), skipped("the value: malformed")},
		"DER that is too large":        {sequence(40 << 10), skipped("the DER value: malformed")},
		"eleven certificates":          {repeat(11), skipped("the value: too many")},
		"eleven copies of one":         {bytes.Repeat(good, 11), skipped("the value: too many")},
		"BEGIN and nothing else":       {[]byte("-----BEGIN "), skipped("PEM block 1: malformed")},
		"order of entries is by place": {join(certPEM(f.weak, "a"), good, truncated), outcome{Keys: []string{"RSA-2048"}, Skipped: []string{"PEM block 1 (CN=a): weak", "PEM block 3: malformed"}}},
	} {
		t.Run(name, func(t *testing.T) {
			r := Certificates(tc.data)
			if diff := cmp.Diff(tc.want, outcomeOf(r)); diff != "" {
				t.Error(diff)
			}
			checkSkipped(t, r)
		})
	}
}

func pemEncrypted() []byte {
	return pem.EncodeToMemory(&pem.Block{
		Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"}, Bytes: []byte{1},
	})
}

func revocationList() []byte {
	f := fixtures()
	issuer := must(x509.ParseCertificate(certificate(f.ec, named("issuer"))))
	issuer.KeyUsage, issuer.SubjectKeyId = x509.KeyUsageCRLSign, []byte{1}
	return must(x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(1), ThisUpdate: time.Unix(0, 0), NextUpdate: time.Unix(1, 0),
	}, issuer, f.ec))
}

// sequence returns a SEQUENCE of n zero bytes.
func sequence(n int) []byte {
	return must(asn1.Marshal(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: make([]byte, n)}))
}

// checkSkipped holds for every skipped entry of every source: it says which entry and what to do, in one line.
func checkSkipped(t *testing.T, r Result) {
	t.Helper()
	for _, s := range r.Skipped {
		if s.Entry == "" || utf8.RuneCountInString(s.Entry) > 512 {
			t.Errorf("entry %q does not fit the API", s.Entry)
		}
		if s.Message == "" || utf8.RuneCountInString(s.Message) > 1024 || strings.ContainsAny(s.Message, "\n\r") {
			t.Errorf("message %q does not fit the API", s.Message)
		}
		if !strings.ContainsAny(s.Message, ":") {
			t.Errorf("message %q does not say what to do", s.Message)
		}
	}
}

func TestCertificateMessagesHoldNoKeyBytes(t *testing.T) {
	secret := base64.StdEncoding.EncodeToString(pkcs8DER(fixtures().ec))
	for name, data := range map[string]string{
		"as label":          "-----BEGIN " + secret + "-----\n-----END " + secret + "-----\n",
		"as truncated body": "-----BEGIN PRIVATE KEY-----\n" + secret,
		"as text":           secret,
		"as comment":        "-----END X-----" + secret + string(certPEM(fixtures().ec, "x")),
	} {
		t.Run(name, func(t *testing.T) {
			r := Certificates([]byte(data))
			if len(r.Skipped) == 0 {
				t.Fatal("nothing skipped")
			}
			for _, s := range r.Skipped {
				if strings.Contains(s.Entry+s.Message, secret[:16]) {
					t.Errorf("%q holds key bytes", s.Entry+s.Message)
				}
			}
		})
	}
}

func TestCertificatesDescribes(t *testing.T) {
	der := certificate(fixtures().ec, pkix.Name{CommonName: "signer", Organization: []string{"Example"}})
	r := Certificates(block("CERTIFICATE", der))
	if len(r.Keys) != 1 {
		t.Fatalf("%d keys", len(r.Keys))
	}
	sha1Sum, sha256Sum := sha1.Sum(der), sha256.Sum256(der)
	want := &jose.Certificate{
		NotBefore:        time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:         time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
		ThumbprintSHA1:   base64.RawURLEncoding.EncodeToString(sha1Sum[:]),
		ThumbprintSHA256: base64.RawURLEncoding.EncodeToString(sha256Sum[:]),
	}
	if diff := cmp.Diff(want, r.Keys[0].Public.Certificate()); diff != "" {
		t.Error(diff)
	}
	if got := r.Keys[0].Subject; got != "CN=signer,O=Example" {
		t.Errorf("subject %q", got)
	}
	if got := r.Keys[0].Entry; got != "PEM block 1 (CN=signer,O=Example)" {
		t.Errorf("entry %q", got)
	}
}

func TestCertificatesBoundsSubject(t *testing.T) {
	r := Certificates(certPEM(fixtures().ec, strings.Repeat("ä", 1000)+"\x00\n"))
	if len(r.Keys) != 1 {
		t.Fatalf("%+v", r)
	}
	if s := r.Keys[0].Subject; utf8.RuneCountInString(s) != 256 || !utf8.ValidString(s) || strings.ContainsAny(s, "\x00\n") {
		t.Errorf("subject %q", s)
	}
}

// The work is bounded by the number of blocks and the size of each, not by what a parser makes of them.
func TestCertificatesIsBounded(t *testing.T) {
	const size = 1 << 20
	fill := func(s string) []byte { return bytes.Repeat([]byte(s), size/len(s)) }
	huge := sequence(size)
	for name, data := range map[string][]byte{
		"BEGIN markers":      fill("-----BEGIN "),
		"BEGIN lines":        fill("-----BEGIN X-----\n"),
		"dashes":             fill("-"),
		"END markers":        fill("-----END "),
		"one open block":     join([]byte("-----BEGIN X-----\n"), fill("A")),
		"END in one block":   join([]byte("-----BEGIN X-----\n"), fill("-----END Y-----\n")),
		"headers":            join([]byte("-----BEGIN X-----\n"), fill("a: b\n")),
		"nested sequences":   fill("\x30\x80"),
		"huge DER":           huge,
		"huge DER in a PEM":  block("CERTIFICATE", huge),
		"many large private": bytes.Repeat(block("CERTIFICATE", sequence(30<<10)), 10),
	} {
		t.Run(name, func(t *testing.T) {
			// The best of several, for the machine may be busy; what is not bounded takes seconds each time.
			best, r := time.Hour, Result{}
			for range 5 {
				start := time.Now()
				r = Certificates(data)
				best = min(best, time.Since(start))
			}
			if best > 100*time.Millisecond*raceFactor {
				t.Errorf("took %v", best)
			}
			if len(r.Keys) > 0 || len(r.Skipped) == 0 || len(r.Skipped) > 2*MaxCertificateEntries+1 {
				t.Errorf("%d keys, %d skipped", len(r.Keys), len(r.Skipped))
			}
		})
	}
}

// raceFactor makes room for the race detector.
const raceFactor = 5

func FuzzCertificates(f *testing.F) {
	x := fixtures()
	for _, seed := range [][]byte{
		certPEM(x.rsa, "rsa"), join(certPEM(x.ec, "a"), []byte("text\n"), certPEM(x.ed25519, "b")), certificate(x.ec, named("der")),
		pkixDER(x.rsa), block("PRIVATE KEY", pkcs8DER(x.ec)), pkcs8DER(x.ec), repeat(11), []byte("-----BEGIN "), nil,
		testdata(f, "secp256k1.pem"), testdata(f, "with-text.pem"), revocationList(), []byte("-----BEGIN -----\n-----END -----"),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := Certificates(data)
		if len(r.Keys)+len(r.Skipped) == 0 {
			t.Error("neither a key nor a reason why not")
		}
		if len(r.Keys) > MaxCertificateEntries {
			t.Errorf("%d keys", len(r.Keys))
		}
		for _, k := range r.Keys {
			if len(k.Public.Algorithms()) == 0 || k.Entry == "" || !utf8.ValidString(k.Subject) {
				t.Errorf("key %+v is incomplete", k)
			}
		}
		checkSkipped(t, r)
	})
}
