package integration

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/jwttest"
)

// TestReferenceDocument exchanges assertions as the reference document describes them: RS256, a self-signed certificate
// uploaded for the issuer, and a lifetime of 60 000 s as in its sample.
func TestReferenceDocument(t *testing.T) {
	tn := newTenant(t)
	block, _ := pem.Decode(certificate(tn.key))
	s1, s256 := sha1.Sum(block.Bytes), sha256.Sum256(block.Bytes)
	x5t := base64.RawURLEncoding.EncodeToString(s1[:])
	for name, header := range map[string]string{
		"W-50h no kid":      `{"alg":"RS256"}`,
		"W-50a foreign kid": `{"kid":"NTAxZmMxNDMyZDg3MTU1ZGM0MzEzODJhZWI4NDNlZDU1OGFkNjFiMQ_RS256","alg":"RS256"}`,
		"x5t of another certificate, as the sample has it": `{"x5t":"NzYxMmFkOGYwMWI0ZWNmNDcxNGYwYmM4ZTA3MWI2NDAzZGQzNGM0ZGRlNjJkODFkZDRiOTFkMWFhMzU2ZGVlNg","alg":"RS256"}`,
		"x5t":      `{"x5t":"` + x5t + `","alg":"RS256"}`,
		"x5t#S256": `{"x5t#S256":"` + base64.RawURLEncoding.EncodeToString(s256[:]) + `","alg":"RS256","typ":"JWT"}`,
	} {
		t.Run(name, func(t *testing.T) {
			claims := tn.claims(60_000*time.Second).Add("azp", `"q5YUK9hcYLqFWzvZARGomT78z58a"`).Add("aut", `"APPLICATION_USER"`)
			got := tn.post(0, jwttest.Compact("RS256", tn.key, header, claims.String()))
			if got.status != http.StatusOK || got.TokenType != "Bearer" || got.ExpiresIn != 3600 || got.Scope != "read write" {
				t.Fatalf("got %+v", got)
			}
		})
	}
}

// TestLibraries: the exchange is done by an OAuth client library, and the access token verified by an OpenID Connect
// library that finds the keys by itself, on every replica.
func TestLibraries(t *testing.T) {
	tn := newTenant(t)
	for replica, endpoint := range grantor.URLs {
		config := clientcredentials.Config{
			ClientID: tn.clientID(), ClientSecret: clientSecret, TokenURL: endpoint + "/oauth2/token",
			Scopes: []string{"read"}, AuthStyle: oauth2.AuthStyleInHeader,
			EndpointParams: map[string][]string{"grant_type": {grantTypeJWTBearer}, "assertion": {tn.assertion()}},
		}
		token, err := config.Token(t.Context())
		if err != nil {
			t.Fatalf("replica %d: %v", replica, err)
		}
		if token.Type() != "Bearer" || !token.Valid() || time.Until(token.Expiry) > time.Hour {
			t.Errorf("replica %d: token %s until %s", replica, token.Type(), token.Expiry)
		}
		provider, err := oidc.NewProvider(t.Context(), grantor.Issuer)
		if err != nil {
			t.Fatal(err)
		}
		verified, err := provider.Verifier(&oidc.Config{ClientID: grantor.Issuer}).Verify(t.Context(), token.AccessToken)
		if err != nil {
			t.Fatalf("replica %d: %v", replica, err)
		}
		var claims struct {
			ClientID string `json:"client_id"`
			Scope    string `json:"scope"`
		}
		if err := verified.Claims(&claims); err != nil {
			t.Fatal(err)
		}
		if want := tn.namespace + "/partner:alice"; verified.Subject != want || claims.ClientID != tn.clientID() || claims.Scope != "read" {
			t.Errorf("replica %d: subject %q, claims %+v; want subject %q", replica, verified.Subject, claims, want)
		}
	}
}

// TestServiceAccountToken exchanges a projected ServiceAccount token of the real API server, whose keys are declared
// inline as its JWKS endpoint publishes them.
func TestServiceAccountToken(t *testing.T) {
	tn := newTenant(t)
	cp := grantor.ControlPlane
	document, err := cp.Kubectl(t.Context(), "get", "--raw", "/openid/v1/jwks").Output()
	if err != nil {
		t.Fatal(err)
	}
	discovery, err := cp.Kubectl(t.Context(), "get", "--raw", "/.well-known/openid-configuration").Output()
	if err != nil {
		t.Fatal(err)
	}
	var cluster struct {
		Issuer string `json:"issuer"`
	}
	if err := json.Unmarshal(discovery, &cluster); err != nil {
		t.Fatal(err)
	}
	p := tn.provider("cluster")
	p.Spec.Issuer, p.Spec.CertificateSecretRef, p.Spec.JWKS = cluster.Issuer, nil, &v1alpha1.JSONWebKeySet{}
	p.Spec.AudienceAliases = []string{grantor.Issuer}
	p.Spec.Replay = v1alpha1.ReplayReuse
	if err := json.Unmarshal(document, p.Spec.JWKS); err != nil {
		t.Fatal(err)
	}
	tn.create(p)
	tn.waitReady(&v1alpha1.IdentityProvider{}, "cluster", v1alpha1.ReasonReady)
	ready := tn.serviceAccountToken(grantor.Issuer)
	tn.waitFor(0, ready, http.StatusOK)
	if got := tn.post(0, ready); got.status != http.StatusOK {
		t.Errorf("the same token again, which the provider allows: %+v", got)
	}
	if got := tn.post(0, tn.serviceAccountToken("https://elsewhere.test")); got.status != http.StatusBadRequest || got.Error != "invalid_grant" {
		t.Errorf("a token for another audience: %+v", got)
	}
}

func (tn *tenant) serviceAccountToken(audience string) string {
	tn.t.Helper()
	accounts(tn)
	token, err := grantor.ControlPlane.ServiceAccountToken(tn.t.Context(), tn.namespace, "workload", audience)
	if err != nil {
		tn.t.Fatal(err)
	}
	return token
}
