package refresh

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/claimrules"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

const (
	server = "https://auth.example.com"
	uid    = "7d4e9c57-3b7e-4d0e-a3c2-0d6e6f8a1b2c"
)

// noon is the time of every fixture.
var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// key is a digest key of equal bytes.
func key(fill byte) keyring.DigestKey {
	return must(keyring.ParseDigestKey(bytes.Repeat([]byte{fill}, 32)))
}

// keys is a set of the active key and, where they are not zero, the previous and the next one.
func keys(active, previous, next byte) *keyring.DigestKeys {
	data := map[string][]byte{keyring.DigestDataKey: key(active).Marshal()}
	for name, fill := range map[string]byte{keyring.PreviousDigestDataKey: previous, keyring.NextDigestDataKey: next} {
		if fill != 0 {
			data[name] = key(fill).Marshal()
		}
	}
	k := must(keyring.ParseDigestKeys(data))
	return &k
}

// grant sets every field.
func grant() Grant {
	return Grant{
		Origin: oauth.GrantTypeJWTBearer, ClientUID: uid, ClientID: "team-a.app",
		Vouchers: []Voucher{{
			Provider: trust.ObjectKey{Namespace: "team-a", Name: "idp"}, UID: "p-1", Issuer: "https://idp.example.com",
			Key: "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", RulesID: "rules",
		}, {
			Provider: trust.ObjectKey{Namespace: "team-b", Name: "actors"}, UID: "p-2", Issuer: "urn:actors", Key: "k", RulesID: "",
		}},
		Subject: "team-a/idp:älice \"x\"", Actor: "team-b/actors:robot",
		Claims: []claimrules.Claim{{Name: "groups", Value: []byte(`["a",{"b":12345678901234567890,"c":1.50}]`)}, {Name: "n", Value: []byte("null")}},
		Scopes: []string{"read", "write"}, Audience: []string{"https://api.example.com", "urn:b"},
		Start: time.Unix(noon.Unix(), 0), End: time.Unix(noon.Unix()+3600, 0), AssertionEnd: time.Unix(noon.Unix()+300, 0),
	}
}

func sealed(t testing.TB, k *keyring.DigestKeys, token Token) string {
	t.Helper()
	text, err := Seal(k, server, token)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// sealedText seals a content as it is, under the given purpose and for the given issuer.
func sealedText(t testing.TB, k keyring.DigestKey, keyPurpose, associated, plain string) string {
	t.Helper()
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt)
	aead := must(aeadFor(k, keyPurpose, salt))
	return prefix + k.ID() + base64.RawURLEncoding.EncodeToString(aead.Seal(salt, nil, []byte(plain), []byte(associated)))
}

func reasonOf(err error) oauth.Reason {
	if err == nil {
		return ""
	}
	if e := (*oauth.Error)(nil); errors.As(err, &e) {
		return e.Reason
	}
	return "no refusal: " + oauth.Reason(err.Error())
}
