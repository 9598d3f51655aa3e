package trustsync

import (
	"crypto"
	"crypto/elliptic"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/jose"
)

const issuer = "https://idp.example"

func created() metav1.Time { return metav1.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC) }

func publicKey(t *testing.T, k crypto.PublicKey) *jose.PublicKey {
	t.Helper()
	key, err := jose.NewPublicKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func trusted(t *testing.T, id string, k crypto.PublicKey, algorithms ...v1alpha1.SignatureAlgorithm) v1alpha1.TrustedKey {
	t.Helper()
	return v1alpha1.TrustedKey{KeyID: id, Algorithms: algorithms, PublicJWK: publicKey(t, k).JWK()}
}

func provider(t *testing.T) *v1alpha1.IdentityProvider {
	t.Helper()
	return &v1alpha1.IdentityProvider{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "partner", UID: "p-1", CreationTimestamp: created()},
		Spec: v1alpha1.IdentityProviderSpec{
			Issuer: issuer, AudienceAliases: []string{"https://auth.example"},
		},
		Status: v1alpha1.IdentityProviderStatus{Trust: &v1alpha1.Trust{
			Issuer: issuer, KeySet: v1alpha1.KeySet{
				Keys: []v1alpha1.TrustedKey{trusted(t, "k1", jwttest.EC("partner", elliptic.P256()).Public(), "ES256")},
			},
		}},
	}
}

func digest(fill string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat(fill, 32)))
}

func oauthClient() *v1alpha1.OAuthClient {
	return &v1alpha1.OAuthClient{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "app", UID: "c-1", CreationTimestamp: created()},
		Spec: v1alpha1.OAuthClientSpec{
			Authentication: v1alpha1.ClientAuthentication{ClientSecret: &v1alpha1.ClientSecretAuthentication{}},
			GrantTypes:     []v1alpha1.GrantType{v1alpha1.GrantJWTBearer},
		},
		Status: v1alpha1.OAuthClientStatus{
			ClientID:    "team-a.app",
			Credentials: []v1alpha1.ClientCredential{{ID: "current", DigestKeyID: "d1", KeyedDigest: digest("a")}},
		},
	}
}
