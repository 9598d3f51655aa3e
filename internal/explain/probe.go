package explain

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/assertion"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// hopeless says why a client that authenticates by a client assertion cannot, whatever it presents; it is empty where only
// the client assertion is left to decide. A forged one is presented for each of the keys: as long as that one is refused for
// its signature alone, a genuine one can be accepted.
func (w *World) hopeless(ctx context.Context, vr *assertion.Verifier, c *trust.Client, issuer string, now time.Time) oauth.Reason {
	iss, keys, typ := c.ID, c.Keys, ""
	switch c.Authentication {
	case trust.AuthenticationPrivateKey:
	case trust.AuthenticationFederated:
		p := w.snapshot.ProviderAt(c.Workload.Provider)
		if p == nil {
			return oauth.ReasonProviderUnknown
		}
		iss, keys, typ = p.Issuer, p.Keys, jose.TypeClientAssertion // which authenticates whatever else the provider signs
	case trust.AuthenticationSecret, trust.AuthenticationNone:
		return ""
	}
	reason := oauth.ReasonAlgorithmNotAllowed // that of a client without keys
	for _, k := range keys {
		u, err := vr.Read(ctx, forged(iss, typ, k))
		if err == nil {
			_, _, err = vr.VerifyClient(ctx, w.snapshot, c, u, issuer, now)
		}
		if reason = oauth.AsError(err).Reason; reason == oauth.ReasonSignatureInvalid {
			return ""
		}
	}
	return reason
}

// forged is a client assertion that names a key and has no valid signature of it.
func forged(issuer, typ string, k *jose.PublicKey) string {
	return unsigned(headerFor(typ, k), map[string]any{"iss": issuer}) + "." + part(nil)
}

// headerFor is the header of what a key signs.
func headerFor(typ string, k *jose.PublicKey) map[string]any {
	header := map[string]any{"alg": string(k.Algorithms()[0])}
	if k.KeyID() != "" {
		header["kid"] = k.KeyID()
	}
	if typ != "" {
		header["typ"] = typ
	}
	return header
}

// unsigned is a compact JWS up to its signature: what is signed.
func unsigned(header, claims map[string]any) string { return part(header) + "." + part(claims) }

// part is a part of a compact JWS, with a JSON object in it.
func part(members map[string]any) string {
	text, err := json.Marshal(members)
	if err != nil { // Texts and numbers have a JSON form.
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(text)
}
