package operator

import (
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/jwttest"
)

func certificateRows() []row {
	return []row{
		{id: "L-06", name: "cert-garbage", run: garbage, alone: true},
		{id: "L-07", name: "cert-dsa", run: dsa},
		{id: "L-08", name: "cert-expired", run: expired},
		{id: "L-11", name: "cert-many", run: manyCertificates},
		{id: "L-x01", name: "cert-weak-or-odd-keys", run: oddKeys},
	}
}

// garbageValues are values of tls.crt that hold no key.
func garbageValues() map[string]string {
	good := certificate(ecKey("garbage"))
	block, _ := pem.Decode([]byte(good))
	request := must(x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, ecKey("garbage")))
	cutDER := block.Bytes[:len(block.Bytes)-7]
	return map[string]string{
		"space": "   \n\t", "newline": "\n", "nul": "\x00", "nuls": strings.Repeat("\x00", 1<<16), "text": "certificate", "undefined": "undefined", "null": "null", "html": "<html>", "json": "{}",
		"blns-quotes": "'\"\\`", "blns-format": "%s%n%x%d", "blns-shell": "$(touch /tmp/x);`id`", "blns-rtl": "\u202e\u2066\ufeff", "blns-zalgo": "Z̮̞̠͙͔ͅ", "blns-template": "{{ .Values }}", "blns-escape": "\x1b[31m\x07", "not-utf8": "\xff\xfe\xfd",
		"begin":      strings.Repeat("-----BEGIN ", 90_000),
		"begin-line": strings.Repeat("-----BEGIN CERTIFICATE-----\n", 35_000), "end": strings.Repeat("-----END CERTIFICATE-----\n", 35_000), "dashes": strings.Repeat("-", 1_000_000), "colons": "-----BEGIN CERTIFICATE-----\n" + strings.Repeat("a:b\n", 240_000),
		"long-line": "-----BEGIN CERTIFICATE-----\n" + strings.Repeat("A", 990_000) + "\n-----END CERTIFICATE-----\n", "spaces": "-----BEGIN CERTIFICATE-----\n" + strings.Repeat(" ", 990_000) + "\n-----END CERTIFICATE-----\n",
		"nested-der": string(nested(200_000)), "sequences": pemText("CERTIFICATE", nested(350_000)), "huge-length": "\x30\x84\x7f\xff\xff\xff\x02\x01\x00", "indefinite": "\x30\x80\x30\x80\x30\x80\x00\x00", "bad-length": "\x30\x82\xff",
		"cut": good[:len(good)/2], "no-end": strings.SplitN(good, "-----END", 2)[0], "no-begin": good[28:], "label": strings.ReplaceAll(good, "CERTIFICATE", "certificate"), "mismatch": strings.Replace(good, "END CERTIFICATE", "END PUBLIC KEY", 1),
		"twice-base64": base64url([]byte(good)), "cut-der": string(cutDER), "cut-der-in-pem": pemText("CERTIFICATE", cutDER), "empty-block": pemText("CERTIFICATE", nil),
		"csr": pemText("CERTIFICATE REQUEST", request), "csr-as-cert": pemText("CERTIFICATE", request), "ec-params": "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n",
		"crl": pemText("X509 CRL", block.Bytes), "pkcs7": pemText("PKCS7", block.Bytes), "dh": pemText("DH PARAMETERS", []byte{0x30, 0}), "public-garbage": pemText("PUBLIC KEY", []byte("x")), "openssh": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB x@y",
	}
}

// nested is DER of sequences in sequences.
func nested(n int) []byte {
	b := make([]byte, 0, 2*n)
	for range n {
		b = append(b, 0x30, 0x80)
	}
	return b
}

// garbage in a Secret is told, costs little to look at, and works in the moment in which it is replaced.
func garbage(t *testing.T, w *world) {
	tn := w.tenant(t)
	for name, value := range garbageValues() {
		tn.opaque(name, map[string]string{})
		tn.create(tn.provider(name, certificates(name)))
		tn.waitReason(kindProvider, name, v1alpha1.ConditionReady, v1alpha1.ReasonSecretKeyNotFound)
		took := time.Hour
		for try := 0; try < 3 && took > slow(100*time.Millisecond); try++ {
			took = min(took, tn.lookAt(name, value))
		}
		if took > slow(100*time.Millisecond) {
			t.Errorf("%s: a visit takes %s", name, took)
		}
	}
	tn.certProvider("idp")
	tn.waitReady("idp")
	tn.wait(tn.fresh("idp"), http.StatusOK)
	tn.put("idp", map[string][]byte{"tls.crt": []byte("\xff")})
	tn.wait(tn.fresh("idp"), http.StatusBadRequest)
	// A good one between garbage is used.
	tn.put("idp", map[string][]byte{"tls.crt": []byte("\x00garbage\n" + certificate(tn.keyOf("idp")) + certificate(ecKey("second")) + "-----BEGIN CERTIFICATE-----\nx\n")})
	tn.waitReason(kindProvider, "idp", v1alpha1.ConditionKeysReady, v1alpha1.ReasonSomeKeysSkipped)
	tn.wait(tn.fresh("idp"), http.StatusOK)
	tn.wait(tn.by("idp", "ES256", "", ecKey("second")), http.StatusOK)
}

// lookAt puts garbage into a Secret, and returns how long visits of objects take until it has been looked at.
func (tn *tenant) lookAt(name, value string) time.Duration {
	tn.t.Helper()
	tn.put(name, map[string][]byte{})
	tn.waitReason(kindProvider, name, v1alpha1.ConditionReady, v1alpha1.ReasonSecretKeyNotFound)
	before := tn.w.metrics(tn.t, tn.w.grantor.Operator.OpsURL)
	tn.put(name, map[string][]byte{"tls.crt": []byte(value)})
	tn.waitKeys(name, v1alpha1.ReasonInvalidKeyMaterial, v1alpha1.ReasonTooManyKeys, v1alpha1.ReasonUnsupportedKey)
	after := tn.w.metrics(tn.t, tn.w.grantor.Operator.OpsURL)
	mean := (after["reconcile_seconds"] - before["reconcile_seconds"]) / max(1, after["reconcile_count"]-before["reconcile_count"])
	return time.Duration(mean * float64(time.Second))
}

func dsa(t *testing.T, w *world) {
	tn := w.tenant(t)
	text := testdata(t, "dsa.pem")
	block, _ := pem.Decode([]byte(text))
	certificate := must(x509.ParseCertificate(block.Bytes))
	for name, value := range map[string]string{"pem": text, "der": string(block.Bytes), "public-key": pemText("PUBLIC KEY", certificate.RawSubjectPublicKeyInfo)} {
		tn.opaque(name, map[string]string{"tls.crt": value})
		tn.create(tn.provider(name, certificates(name)))
		tn.waitReason(kindProvider, name, v1alpha1.ConditionReady, v1alpha1.ReasonUnsupportedKey)
		tn.wait(tn.fresh(name), http.StatusBadRequest)
	}
}

// oddKeys are keys that Go can parse and nobody should trust.
func oddKeys(t *testing.T, w *world) {
	tn := w.tenant(t)
	short, p224 := jwttest.RSA("odd", 1024), jwttest.EC("odd", elliptic.P224())
	for name, r := range map[string]struct{ value, reason string }{
		"rsa-1024": {certificate(short), v1alpha1.ReasonWeakKey},
		"p-224":    {certificate(p224), v1alpha1.ReasonUnsupportedKey},
	} {
		tn.opaque(name, map[string]string{"tls.crt": r.value})
		tn.create(tn.provider(name, certificates(name)))
		tn.waitReason(kindProvider, name, v1alpha1.ConditionReady, r.reason)
	}
	tn.wait(tn.by("rsa-1024", "RS256", "", short), http.StatusBadRequest)
	ed := jwttest.Ed25519("odd")
	tn.opaque("ed25519", map[string]string{"tls.crt": certificate(ed)})
	tn.create(tn.provider("ed25519", certificates("ed25519")))
	tn.waitReady("ed25519")
	tn.wait(tn.by("ed25519", "EdDSA", "", ed), http.StatusOK)
	tn.now(tn.by("ed25519", "HS256", "", []byte(ed.Public().(ed25519.PublicKey))), http.StatusBadRequest) //nolint:forcetypeassert,errcheck // It is one.
}

// expired certificates verify nothing, nor do those that are not valid yet, unless that is asked for.
func expired(t *testing.T, w *world) {
	tn := w.tenant(t)
	now := time.Now()
	for name, r := range map[string]struct {
		from, to time.Time
		reason   string
	}{
		"expired": {now.Add(-48 * time.Hour), now.Add(-time.Hour), v1alpha1.ReasonCertificateExpired},
		"early":   {now.Add(time.Hour), now.Add(48 * time.Hour), v1alpha1.ReasonCertificateNotYetValid},
		"never":   {now.Add(time.Hour), now.Add(-time.Hour), v1alpha1.ReasonCertificateExpired},
		"ancient": {time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(1950, 1, 2, 0, 0, 0, 0, time.UTC), v1alpha1.ReasonCertificateExpired},
		"zero":    {time.Time{}.AddDate(0, 0, 1), time.Time{}.AddDate(0, 0, 2), v1alpha1.ReasonCertificateExpired},
		"far":     {now.Add(-time.Hour), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), v1alpha1.ReasonReady},
	} {
		tn.opaque(name, map[string]string{"tls.crt": certificateBetween(tn.keyOf("any"), r.from, r.to)})
		tn.create(tn.provider(name, certificates(name)))
		tn.waitReason(kindProvider, name, v1alpha1.ConditionReady, r.reason)
		want := http.StatusBadRequest
		if r.reason == v1alpha1.ReasonReady {
			want = http.StatusOK
		}
		tn.wait(tn.by(name, "ES256", "", tn.keyOf("any")), want)
	}
	tn.patch(kindProvider, "expired", object{"certificateExpiry": "Ignore"})
	tn.waitReady("expired")
	tn.wait(tn.by("expired", "ES256", "", tn.keyOf("any")), http.StatusOK)
	tn.patch(kindProvider, "expired", object{"certificateExpiry": "Enforce"})
	tn.wait(tn.by("expired", "ES256", "", tn.keyOf("any")), http.StatusBadRequest)
}

// manyCertificates: as many as may be trusted are cheap, and more are refused as a whole.
func manyCertificates(t *testing.T, w *world) {
	tn := w.tenant(t)
	bundle := func(n int) string {
		var all strings.Builder
		for i := range n - 1 {
			all.WriteString(certificate(ecKey(fmt.Sprint("many", i))))
		}
		return all.String() + certificate(tn.keyOf("any"))
	}
	for n, reason := range map[int]string{10: v1alpha1.ReasonReady, 11: v1alpha1.ReasonTooManyKeys, 500: v1alpha1.ReasonTooManyKeys} {
		name := fmt.Sprintf("n%d", n)
		tn.opaque(name, map[string]string{"tls.crt": bundle(n)})
		tn.create(tn.provider(name, certificates(name)))
		tn.waitReason(kindProvider, name, v1alpha1.ConditionReady, reason)
	}
	tn.wait(tn.by("n500", "ES256", "", tn.keyOf("any")), http.StatusBadRequest)
	tn.wait(tn.by("n10", "ES256", "", tn.keyOf("any")), http.StatusOK)
	tn.quick("n10", http.StatusBadRequest, tn.by("n10", "ES256", "", ecKey("evil")))
}
