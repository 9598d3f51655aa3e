package jose

import (
	"errors"
	"slices"
	"strings"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/grantor-dev/grantor/tokenserver/strictjson"
)

// maxMemberBytes bounds the text of one member of a JWK: an RSA modulus of MaxRSABits in base64url, and some air.
const maxMemberBytes = 2048

// maxExponentText bounds e: MaxRSAExponent has four bytes. jwx cuts longer ones to 64 bits, which makes another key of
// them.
const maxExponentText = 6

// maxOperations bounds key_ops: RFC 7517 §4.3 has eight values, and others may be registered.
const maxOperations = 16

// ParseJWK reads one public JWK (RFC 7517 §4) strictly: unique members, base64url without padding, a supported and
// strong key, use and key_ops (where present) that allow verification, alg (where present) that fits. Errors are
// *KeyError.
func ParseJWK(text []byte) (*PublicKey, error) {
	m, err := readJWK(text)
	if err != nil {
		return nil, err
	}
	parsed, err := jwk.ParseKey(text)
	if err != nil {
		return nil, keyError(ProblemMalformed, "the JWK's members do not make a key of type %s", m.keyType)
	}
	var raw any
	if err := parsed.Raw(&raw); err != nil {
		return nil, keyError(ProblemMalformed, "the JWK's members do not make a key of type %s", m.keyType)
	}
	k, err := NewPublicKey(raw)
	if err != nil {
		return nil, err
	}
	k.keyID = strings.Clone(m.keyID) // not the whole JWK with it
	if m.algorithm == "" {
		return k, nil
	}
	bound := k.Restricted([]Algorithm{Algorithm(m.algorithm)})
	if bound == nil {
		return nil, keyError(ProblemUnsupported, "the JWK is bound to an algorithm (alg) that its type %s does not have or that is not accepted for signatures", k.kind)
	}
	return bound, nil
}

// jwkMembers are the members of a JWK that are looked at before jwx sees it.
type jwkMembers struct {
	keyType, curve, keyID, algorithm, use string
	operations                            []string
	private                               bool
}

func readJWK(text []byte) (jwkMembers, error) {
	var m jwkMembers
	err := strictjson.Object(text, m.visit)
	var keyErr *KeyError
	switch {
	case errors.As(err, &keyErr):
		return m, err
	case errors.Is(err, strictjson.ErrDuplicate):
		return m, keyError(ProblemMalformed, "the JWK has a member twice")
	case err != nil:
		return m, keyError(ProblemMalformed, "the JWK is not one JSON object with members of the right types")
	case m.keyType == "oct" || m.private:
		return m, keyError(ProblemPrivate, "the JWK holds private or symmetric key material: publish the public half only, and replace the key, for it has been exposed")
	case m.keyType == "":
		return m, keyError(ProblemMalformed, "the JWK has no kty")
	case !m.supported():
		return m, keyError(ProblemUnsupported, "keys of type %s %s are not supported: use RSA, EC (P-256, P-384, P-521) or OKP (Ed25519)", m.keyType, m.curve)
	case m.use != "" && m.use != "sig":
		return m, keyError(ProblemUnsupported, "the JWK is not for signatures (use is not sig)")
	case m.operations != nil && !slices.Contains(m.operations, "verify"):
		return m, keyError(ProblemUnsupported, "the JWK is not for verifying signatures (key_ops lacks verify)")
	}
	return m, nil
}

// supported reports whether the type, and the curve if one is named, is one of ours.
func (m *jwkMembers) supported() bool {
	switch m.keyType {
	case "RSA":
		return true
	case "EC":
		return m.curve == "" || m.curve == "P-256" || m.curve == "P-384" || m.curve == "P-521"
	case "OKP":
		return m.curve == "" || m.curve == "Ed25519"
	default:
		return false
	}
}

func (m *jwkMembers) visit(name string, value strictjson.Value) (err error) {
	switch name {
	case "kty":
		m.keyType, err = value.String(16)
	case "crv":
		m.curve, err = value.String(16)
	case "kid":
		if m.keyID, err = value.String(MaxKeyIDBytes); err != nil {
			return keyError(ProblemMalformed, "the kid of the JWK is not a text of 1 to %d bytes without control characters: use a shorter or simpler one", MaxKeyIDBytes)
		}
	case "alg":
		m.algorithm, err = value.String(32)
	case "use":
		m.use, err = value.String(32)
	case "key_ops":
		if m.operations, err = value.StringOrList(maxOperations); err != nil {
			return keyError(ProblemMalformed, "the key_ops of the JWK is not a list of 1 to %d texts: leave it out, or let it hold verify", maxOperations)
		}
	case "d", "p", "q", "dp", "dq", "qi", "oth", "k":
		m.private = true
	case "n", "e", "x", "y":
		var s string
		if s, err = value.String(maxMemberBytes); err == nil && !isBase64URL(s) {
			return keyError(ProblemMalformed, "member %s of the JWK is not base64url without padding", name)
		}
		if name == "e" && len(s) > maxExponentText {
			return keyError(ProblemUnsupported, "the RSA exponent is too large: use %d", MinRSAExponent)
		}
	}
	return err
}
