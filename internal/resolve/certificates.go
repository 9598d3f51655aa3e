package resolve

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/grantor-dev/grantor/tokenserver/jose"
)

// The boundaries of a PEM block (RFC 7468 §2).
const (
	beginMarker = "-----BEGIN "
	endMarker   = "-----END "
	dashes      = "-----"
)

// Certificates reads the value of a Secret: PEM text with any number of CERTIFICATE, PUBLIC KEY and RSA PUBLIC KEY
// blocks, up to MaxCertificateEntries, or one certificate or public key in DER.
//
// Text outside of the blocks is a comment, as `openssl x509 -text` writes it (RFC 7468 §5.2); anything else there is a
// skipped entry. So is a private key, which never keeps the certificates beside it from being used.
func Certificates(data []byte) Result {
	var r Result
	if isDER(data) {
		r.addDER(0, "the DER value", data)
		return r
	}
	// Counted before anything is decoded, so that hostile input costs one pass.
	blocks := bytes.Count(data, []byte(beginMarker))
	switch {
	case blocks == 0:
		r.skip(0, "the value", notPEM(data))
		return r
	case blocks > MaxCertificateEntries:
		r.skip(0, "the value", problem(ProblemTooMany, "it holds %d PEM blocks: leave at most %d, those of the certificates that sign now or soon", blocks, MaxCertificateEntries))
		return r
	}
	r.addPEM(data)
	return r
}

// addPEM reads PEM text that holds at least one block. Each block is decoded from its own BEGIN line to the next one, so
// that a damaged block cannot swallow its neighbour.
func (r *Result) addPEM(data []byte) {
	start := bytes.Index(data, []byte(beginMarker))
	r.checkComment(0, "text before PEM block 1", data[:start])
	for n := 1; start >= 0; n++ {
		segment, next := data[start:], -1
		if i := bytes.Index(segment[len(beginMarker):], []byte(beginMarker)); i >= 0 {
			next = start + len(beginMarker) + i
			segment = data[start:next]
		}
		start = next
		entry := fmt.Sprintf("PEM block %d", n)
		block, rest := pem.Decode(segment)
		if block == nil {
			r.skip(2*n-1, entry, undecodable(segment))
			continue
		}
		r.addBlock(2*n-1, entry, block)
		r.checkComment(2*n, fmt.Sprintf("text after PEM block %d", n), rest)
	}
}

// checkComment skips what stands outside of the blocks and is no text.
func (r *Result) checkComment(index int, entry string, text []byte) {
	control := func(c rune) bool { return unicode.IsControl(c) && !strings.ContainsRune("\t\r\n\f", c) }
	if !utf8.Valid(text) || bytes.ContainsFunc(text, control) || bytes.Contains(text, []byte(endMarker)) {
		r.skip(index, entry, problem(jose.ProblemMalformed,
			"this is neither a PEM block nor a comment: remove it, or restore the BEGIN and END lines around it"))
	}
}

func (r *Result) addBlock(index int, entry string, block *pem.Block) {
	var err error
	switch label := block.Type; {
	case label == "CERTIFICATE", label == "PUBLIC KEY", label == "RSA PUBLIC KEY":
		r.addDER(index, entry, block.Bytes)
		return
	case isPrivate(label):
		err = errPrivate()
	case label == "CERTIFICATE REQUEST", label == "NEW CERTIFICATE REQUEST":
		err = errRequest()
	case label == "X509 CRL":
		err = errRevocationList()
	case label == "TRUSTED CERTIFICATE":
		err = problem(jose.ProblemMalformed, "the certificate is in OpenSSL's own TRUSTED form: convert it with openssl x509 -in trusted.pem -out tls.crt")
	default:
		err = problem(jose.ProblemMalformed, "a block of type %s holds no key that could be trusted: use CERTIFICATE or PUBLIC KEY blocks", quotedLabel(label))
	}
	r.skip(index, entry, err)
}

// undecodable says what is wrong with a segment that begins like a PEM block and is none.
func undecodable(segment []byte) error {
	label, _, _ := strings.Cut(string(segment[len(beginMarker):min(len(segment), 100)]), dashes)
	if isPrivate(label) {
		return errPrivate()
	}
	return problem(jose.ProblemMalformed,
		"the block is truncated or damaged, its END line is missing or its text is not base64: copy the whole file again, for example with kubectl create secret generic NAME --from-file=tls.crt")
}

// notPEM says what is wrong with a value that is neither DER nor PEM, naming the usual mix-ups.
func notPEM(data []byte) error {
	trimmed := bytes.TrimSpace(data)
	switch {
	case len(trimmed) == 0:
		return problem(jose.ProblemMalformed, "it holds nothing but white space: %s", howToMake)
	case trimmed[0] == '{' || trimmed[0] == '[':
		return problem(jose.ProblemMalformed, "it is JSON: put the keys of a JWK Set into spec.jwks, or a certificate in PEM here")
	case bytes.HasPrefix(trimmed, []byte("LS0tLS1CRUdJTi")):
		return problem(jose.ProblemMalformed, "it is PEM that was base64 encoded twice: put the PEM text under stringData, or encode it once under data")
	case bytes.HasPrefix(trimmed, []byte("MII")):
		return problem(jose.ProblemMalformed, "it looks like base64 without its BEGIN and END lines: put the whole PEM file here")
	default:
		return problem(jose.ProblemMalformed, "it is neither PEM nor DER: %s", howToMake)
	}
}

func isPrivate(label string) bool { return strings.Contains(label, "PRIVATE KEY") }

// quotedLabel returns a PEM label for people, if it looks like one and not like something that was pasted there.
func quotedLabel(label string) string {
	odd := func(c rune) bool { return (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != ' ' }
	if label == "" || len(label) > 40 || strings.ContainsFunc(label, odd) {
		return "unknown"
	}
	return label
}
