package operator

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/test/harness"
)

func borderRows() []row {
	return []row{
		{id: "L-x03", name: "both-halves-of-the-handshake", run: handshake},
		{id: "L-x04", name: "foreign-providers-are-not-revealed", run: notRevealed},
		{id: "L-x05", name: "claims-of-others", run: contested},
	}
}

// handshake: a client uses the provider of another namespace while both sides say so, and not a moment longer.
func handshake(t *testing.T, w *world) {
	owner, guest := w.tenant(t), w.tenant(t)
	owner.certProvider("idp")
	owner.waitReady("idp")
	owner.wait(owner.fresh("idp"), http.StatusOK)
	as := func(status int) {
		t.Helper()
		guest.waitAs(guest.namespace+".app", guest.secret, owner.fresh("idp"), status)
	}
	reference := []any{object{"name": "idp", "namespace": owner.namespace}}
	listed := object{"from": "Listed", "namespaces": []any{guest.namespace}}
	as(http.StatusBadRequest)
	guest.patch(kindClient, "app", object{"identityProviders": reference})
	guest.waitReason(kindClient, "app", v1alpha1.ConditionResolvedRefs, v1alpha1.ReasonReferenceNotPermitted)
	as(http.StatusBadRequest)
	for _, allowed := range []object{listed, {"from": "All", "namespaces": nil}} {
		owner.patch(kindProvider, "idp", object{"allowedClientNamespaces": allowed})
		as(http.StatusOK)
		guest.waitReason(kindClient, "app", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
		owner.patch(kindProvider, "idp", object{"allowedClientNamespaces": object{"from": "Same", "namespaces": nil}})
		as(http.StatusBadRequest)
		guest.waitReason(kindClient, "app", v1alpha1.ConditionResolvedRefs, v1alpha1.ReasonReferenceNotPermitted)
	}
	owner.patch(kindProvider, "idp", object{"allowedClientNamespaces": listed})
	as(http.StatusOK)
	guest.patch(kindClient, "app", object{"identityProviders": nil}) // The other half.
	as(http.StatusBadRequest)
	guest.patch(kindClient, "app", object{"identityProviders": []any{object{"name": "idp"}}}) // One of its own namespace.
	as(http.StatusBadRequest)
	guest.patch(kindClient, "app", object{"identityProviders": reference})
	as(http.StatusOK)
	owner.patch(kindProvider, "idp", object{"allowedClientNamespaces": object{"from": "Listed", "namespaces": []any{guest.namespace + "x", guest.namespace[:len(guest.namespace)-1]}}})
	as(http.StatusBadRequest)
	owner.wait(owner.fresh("idp"), http.StatusOK)
}

// notRevealed: what a client may not use is the same as what does not exist, in every word.
func notRevealed(t *testing.T, w *world) {
	owner, guest := w.tenant(t), w.tenant(t)
	owner.certProvider("there")
	owner.waitReady("there")
	said := map[string]string{}
	for _, name := range []string{"there", "where"} {
		for _, auth := range []string{"grant", "federated"} {
			ref := object{"name": name, "namespace": owner.namespace}
			spec := object{"identityProviders": []any{ref}, "authentication": object{"public": object{}}}
			if auth == "federated" {
				spec = object{"authentication": object{"federated": object{"identityProviderRef": ref, "subject": "x"}}}
			}
			client := auth + "-" + name
			guest.create(guest.object(kindClient, client, object{"spec": spec}))
			message := guest.waitReason(kindClient, client, v1alpha1.ConditionResolvedRefs, v1alpha1.ReasonReferenceNotPermitted)
			said[client] = strings.ReplaceAll(message, name, "NAME")
			c, err := w.clientOf(t.Context(), guest.namespace, client)
			if err != nil {
				t.Fatal(err)
			}
			for _, condition := range c.Status.Conditions {
				if condition.Type != v1alpha1.ConditionProgrammed { // It is about this client alone.
					said[client] += "\n" + strings.ReplaceAll(string(condition.Status)+condition.Reason+condition.Message, name, "NAME")
				}
			}
		}
	}
	for _, auth := range []string{"grant", "federated"} {
		if said[auth+"-there"] != said[auth+"-where"] {
			t.Errorf("of one that exists it is said\n%s\nand of one that does not\n%s", said[auth+"-there"], said[auth+"-where"])
		}
	}
	// In a namespace that does not exist it is the same again.
	guest.create(guest.object(kindClient, "nowhere", object{"spec": object{
		"identityProviders": []any{object{"name": "there", "namespace": "no-such-namespace"}}, "authentication": object{"public": object{}},
	}}))
	guest.waitReason(kindClient, "nowhere", v1alpha1.ConditionResolvedRefs, v1alpha1.ReasonReferenceNotPermitted)
}

// contested: nobody takes a client id or an issuer from another tenant by claiming it too.
func contested(t *testing.T, w *world) {
	owner, thief := w.tenant(t), w.tenant(t)
	owner.certProvider("idp")
	owner.waitReady("idp")
	thief.opaque("steal", map[string]string{"client_secret": thief.secret})
	thief.client("steal", object{"clientID": owner.namespace + ".app"})
	thief.waitReason(kindClient, "steal", v1alpha1.ConditionAccepted, v1alpha1.ReasonDuplicateClientID)
	owner.waitAs(owner.namespace+".app", thief.secret, owner.fresh("idp"), http.StatusUnauthorized)
	owner.now(owner.fresh("idp"), http.StatusOK)
	// The same issuer in another namespace is another provider: its keys are no keys of the first one.
	thief.opaque("idp", map[string]string{"tls.crt": certificate(ecKey("thief"))})
	thief.create(thief.provider("idp", merged(certificates("idp"), object{"issuer": owner.issuer("idp"), "allowedClientNamespaces": object{"from": "All"}})))
	thief.waitReady("idp")
	owner.now(owner.by("idp", "ES256", "", ecKey("thief")), http.StatusBadRequest)
	thief.waitAs(thief.namespace+".app", thief.secret, owner.by("idp", "ES256", "", ecKey("thief")), http.StatusOK)
	thief.waitAs(thief.namespace+".app", thief.secret, owner.fresh("idp"), http.StatusBadRequest)
	owner.now(owner.fresh("idp"), http.StatusOK)
	// Nor within one namespace: the older one keeps it. Ages are told in seconds, and of one second the name would decide.
	made := time.Now()
	if err := harness.Poll(t.Context(), 10*time.Second, func() error {
		if time.Now().Unix() > made.Unix() {
			return nil
		}
		return errors.New("it is still the same second")
	}); err != nil {
		t.Fatal(err)
	}
	owner.opaque("second", map[string]string{"tls.crt": certificate(ecKey("second"))})
	owner.create(owner.provider("aaa", merged(certificates("second"), object{"issuer": owner.issuer("idp")})))
	owner.waitReason(kindProvider, "aaa", v1alpha1.ConditionAccepted, v1alpha1.ReasonDuplicateIssuer)
	owner.now(owner.by("idp", "ES256", "", ecKey("second")), http.StatusBadRequest)
	owner.now(owner.fresh("idp"), http.StatusOK)
}
