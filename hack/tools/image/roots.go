package main

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	mozilla "golang.org/x/crypto/x509roots/fallback/bundle"
)

// rootsModule is where the certificates come from.
const rootsModule = "golang.org/x/crypto/x509roots/fallback"

// rootCertificates returns the authorities that Mozilla trusts to name servers, in PEM. One that is trusted only for what
// it signed before a date is left out: a file cannot say that, and all it may vouch for ends soon.
func rootCertificates() ([]byte, error) {
	var out bytes.Buffer
	for root := range mozilla.Roots() {
		if root.Constraint != nil {
			continue
		}
		certificate, err := x509.ParseCertificate(root.Certificate)
		if err != nil {
			return nil, fmt.Errorf("parse a root certificate: %w", err)
		}
		_, _ = fmt.Fprintf(&out, "# %s\n", certificate.Subject)
		if err := pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}); err != nil {
			return nil, fmt.Errorf("write a root certificate: %w", err)
		}
	}
	if out.Len() == 0 {
		return nil, errors.New("there are no root certificates")
	}
	return out.Bytes(), nil
}
