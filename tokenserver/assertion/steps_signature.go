package assertion

import (
	"errors"
	"slices"

	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

// maxSignatureTries bounds the work that one assertion without key id can cause.
const maxSignatureTries = 16

// parseForm: RFC 7523 §3: "a JWT"; compact JWS only, signed and not encrypted (RFC 8725 §3.2).
func (v *verification) parseForm() (err error) {
	v.jws, err = jose.ParseCompact(v.text)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jose.ErrTooLarge):
		return oauth.Refuse(oauth.ReasonAssertionTooLarge, nil)
	case errors.Is(err, jose.ErrEncrypted):
		return oauth.Refuse(oauth.ReasonAssertionEncrypted, nil)
	case errors.Is(err, jose.ErrCritical):
		return oauth.Refuse(oauth.ReasonHeaderCritical, nil)
	case errors.Is(err, jose.ErrHeader):
		return oauth.Refuse(oauth.ReasonHeaderMalformed, nil)
	default:
		return oauth.Refuse(oauth.ReasonAssertionMalformed, nil)
	}
}

// checkContentType: RFC 7519 §5.2: cty is there for nested JWTs, and nothing is unwrapped here.
func (v *verification) checkContentType() error {
	if v.jws.UntrustedHeader.ContentType != "" {
		return oauth.Refuse(oauth.ReasonNested, nil)
	}
	return nil
}

// parseClaims decodes the payload, the only time. It stands before the signature because the issuer is in it; what
// comes out is untrusted until verifySignature has passed.
func (v *verification) parseClaims() (err error) {
	v.claims, err = parseClaims(v.jws.UntrustedPayload)
	return err
}

// findKeys: RFC 8725 §3.1: the provider's keys decide which algorithms exist; alg and kid only choose among them.
func (v *verification) findKeys() error {
	h := v.jws.UntrustedHeader
	// The reason is that of the key which came closest, whatever the order of the keys.
	reason := oauth.ReasonAlgorithmNotAllowed
	v.candidates = v.few[:0]
	for _, k := range v.provider.Keys {
		switch {
		case !k.Accepts(jose.Algorithm(h.Algorithm)):
		case h.KeyID != "" && k.KeyID() != "" && h.KeyID != k.KeyID():
			if reason == oauth.ReasonAlgorithmNotAllowed {
				reason = oauth.ReasonNoMatchingKey
			}
		case !v.provider.InValidity(k, v.now):
			reason = oauth.ReasonCertificateValidity
		default:
			v.candidates = append(v.candidates, k)
		}
	}
	v.candidates = preferNamed(v.candidates, h)
	if len(v.candidates) == 0 {
		// A provider that begins to use another algorithm does so with a new key.
		known := func(k *jose.PublicKey) bool { return k.KeyID() == h.KeyID }
		v.unknownKey = h.KeyID != "" && !slices.ContainsFunc(v.provider.Keys, known)
		return oauth.Refuse(reason, nil)
	}
	return nil
}

// preferNamed keeps only the keys whose certificate the header names by x5t#S256 or x5t (RFC 7515 §4.1.7, §4.1.8), if
// there are any: some issuers write other things there, and the signature decides in the end.
func preferNamed(keys []*jose.PublicKey, h jose.Header) []*jose.PublicKey {
	named := func(k *jose.PublicKey) bool {
		cert := k.Certificate()
		return cert != nil && (h.X5TS256 == cert.ThumbprintSHA256 || h.X5T == cert.ThumbprintSHA1)
	}
	if (h.X5T != "" || h.X5TS256 != "") && slices.ContainsFunc(keys, named) {
		return slices.DeleteFunc(keys, func(k *jose.PublicKey) bool { return !named(k) })
	}
	return keys
}

// verifySignature: RFC 7523 §3(9): "MUST be digitally signed … by the issuer".
func (v *verification) verifySignature() error {
	alg := jose.Algorithm(v.jws.UntrustedHeader.Algorithm)
	for i, k := range v.candidates {
		if i == maxSignatureTries {
			break
		}
		v.tried = true
		if v.remembered.verify(v.provider, k, alg, v.jws) {
			v.key = k
			return nil
		}
	}
	return oauth.Refuse(oauth.ReasonSignatureInvalid, nil)
}
