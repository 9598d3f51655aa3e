package importwso2

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"slices"
	"strings"

	"github.com/grantor-dev/grantor/internal/resolve"
)

// certificates are what the element Certificate holds, as a Secret holds it: PEM, or base64 around PEM or DER, or a list of
// such values. problem says what of it cannot be used, or is empty.
func certificates(text string) (all []byte, problem string) {
	var list []struct {
		CertValue string `json:"certValue"`
	}
	if strings.HasPrefix(text, "[") && json.Unmarshal([]byte(text), &list) == nil {
		for _, c := range list {
			all = append(append(all, unwrap(c.CertValue)...), '\n')
		}
	} else {
		all = unwrap(text)
	}
	result := resolve.Certificates(all)
	if len(result.Skipped) > 0 {
		problem = result.Skipped[0].Entry + ": " + result.Skipped[0].Message
	}
	if len(result.Keys) == 0 {
		return nil, problem
	}
	return all, problem
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

// blocks are the contents of the blocks of a PEM text.
func blocks(text []byte) [][]byte {
	var found [][]byte
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		found = append(found, block.Bytes)
	}
	return found
}

// among reports whether a certificate, in any of the forms that an element can have, is one of a PEM text.
func among(text string, all []byte) bool {
	list := blocks(all)
	for _, block := range blocks(unwrap(text)) {
		if !slices.ContainsFunc(list, func(b []byte) bool { return bytes.Equal(b, block) }) {
			return false
		}
	}
	return true
}
