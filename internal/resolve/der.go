package resolve

import (
	"crypto/sha1" //nolint:gosec // RFC 7515 §4.1.7: x5t is a SHA-1 thumbprint; it selects a key and proves nothing.
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/jose"
)

// howToMake is the end of messages to somebody who needs a certificate.
const howToMake = "put a certificate in PEM here, for example one made with openssl req -x509 -newkey rsa:3072 -nodes -days 365 -subj /CN=my-issuer -keyout tls.key -out tls.crt"

// isDER reports whether data is one ASN.1 SEQUENCE and nothing else, the outer form of all that is accepted in DER.
func isDER(data []byte) bool {
	var v asn1.RawValue
	rest, err := asn1.Unmarshal(data, &v)
	return err == nil && len(rest) == 0 && v.Class == asn1.ClassUniversal && v.Tag == asn1.TagSequence
}

// addDER reads one certificate or public key. The form is found from the bytes: the label of a PEM block is often wrong.
func (r *Result) addDER(index int, entry string, der []byte) {
	if len(der) > maxEntryBytes {
		r.skip(index, entry, problem(jose.ProblemMalformed, "it is larger than %d KiB and so no certificate that could be used here: %s", maxEntryBytes>>10, howToMake))
		return
	}
	cert, certErr := x509.ParseCertificate(der)
	if certErr != nil {
		public, err := parsePublicKey(der)
		if err != nil {
			r.skip(index, entry, explainDER(der, certErr))
			return
		}
		r.addPublic(index, entry, public, nil)
		return
	}
	if subject := printable(cert.Subject.String()); subject != "" {
		entry += fmt.Sprintf(" (%s)", subject)
	}
	if !writable(cert.NotBefore) || !writable(cert.NotAfter) {
		r.skip(index, entry, problem(jose.ProblemMalformed, "its validity begins or ends outside of the years 1 to 9999 in UTC, where no time can be written down: have a certificate issued with a usual validity"))
		return
	}
	r.addPublic(index, entry, cert.PublicKey, cert)
}

func (r *Result) addPublic(index int, entry string, public any, cert *x509.Certificate) {
	key, err := jose.NewPublicKey(public)
	if err != nil {
		r.skip(index, entry, err)
		return
	}
	k := Key{Public: key, Index: index, Entry: entry}
	if cert != nil {
		k.Subject = printable(cert.Subject.String())
		k.Public = key.WithCertificate(describe(cert))
	}
	r.add(k)
}

// writable reports whether a time has a form as RFC 3339 §5.6 writes it, whose years have four digits. RFC 5280 §4.1.2.5.2 has
// GeneralizedTime in UTC alone, but the standard library also reads one with an offset, which can lead out of these years.
func writable(t time.Time) bool {
	year := t.UTC().Year()
	return year >= 1 && year <= 9999
}

func describe(cert *x509.Certificate) jose.Certificate {
	//nolint:gosec // RFC 7515 §4.1.7: x5t is a SHA-1 thumbprint; it selects a key and proves nothing.
	x5t, x5tS256 := sha1.Sum(cert.Raw), sha256.Sum256(cert.Raw)
	return jose.Certificate{
		NotBefore:        cert.NotBefore,
		NotAfter:         cert.NotAfter,
		ThumbprintSHA1:   base64.RawURLEncoding.EncodeToString(x5t[:]),
		ThumbprintSHA256: base64.RawURLEncoding.EncodeToString(x5tS256[:]),
	}
}

func parsePublicKey(der []byte) (any, error) {
	if public, err := x509.ParsePKIXPublicKey(der); err == nil {
		return public, nil
	}
	return x509.ParsePKCS1PublicKey(der)
}

// explainDER says what the bytes are that are neither a certificate nor a public key.
func explainDER(der []byte, certErr error) error {
	switch {
	case parsesAsPrivate(der):
		return errPrivate()
	case parses(x509.ParseCertificateRequest(der)):
		return errRequest()
	case parses(x509.ParseRevocationList(der)):
		return errRevocationList()
	}
	// The standard library has no error values to compare with; the text is the same since Go 1.0, and a test holds it.
	_, spkiErr := x509.ParsePKIXPublicKey(der)
	for _, err := range []error{certErr, spkiErr} {
		if err != nil && (strings.Contains(err.Error(), "unsupported elliptic curve") || strings.Contains(err.Error(), "unknown public key algorithm")) {
			return problem(jose.ProblemUnsupported, "keys of this type are not supported: use RSA, P-256, P-384, P-521 or Ed25519")
		}
	}
	return problem(jose.ProblemMalformed, "it is no certificate or public key that can be read (openssl x509 -noout -text tells more): %s", howToMake)
}

// parsesAsPrivate reports whether the bytes have the outline of a private key. The parsers of the standard library would
// do arithmetic with its numbers, which costs seconds where somebody made them large.
func parsesAsPrivate(der []byte) bool {
	var pkcs8 struct {
		Version   int
		Algorithm pkix.AlgorithmIdentifier
		Key       []byte
	}
	var encrypted struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       []byte
	}
	var pkcs1 struct {
		Version       int
		N, E, D, P, Q *big.Int
	}
	var sec1 struct {
		Version int
		Key     []byte
	}
	for _, outline := range []any{&pkcs8, &encrypted, &pkcs1, &sec1} {
		if parses(asn1.Unmarshal(der, outline)) {
			return true
		}
	}
	return false
}

func parses[T any](_ T, err error) bool { return err == nil }

func errPrivate() error {
	return problem(jose.ProblemPrivate, "a private key does not belong here: leave only the certificate or public key, and replace the key pair, for the private key has been exposed")
}

func errRequest() error {
	return problem(jose.ProblemMalformed, "a certificate signing request is no certificate: put the certificate here that was issued for it")
}

func errRevocationList() error {
	return problem(jose.ProblemMalformed, "a certificate revocation list holds no key: put the certificate of the signing key here")
}
