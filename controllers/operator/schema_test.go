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
	for _, c := range status.Conditions {
		checkText(t, "message", c.Message, 1, 32768)
	}
	if e := status.Effective; e == nil || len(e.Types) == 0 && e.Profile != "" {
		t.Errorf("effective policy %+v", e)
	} else {
		checkText(t, "subject prefix", *e.SubjectPrefix, 0, 512)
	}
	if status.Trust == nil {
		return
	}
	if len(status.Trust.Keys) > 100 || len(status.Trust.SkippedKeys) > 100 {
		t.Errorf("%d keys, %d skipped", len(status.Trust.Keys), len(status.Trust.SkippedKeys))
	}
	for _, k := range status.Trust.Keys {
		checkTrustedKey(t, k)
	}
	for _, k := range status.Trust.SkippedKeys {
		checkText(t, "entry", k.Entry, 1, 512)
		checkText(t, "reason", k.Reason, 1, 64)
		checkText(t, "message", k.Message, 1, 1024)
	}
}

func checkTrustedKey(t *testing.T, k v1alpha1.TrustedKey) {
	t.Helper()
	checkText(t, "keyID", k.KeyID, 0, 256)
	checkText(t, "type", k.Type, 1, 32)
	checkText(t, "thumbprint", k.ThumbprintSHA256, 1, 64)
	checkText(t, "publicJWK", k.PublicJWK, 1, 4096)
	if len(k.Algorithms) < 1 || len(k.Algorithms) > 10 {
		t.Errorf("%d algorithms", len(k.Algorithms))
	}
	if c := k.Certificate; c != nil {
		checkText(t, "subject", c.Subject, 0, 1024)
		checkText(t, "x5t", c.ThumbprintSHA1, 1, 64)
		checkText(t, "x5t#S256", c.ThumbprintSHA256, 1, 64)
		if c.NotBefore.IsZero() || c.NotAfter.IsZero() {
			t.Errorf("validity %v to %v", c.NotBefore, c.NotAfter)
		}
	}
}

func checkText(t *testing.T, what, value string, least, most int) {
	t.Helper()
	if n := utf8.RuneCountInString(value); n < least || n > most || !utf8.ValidString(value) {
		t.Errorf("%s of %d characters, from %d to %d fit: %q", what, n, least, most, value)
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
		"long subject":           {Provider: provider(), References: refs(certSecret(validCert(strings.Repeat("ä\x01\"", 500))))},
		"long and skipped":       {Provider: provider(algorithms("RS256")), References: refs(certSecret(join(validCert(strings.Repeat("\\", 2000)), publicKey())))},
		"a hundred fetched keys": {Provider: provider(remote(siteURL)), Lookup: answers(fetchedAt(start, many...).failing(errSite))},
		"fetched and skipped":    {Provider: provider(remote(siteURL), algorithms("RS256")), Lookup: answers(fetchedAt(start, slices.Concat(many[1:], []v1alpha1.JSONWebKey{long})...))},
		"a long issuer": {Provider: provider(of(v1alpha1.ProfileKubernetes), func(p *v1alpha1.IdentityProvider) {
			p.Spec.Subject = &v1alpha1.SubjectMapping{Prefix: new(strings.Repeat("p", 256))}
			p.Name = strings.Repeat("n", 253)
		})},
		"control characters": {Provider: provider(), References: refs(certSecret(validCert("a\nb\x7f\u202e")))},
	} {
		t.Run(name, func(t *testing.T) {
			checkFits(t, evaluated(in).Status)
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
		outcome := evaluated(ProviderInput{Provider: p, References: refs(certSecret(data)), Now: time.Unix(seconds, 0)})
		checkFits(t, outcome.Status)
		if outcome.NextVisit < 0 || outcome.NextVisit > longestVisit {
			t.Errorf("next visit in %v", outcome.NextVisit)
		}
		if len(outcome.Status.Conditions) != 5 {
			t.Errorf("conditions %v", summary(outcome.Status.Conditions))
		}
	})
}

// Evaluation is pure: it reads its input, and one input has one outcome.
func TestEvaluationIsPure(t *testing.T) {
	providerIn := completed(ProviderInput{
		Provider: provider(), References: refs(certSecret(join(expiredCert(), validCert("x")))), Rivals: []*v1alpha1.IdentityProvider{rival()}, Now: start,
	})
	providerIn.Provider.Status = EvaluateProvider(providerIn).Status
	p, s := providerIn.Provider.DeepCopy(), providerIn.References.Secret.DeepCopy()
	providerIn.Now = start.Add(time.Hour)
	if a, b := EvaluateProvider(providerIn), EvaluateProvider(providerIn); !equality.Semantic.DeepEqual(a, b) {
		t.Error(cmp.Diff(a, b))
	}
	if !equality.Semantic.DeepEqual(p, providerIn.Provider) || !equality.Semantic.DeepEqual(s, providerIn.References.Secret) {
		t.Error("the evaluation of a provider changes its input")
	}

	clientIn := completedClient(ClientInput{
		Client: oauthClient(vouchedBy("z", "a")), References: refs(withPrevious(clientValue, clientValue+"2")),
	})
	clientIn.Client.Status = EvaluateClient(clientIn).Status
	c := clientIn.Client.DeepCopy()
	if a, b := EvaluateClient(clientIn), EvaluateClient(clientIn); !equality.Semantic.DeepEqual(a, b) {
		t.Error(cmp.Diff(a, b))
	}
	if !equality.Semantic.DeepEqual(c, clientIn.Client) {
		t.Error("the evaluation of a client changes its input")
	}
}
