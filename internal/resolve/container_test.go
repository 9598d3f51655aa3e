package resolve

import (
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

// TestCertificatesAreContainers: of a certificate count its key, its validity and its thumbprints; docs/certificate-issuer.md says so.
// What it says of purposes is for those who build chains, and here the Secret says what the key is for.
func TestCertificatesAreContainers(t *testing.T) {
	for name, edit := range map[string]func(*x509.Certificate){
		"no purpose":             func(*x509.Certificate) {},
		"for certificates alone": func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign },
		"for TLS servers alone":  func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} },
		"an authority":           func(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = true, true },
		"a critical extension that nobody knows": func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 1}, Critical: true, Value: []byte{5, 0}}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			key, authority := jwttest.EC("idp", elliptic.P256()), jwttest.EC("nobody", elliptic.P256())
			template := &x509.Certificate{
				SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "idp.test"},
				NotBefore: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
			}
			edit(template)
			issuer := &x509.Certificate{Subject: pkix.Name{CommonName: "an authority that nobody knows"}}
			der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), authority)
			if err != nil {
				t.Fatal(err)
			}
			r := Certificates(der)
			if len(r.Keys) != 1 || len(r.Skipped) != 0 {
				t.Fatalf("%d keys, skipped %v", len(r.Keys), r.Skipped)
			}
			if c := r.Keys[0].Public.Certificate(); c == nil || !c.NotAfter.Equal(template.NotAfter) || c.ThumbprintSHA256 == "" {
				t.Errorf("certificate %+v", c)
			}
		})
	}
}
