package operator

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// checkFits holds for every status: a value that the API server refuses would keep the one before, and with it keys that
// are to be trusted no more.
func checkFits(t *testing.T, status v1alpha1.IdentityProviderStatus) {
	t.Helper()
	text := func(what, value string, least, most int) {
		if n := utf8.RuneCountInString(value); n < least || n > most || !utf8.ValidString(value) {
			t.Errorf("%s of %d characters, from %d to %d fit: %q", what, n, least, most, value)
		}
	}
	for _, c := range status.Conditions {
		text("message", c.Message, 1, 32768)
	}
	if status.Trust == nil {
		return
	}
	if len(status.Trust.Keys) > 100 || len(status.Trust.SkippedKeys) > 100 {
		t.Errorf("%d keys, %d skipped", len(status.Trust.Keys), len(status.Trust.SkippedKeys))
	}
	for _, k := range status.Trust.Keys {
		text("keyID", k.KeyID, 0, 256)
		text("type", k.Type, 1, 32)
		text("thumbprint", k.ThumbprintSHA256, 1, 64)
		text("publicJWK", k.PublicJWK, 1, 4096)
		if len(k.Algorithms) < 1 || len(k.Algorithms) > 10 {
			t.Errorf("%d algorithms", len(k.Algorithms))
		}
		if c := k.Certificate; c != nil {
			text("subject", c.Subject, 0, 1024)
			text("x5t", c.ThumbprintSHA1, 1, 64)
			text("x5t#S256", c.ThumbprintSHA256, 1, 64)
			if c.NotBefore.IsZero() || c.NotAfter.IsZero() {
				t.Errorf("validity %v to %v", c.NotBefore, c.NotAfter)
			}
		}
	}
	for _, k := range status.Trust.SkippedKeys {
		text("entry", k.Entry, 1, 512)
		text("reason", k.Reason, 1, 64)
		text("message", k.Message, 1, 1024)
	}
}

func TestProviderStatusFitsTheSchema(t *testing.T) {
	long := jwk(strings.Repeat("ä", 128))
	long.Use = "enc"
	many := make([]v1alpha1.JSONWebKey, 100)
	for i := range many {
		many[i] = jwk(strings.Repeat("k", i+1))
	}
	for name, in := range map[string]ProviderInput{
		"a hundred inline keys":  {Provider: provider(inline(many...))},
		"a hundred and one":      {Provider: provider(inline(slices.Concat(many, many[:1])...))},
		"skipped with long kids": {Provider: provider(inline(jwk("good"), long))},
		"long subject":           {Provider: provider(), Secret: certSecret(validCert(strings.Repeat("ä\x01\"", 500)))},
		"long and skipped":       {Provider: provider(algorithms("RS256")), Secret: certSecret(join(validCert(strings.Repeat("\\", 2000)), publicKey()))},
		"control characters":     {Provider: provider(), Secret: certSecret(validCert("a\nb\x7f\u202e"))},
	} {
		t.Run(name, func(t *testing.T) {
			in.Now = start
			checkFits(t, EvaluateProvider(in).Status)
		})
	}
}

func FuzzEvaluateProvider(f *testing.F) {
	f.Add(join(validCert("x"), futureCert("y"), expiredCert()), "RS256", "30s", start.Unix())
	f.Add(join(publicKey(), privateKey()), "ES256", "", int64(1<<40))
	f.Add([]byte("garbage"), "", "soon", int64(-1<<40))
	f.Fuzz(func(t *testing.T, data []byte, algorithm, skew string, seconds int64) {
		p := provider(func(p *v1alpha1.IdentityProvider) {
			p.Spec.ClockSkew = v1alpha1.Duration(skew)
			if algorithm != "" {
				p.Spec.Algorithms = []v1alpha1.SignatureAlgorithm{v1alpha1.SignatureAlgorithm(algorithm)}
			}
		})
		outcome := EvaluateProvider(ProviderInput{Provider: p, Secret: certSecret(data), Now: time.Unix(seconds, 0)})
		checkFits(t, outcome.Status)
		if outcome.NextVisit < 0 || outcome.NextVisit > longestVisit {
			t.Errorf("next visit in %v", outcome.NextVisit)
		}
		if len(outcome.Status.Conditions) != 4 {
			t.Errorf("conditions %v", summary(outcome.Status.Conditions))
		}
	})
}

// Evaluation is pure: it reads its input, and one input has one outcome.
func TestEvaluationIsPure(t *testing.T) {
	providerIn := ProviderInput{
		Provider: provider(), Secret: certSecret(join(expiredCert(), validCert("x"))), Rivals: []*v1alpha1.IdentityProvider{rival()}, Now: start,
	}
	providerIn.Provider.Status = EvaluateProvider(providerIn).Status
	p, s := providerIn.Provider.DeepCopy(), providerIn.Secret.DeepCopy()
	providerIn.Now = start.Add(time.Hour)
	if a, b := EvaluateProvider(providerIn), EvaluateProvider(providerIn); !equality.Semantic.DeepEqual(a, b) {
		t.Error(cmp.Diff(a, b))
	}
	if !equality.Semantic.DeepEqual(p, providerIn.Provider) || !equality.Semantic.DeepEqual(s, providerIn.Secret) {
		t.Error("the evaluation of a provider changes its input")
	}

	clientIn := ClientInput{
		Client: oauthClient(), Secret: withPrevious(clientValue, clientValue+"2"), MissingProviders: []string{"z", "a"}, DigestKey: digests(), Now: start,
	}
	clientIn.Client.Status = EvaluateClient(clientIn).Status
	c, missing := clientIn.Client.DeepCopy(), []string{"z", "a"}
	if a, b := EvaluateClient(clientIn), EvaluateClient(clientIn); !equality.Semantic.DeepEqual(a, b) {
		t.Error(cmp.Diff(a, b))
	}
	if !equality.Semantic.DeepEqual(c, clientIn.Client) || !cmp.Equal(missing, clientIn.MissingProviders) {
		t.Error("the evaluation of a client changes its input")
	}
}
