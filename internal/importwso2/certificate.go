package importwso2

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/grantor-dev/grantor/internal/resolve"
)

// certificates are what the element Certificate holds, as a Secret holds it: PEM, or base64 around PEM or DER, or a list of
// such values. problem says what of it cannot be used, or is empty.
func certificates(text string) (pem []byte, problem string) {
	var list []struct {
		CertValue string `json:"certValue"`
	}
	if strings.HasPrefix(text, "[") && json.Unmarshal([]byte(text), &list) == nil {
		for _, c := range list {
			pem = append(append(pem, unwrap(c.CertValue)...), '\n')
		}
	} else {
		pem = unwrap(text)
	}
	result := resolve.Certificates(pem)
	if len(result.Skipped) > 0 {
		problem = result.Skipped[0].Entry + ": " + result.Skipped[0].Message
	}
	if len(result.Keys) == 0 {
		return nil, problem
	}
	return pem, problem
}

// unwrap takes base64 off. A certificate in DER becomes PEM, which is text.
func unwrap(text string) []byte {
	if strings.Contains(text, "-----BEGIN ") {
		return []byte(text)
	}
	plain, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	switch {
	case err != nil:
		return []byte(text)
	case bytes.Contains(plain, []byte("-----BEGIN ")):
		return plain
	default:
		return []byte("-----BEGIN CERTIFICATE-----\n" + base64.StdEncoding.EncodeToString(plain) + "\n-----END CERTIFICATE-----\n")
	}
}
