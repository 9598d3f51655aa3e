package operator

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/jose"
)

func keySetRows() []row {
	return []row{
		{id: "K-14", name: "jwks-hammer", run: hammer, long: true},
		{id: "K-16", name: "jwks-key-added", run: keyAdded, long: true},
		{id: "K-16", name: "jwks-key-removed", run: keyRemoved, long: true},
		{id: "K-17", name: "jwks-dup-kid", run: sameKeyID},
		{id: "K-18", name: "jwks-private-or-oct", run: mixedSet},
		{id: "K-19", name: "jwks-many-keys", run: manyKeys},
	}
}

// cooled is when a source may be fetched early: some seconds after its last fetch.
const cooled = 11 * time.Second

// hammer: whoever makes up key ids does not make the operator hammer the issuer, and keeps nobody waiting but himself.
func hammer(t *testing.T, w *world) {
	tn := w.tenant(t)
	page := w.site.page(text(jwks(jwk("known", tn.keyOf("idp").Public(), nil))))
	tn.create(tn.provider("idp", remote(w.url(page))))
	tn.waitReady("idp")
	tn.wait(tn.by("idp", "ES256", "known", tn.keyOf("idp")), http.StatusOK)
	await(t, time.Now().Add(cooled))
	before := len(page.seen())
	const count, callers = 1000, 50
	var refused, failed atomic.Int64
	var all sync.WaitGroup
	start := time.Now()
	for caller := range callers {
		all.Go(func() {
			for range count / callers {
				a, err := tn.post(t.Context(), caller%replicas, tn.by("idp", "ES256", rand.Text(), ecKey("evil"))())
				if err == nil && a.status == http.StatusBadRequest && a.Error == "invalid_grant" {
					refused.Add(1)
				} else {
					failed.Add(1)
				}
			}
		})
	}
	all.Wait()
	took := time.Since(start)
	if refused.Load() != count || failed.Load() != 0 {
		t.Errorf("%d of %d refused, %d otherwise", refused.Load(), count, failed.Load())
	}
	if fetches := len(page.seen()) - before; fetches < 1 || fetches > 2+int(took/(10*time.Second)) {
		t.Errorf("%d fetches in %s", fetches, took)
	}
	tn.now(tn.by("idp", "ES256", "known", tn.keyOf("idp")), http.StatusOK)
}

// keyAdded: the first assertion that is signed with a new key makes it known.
func keyAdded(t *testing.T, w *world) {
	tn := w.tenant(t)
	old := jwk("b1", tn.keyOf("idp").Public(), nil)
	page := w.site.page(text(jwks(old)))
	tn.create(tn.provider("idp", remote(w.url(page))))
	tn.waitReady("idp")
	tn.wait(tn.by("idp", "ES256", "b1", tn.keyOf("idp")), http.StatusOK)
	fetches := 1
	for try := 1; ; try++ { // A request waits two seconds for the fetch, which a busy machine may need longer for.
		await(t, time.Now().Add(cooled))
		name := fmt.Sprint("b3-", try)
		page.set(text(jwks(old, jwk(name, ecKey(name).Public(), nil))))
		a, err := tn.post(t.Context(), 0, tn.by("idp", "ES256", name, ecKey(name))())
		fetches++
		if err == nil && a.status == http.StatusOK {
			break
		}
		if try == 3 {
			t.Fatalf("the first assertion with the new key: %d %q after %s (%v)", a.status, a.Error, a.took, err)
		}
	}
	tn.now(tn.by("idp", "ES256", "b1", tn.keyOf("idp")), http.StatusOK)
	if n := len(page.seen()); n > fetches {
		t.Errorf("%d fetches, want one at first and one for each new key", n)
	}
}

// keyRemoved: what the issuer has withdrawn is refused after the next fetch, which an unknown key id makes an early one.
func keyRemoved(t *testing.T, w *world) {
	tn := w.tenant(t)
	page := w.site.page(text(jwks(jwk("b1", tn.keyOf("idp").Public(), nil))))
	tn.create(tn.provider("idp", remote(w.url(page))))
	tn.waitReady("idp")
	tn.wait(tn.by("idp", "ES256", "b1", tn.keyOf("idp")), http.StatusOK)
	await(t, time.Now().Add(cooled))
	page.set(text(jwks(jwk("b2", ecKey("b2").Public(), nil))))
	tn.wait(tn.by("idp", "ES256", "b2", ecKey("b2")), http.StatusOK)
	tn.wait(tn.by("idp", "ES256", "b1", tn.keyOf("idp")), http.StatusBadRequest)
}

// sameKeyID: two keys with one key id are both tried, and no other.
func sameKeyID(t *testing.T, w *world) {
	tn := w.tenant(t)
	page := w.site.page(text(jwks(jwk("twin", ecKey("twin1").Public(), nil), jwk("twin", ecKey("twin2").Public(), nil), jwk("else", ecKey("twin3").Public(), nil))))
	tn.create(tn.provider("idp", remote(w.url(page))))
	tn.waitReady("idp")
	tn.wait(tn.by("idp", "ES256", "twin", ecKey("twin1")), http.StatusOK)
	tn.wait(tn.by("idp", "ES256", "twin", ecKey("twin2")), http.StatusOK)
	tn.now(tn.by("idp", "ES256", "twin", ecKey("twin3")), http.StatusBadRequest)
	tn.now(tn.by("idp", "ES256", "twin", ecKey("twin4")), http.StatusBadRequest)
}

// mixedSet: symmetric and private keys in a set are left out, named in status, and never used or shown.
func mixedSet(t *testing.T, w *world) {
	tn := w.tenant(t)
	shared := []byte("0123456789abcdef0123456789abcdef")
	private := ecKey("private")
	d := base64url(must(private.Bytes()))
	rsaKey := jwttest.RSA("mixed", 2048)
	rsaD := base64url(rsaKey.D.Bytes())
	w.remember(base64url(shared), d, rsaD)
	document := jwks(
		object{"kty": "oct", "kid": "oct", "alg": "HS256", "k": base64url(shared)},
		jwk("private", private.Public(), object{"d": d}),
		jwk("rsa-private", rsaKey.Public(), object{"d": rsaD}),
		jwk("enc", ecKey("enc").Public(), object{"use": "enc"}),
		object{"kty": "X", "kid": "new"},
		jwk("good", tn.keyOf("idp").Public(), nil),
	)
	tn.create(tn.provider("idp", remote(w.url(w.site.page(text(document))))))
	tn.waitReady("idp")
	tn.waitReason(kindProvider, "idp", v1alpha1.ConditionKeysReady, v1alpha1.ReasonSomeKeysSkipped)
	tn.wait(tn.by("idp", "ES256", "good", tn.keyOf("idp")), http.StatusOK)
	for _, forged := range []func() string{
		tn.by("idp", "HS256", "oct", shared), tn.by("idp", "HS256", "", shared), tn.by("idp", "HS256", "good", []byte(base64url(shared))),
		tn.by("idp", "ES256", "private", private), tn.by("idp", "ES256", "", private), tn.by("idp", "RS256", "rsa-private", rsaKey), tn.by("idp", "ES256", "enc", ecKey("enc")),
		tn.by("idp", "HS256", "good", must(x509.MarshalPKIXPublicKey(tn.keyOf("idp").Public()))),
	} {
		tn.now(forged, http.StatusBadRequest)
	}
	p, err := w.providerOf(t.Context(), tn.namespace, "idp")
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]int{}
	for _, s := range p.Status.Trust.SkippedKeys {
		reasons[s.Reason]++
	}
	if reasons[v1alpha1.ReasonPrivateKey] != 3 && reasons[v1alpha1.ReasonPrivateKey] != 2 || len(p.Status.Trust.SkippedKeys) != 5 || len(p.Status.Trust.Keys) != 1 {
		t.Errorf("skipped %+v", p.Status.Trust.SkippedKeys)
	}
	only := w.site.page(text(jwks(object{"kty": "oct", "alg": "HS256", "k": base64url(shared)})))
	tn.create(tn.provider("only", remote(w.url(only))))
	tn.waitKeys("only", v1alpha1.ReasonPrivateKey, v1alpha1.ReasonUnsupportedKey)
	tn.wait(tn.by("only", "HS256", "", shared), http.StatusBadRequest)
}

// manyKeys: sets and keys that would cost too much at every request are refused, and the largest that is not is cheap.
func manyKeys(t *testing.T, w *world) {
	tn := w.tenant(t)
	set := func(n int, kid func(int) string) string {
		keys := []any{}
		for i := range n - 1 {
			keys = append(keys, jwk(kid(i), ecKey(fmt.Sprint("many", i)).Public(), nil))
		}
		return jwks(append(keys, jwk(kid(n-1), tn.keyOf("idp").Public(), nil))...)
	}
	same := func(int) string { return "same" }
	own := func(i int) string { return fmt.Sprint("kid", i) }
	modulus := func(bits uint) object {
		n := new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), bits-1), big.NewInt(12345))
		return object{"kty": "RSA", "n": base64url(n.Bytes()), "e": "AQAB"}
	}
	for name, document := range map[string]string{
		"n100": set(100, own), "same100": set(100, same), "n101": set(101, same), "n2000": set(2000, same), "bits65536": jwks(modulus(65536)), "bits16384": jwks(modulus(16384)), "bits1024": jwks(modulus(1024)),
		"exponent": jwks(object{"kty": "RSA", "n": base64url(jwttest.RSA("mixed", 2048).N.Bytes()), "e": base64url(jwttest.RSA("mixed", 2048).N.Bytes())}),
		"nulls":    jwks(make([]any, 200_000)...),
	} {
		tn.create(tn.provider(name, remote(w.url(w.site.page(text(document))))))
	}
	for name, reason := range map[string]string{
		"n101": v1alpha1.ReasonTooManyKeys, "n2000": v1alpha1.ReasonTooManyKeys, "nulls": v1alpha1.ReasonTooManyKeys,
		"bits1024": v1alpha1.ReasonWeakKey,
	} {
		tn.waitReason(kindProvider, name, v1alpha1.ConditionReady, reason)
	}
	for _, name := range []string{"bits65536", "bits16384"} {
		tn.waitKeys(name, v1alpha1.ReasonUnsupportedKey, v1alpha1.ReasonInvalidKeyMaterial)
	}
	tn.waitKeys("exponent", v1alpha1.ReasonUnsupportedKey, v1alpha1.ReasonWeakKey, v1alpha1.ReasonInvalidKeyMaterial)
	tn.waitReady("n100")
	tn.wait(tn.by("n100", "ES256", "kid99", tn.keyOf("idp")), http.StatusOK)
	tn.quick("n100", http.StatusOK, tn.by("n100", "ES256", "kid99", tn.keyOf("idp")))
	tn.quick("n100", http.StatusBadRequest, tn.by("n100", "ES256", "kid99", ecKey("evil")))
	// Of many keys with one key id, the first few are tried and no more.
	tn.waitReady("same100")
	tn.wait(tn.by("same100", "ES256", "same", firstTried(t, 99)), http.StatusOK)
	tn.quick("same100", http.StatusBadRequest, tn.by("same100", "ES256", "same", ecKey("evil")))
}

// firstTried is the key of the set that comes first in the order in which the operator puts keys with one key id.
func firstTried(t *testing.T, n int) *ecdsa.PrivateKey {
	t.Helper()
	var first *ecdsa.PrivateKey
	least := ""
	for i := range n {
		key := ecKey(fmt.Sprint("many", i))
		public, err := jose.NewPublicKey(key.Public())
		if err != nil {
			t.Fatal(err)
		}
		if least == "" || public.Thumbprint() < least {
			first, least = key, public.Thumbprint()
		}
	}
	return first
}

// quick holds the best of some answers against the budget of a verification.
func (tn *tenant) quick(name string, status int, assertion func() string) {
	tn.t.Helper()
	best := time.Hour
	for range 20 {
		a, err := tn.post(tn.t.Context(), 0, assertion())
		if err != nil || a.status != status {
			tn.t.Fatalf("%s: %d %v", name, a.status, err)
		}
		best = min(best, a.took)
	}
	if best > slow(25*time.Millisecond) {
		tn.t.Errorf("%s: an answer takes %s at best", name, best)
	}
}

// downAtBoot is a provider whose server is down when the operator starts.
type downAtBoot struct {
	tn   *tenant
	page *page
}

// newDownAtBoot makes it while no operator runs.
func newDownAtBoot(t *testing.T, w *world) *downAtBoot {
	t.Helper()
	w.host = allowedHost
	d := &downAtBoot{tn: w.tenant(t)}
	d.page = w.site.page(status(http.StatusServiceUnavailable, ""))
	d.tn.create(d.tn.provider("down", often(w.url(d.page))))
	d.tn.certProvider("up")
	return d
}

func (d *downAtBoot) run(t *testing.T, _ *world) {
	d.tn.t = t
	d.tn.waitReady("up")
	d.tn.wait(d.tn.fresh("up"), http.StatusOK)
	d.tn.waitReason(kindProvider, "down", v1alpha1.ConditionReady, v1alpha1.ReasonFetchFailed)
	d.tn.wait(d.tn.fresh("down"), http.StatusBadRequest)
	d.page.set(text(jwks(jwk("", d.tn.keyOf("down").Public(), nil))))
	d.tn.waitReasonWithin(slow(25*time.Second), kindProvider, "down", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	d.tn.wait(d.tn.fresh("down"), http.StatusOK)
}

// privatePEM is a private key as a file has it.
func privatePEM(key any) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(key))}))
}
