package operator

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

func objectMeta(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}

func objectRows() []row {
	return []row{
		{id: "L-14", name: "cr-hostile-values", run: hostileValues, bulk: true},
		{id: "L-15", name: "cr-poison-pill", run: poisonPills, alone: true},
	}
}

// naughty are strings that have broken programs before.
func naughty() []string {
	return []string{
		"undefined", "null", "true", "~", "---", "0x0", "NaN", "1e309", "9223372036854775808", "\x00", "\x1b[31m", "\u0085", "\u200b", "\u202e", "\u2028", "\ufeff", "\U000e0001", "Ω≈ç√∫", "１２３",
		"a\r\nlevel=ERROR msg=panic", "a\n{\"level\":\"ERROR\"}", "\"}\n{\"msg\":\"panic\"", "%s%n%x%!d(MISSING)", "{{ .Values }}", "${HOME}", "$(id)", "`id`", "../../etc/passwd", "<script>alert(1)</script>", "' OR 1=1 --",
		"https://a@b:c", "(a+)+$", "*", "kube-system/default", strings.Repeat("x", 512), strings.Repeat("x", 513), strings.Repeat("é", 300), strings.Repeat("x", 1_000_000), "", " ", ".", "a b",
	}
}

// hostileValues are refused by the schema, or the operator says what it makes of them; nothing ends in a loop.
func hostileValues(t *testing.T, w *world) {
	tn := w.tenant(t)
	tn.opaque("cert", map[string]string{"tls.crt": certificate(tn.keyOf("any"))})
	number, created := 0, map[string][]string{}
	try := func(kind string, spec object) {
		number++
		name := fmt.Sprintf("n%d", number)
		if !tn.refusedOr(tn.object(kind, name, object{"spec": spec})) {
			created[kind] = append(created[kind], name)
		}
	}
	base := func(field string, value any) object {
		spec := merged(object{"issuer": "https://" + rand.Text() + ".test", "audienceAliases": []any{alias}}, certificates("cert"))
		spec[field] = value
		return spec
	}
	for _, s := range naughty() {
		try(kindProvider, base("issuer", s))
		try(kindProvider, base("audienceAliases", []any{s}))
		try(kindProvider, base("claimValidationRules", []any{object{"expression": s, "message": s}}))
		try(kindProvider, base("claimValidationRules", []any{object{"claim": s, "requiredValue": s}}))
		try(kindProvider, base("claimMappings", []any{object{"claim": s, "expression": "claims.sub"}}))
		try(kindProvider, base("subject", object{"prefix": s}))
		try(kindProvider, base("scopes", []any{s}))
		try(kindProvider, base("clockSkew", s))
		try(kindClient, object{"clientID": s, "authentication": object{"public": object{}}})
		try(kindClient, object{"authentication": object{"clientSecret": object{"secretRef": object{"name": s}}}})
		try(kindClient, object{"authentication": object{"public": object{}}, "resources": []any{s}})
		try(kindClient, object{"authentication": object{"public": object{}}, "identityProviders": []any{object{"name": s}}})
	}
	for _, d := range []any{"-1s", "0s", "0", "1ns", "100y", "876000h", "1e9h", "9223372036854775807ns", "+1s", "1h1h", ".5h", "1", int64(5), true, nil, "∞"} {
		for _, field := range []string{"clockSkew", "maxAge", "maxLifetime"} {
			try(kindProvider, base(field, d))
		}
		try(kindClient, object{"authentication": object{"public": object{}}, "accessToken": object{"lifetime": d}})
	}
	try(kindProvider, base("audienceAliases", aliases(10_000)))
	for _, expression := range []string{strings.Repeat("(", 1000) + "true" + strings.Repeat(")", 1000), strings.Repeat("!", 2000) + "true", "[1,2,3].map(x,[1,2,3].map(y,[1,2,3].map(z,[1,2,3].map(u,x)))).size()>0", "claims.sub.matches('(a+)+$')", strings.Repeat("'aaaaaaaaaa'+", 150) + "''==''", "1/0==1", "dyn(1)=='x'", "claims"} {
		try(kindProvider, base("claimValidationRules", []any{object{"expression": expression}}))
		try(kindProvider, base("subject", object{"expression": expression}))
	}
	for kind, names := range created {
		for _, name := range names {
			eventually(t, patience, func(ctx context.Context) error {
				c, err := tn.condition(ctx, kind, name, v1alpha1.ConditionReady)
				if err == nil && len(c.Message) > 4096 {
					return fmt.Errorf("%s %s: a message of %d bytes", kind, name, len(c.Message))
				}
				return err
			})
		}
	}
	if len(created[kindProvider]) < 20 || len(created[kindClient]) < 10 {
		t.Errorf("only %d and %d objects came past the schema", len(created[kindProvider]), len(created[kindClient]))
	}
	tn.certProvider("idp")
	tn.waitReady("idp")
}

func aliases(n int) (all []any) {
	for i := range n {
		all = append(all, fmt.Sprintf("https://as%d.test", i))
	}
	return all
}

// poisonPills are objects whose visits fail for ever, for nobody can write what must be written: others do not wait for
// them, and they are visited less and less often.
func poisonPills(t *testing.T, w *world) {
	tn := w.namespace(t)
	tn.client("endless", object{"authentication": object{"clientSecret": object{"secretRef": object{"name": "x"}, "generate": true}}, "identityProviders": []any{object{"name": "x"}}})
	tn.waitReason(kindClient, "endless", v1alpha1.ConditionResolvedRefs, v1alpha1.ReasonIdentityProviderNotFound)
	// In a namespace that is being deleted, and in the absence of what ends that, no Secret can be made.
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: tn.namespace}}
	for i := range 20 {
		tn.create(tn.object(kindClient, fmt.Sprintf("pill%d", i), object{"spec": object{"grantEnabled": false, "authentication": object{"public": object{}}}}))
	}
	if err := w.api.Delete(t.Context(), ns); err != nil {
		t.Fatal(err)
	}
	before := w.metrics(t, w.grantor.Operator.OpsURL)
	for i := range 20 {
		tn.patch(kindClient, fmt.Sprintf("pill%d", i), object{"authentication": object{
			"public": nil, "clientSecret": object{"secretRef": object{"name": fmt.Sprintf("pill%d", i)}, "generate": true},
		}})
	}
	eventually(t, slow(effect), func(context.Context) error {
		if n := w.metrics(t, w.grantor.Operator.OpsURL)["reconcile_errors"] - before["reconcile_errors"]; n < 40 { //nolint:contextcheck // The test's own is the same.
			return fmt.Errorf("only %v visits have failed: nothing is poisoned", n)
		}
		return nil
	})
	tooLarge(t, w)
	for range 3 {
		start := time.Now()
		other := w.tenant(t)
		other.certProvider("idp")
		other.waitReady("idp")
		other.wait(other.fresh("idp"), http.StatusOK)
		if took := time.Since(start); took > slow(effect) {
			t.Errorf("another tenant waited %s", took)
		}
	}
	first := w.metrics(t, w.grantor.Operator.OpsURL)["reconcile_errors"]
	await(t, time.Now().Add(4*time.Second))
	if n := w.metrics(t, w.grantor.Operator.OpsURL)["reconcile_errors"] - first; n > 60 {
		t.Errorf("%v failing visits in 4 seconds: there is no back-off", n)
	}
}

// tooLarge makes a provider that is as large as the API server takes, so that its status may not fit beside it.
func tooLarge(t *testing.T, w *world) {
	t.Helper()
	tn := w.tenant(t)
	var err error
	for size := 15_500; size > 10_000; size -= 500 {
		keys := []any{}
		for i := range 100 {
			keys = append(keys, jwk(strings.Repeat("k", 250)+fmt.Sprint(i), ecKey(fmt.Sprint("large", i)).Public(), object{"x-more": strings.Repeat("x", size)}))
		}
		if err = tn.try(tn.provider("large", object{"jwks": object{"keys": keys}})); err == nil {
			return
		}
	}
	t.Fatal(errors.Join(errors.New("no size fits"), err))
}
