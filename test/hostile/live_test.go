package hostile

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// effect is how long a change of the manifests may take to count.
const effect = 5 * time.Second

// liveRows: manifests that change while the server runs, and an issuer with a path. Each has a server of its own.
func liveRows() []row {
	return append(append(replicaRows(), familyReplicaRows()...), []row{
		{id: "B-13", name: "client-disabled-while-running", run: clientComesAndGoes},
		{id: "B-16", name: "secret-rotated-while-running", run: secretIsRotated},
		{id: "D-x09", name: "keys-change-while-running", run: keysChange},
		{id: "N-04", name: "token-after-restart", run: tokensAfterRestart},
		{id: "N-04", name: "token-expired", run: tokenExpires},
		{id: "N-08", name: "client-comes-and-goes", run: tokensOfClientsThatGo},
		{id: "N-08", name: "provider-comes-and-goes", run: tokensOfProvidersThatGo},
		{id: "P-03", name: "issuer-with-a-path", run: issuerWithPath},
	}...)
}

// rewrite puts the usual manifests with changes in place of what the server reads.
func (w *world) rewrite(t *testing.T, edit func([]object) []object) {
	t.Helper()
	w.write(t, edit(usualObjects(w.issuer+"/oauth2/token")))
}

// named finds an object of ns-a among manifests.
func named(t *testing.T, objects []object, kind, name string) object {
	t.Helper()
	i := slices.IndexFunc(objects, func(o object) bool {
		m, _ := o["metadata"].(object)
		return o["kind"] == kind && m["namespace"] == "ns-a" && m["name"] == name
	})
	if i < 0 {
		t.Fatalf("there is no %s %s", kind, name)
	}
	return objects[i]
}

// part is a member of an object that is an object itself.
func part(t *testing.T, o object, name string) object {
	t.Helper()
	p, ok := o[name].(object)
	if !ok {
		t.Fatalf("the object has no %s", name)
	}
	return p
}

// becomes sends requests until they are answered as wanted; every answer meanwhile must be one of before.
func (w *world) becomes(t *testing.T, what string, try func() *request, before, after want) {
	t.Helper()
	eventually(t, effect, what, func() bool {
		got := w.send(t, try())
		got.check(t, w, before.or(after))
		return slices.Contains(after, got.outcome())
	})
	w.checkAfter(t)
}

// clientComesAndGoes: a client that is disabled or deleted is refused soon, and one that is back works soon.
func clientComesAndGoes(t *testing.T, _ *world) {
	w := newWorld(t, startServer(t, serverOptions{}))
	of := func(id string) func() *request { return func() *request { return asClient(id)(changes{fromB()}) } }
	for _, id := range []string{"c2", "c5"} {
		w.send(t, of(id)()).check(t, w, granted)
	}
	w.rewrite(t, func(objects []object) []object {
		part(t, named(t, objects, "OAuthClient", "client-6335"), "spec")["grantEnabled"] = false
		gone := part(t, named(t, objects, "OAuthClient", "client-6332"), "spec")
		return slices.DeleteFunc(objects, func(o object) bool {
			spec, _ := o["spec"].(object)
			return spec != nil && spec["clientID"] == gone["clientID"]
		})
	})
	w.becomes(t, "c5 is disabled", of("c5"), granted, invalidClient)
	w.becomes(t, "c2 is deleted", of("c2"), granted, invalidClient)
	w.rewrite(t, func(objects []object) []object { return objects })
	w.becomes(t, "c5 is back", of("c5"), invalidClient, granted)
	w.becomes(t, "c2 is back", of("c2"), invalidClient, granted)
}

// secretIsRotated: old and new work during the overlap; the old one ends with it, and the new one never fails.
func secretIsRotated(t *testing.T, _ *world) {
	const next = "SN-correct-horse-battery-staple"
	w := newWorld(t, startServer(t, serverOptions{}))
	w.confidential.fixed = append(w.confidential.fixed, next)
	with := func(secret string) func() *request {
		return func() *request {
			r := r0fast()
			r.basic("c5", secret)
			return r
		}
	}
	secret := func(data object) {
		w.rewrite(t, func(objects []object) []object {
			named(t, objects, "Secret", "client-6335")["stringData"] = data
			return objects
		})
	}
	secret(object{"client_secret": next, "previous_client_secret": secretOf("c5")})
	w.becomes(t, "the new secret works", with(next), invalidClient, granted)
	w.send(t, with(secretOf("c5"))()).check(t, w, granted)
	secret(object{"client_secret": next})
	w.becomes(t, "the old secret is refused", with(secretOf("c5")), granted, invalidClient)
	w.send(t, with(next)()).check(t, w, granted)
}

// keysChange: a key that was replaced verifies nothing soon, a provider that was switched off is refused soon, and a
// certificate that ends while nothing changes ends the use of its key.
func keysChange(t *testing.T, _ *world) {
	w := newWorld(t, startServer(t, serverOptions{}))
	by := func(name, key string) func() *request {
		return func() *request { return exchange(assertion(from("https://"+name+".test", "", ecKey(key)))) }
	}
	w.send(t, by("idp-zero", "idp-zero")()).check(t, w, granted)
	var ends time.Time
	w.rewrite(t, func(objects []object) []object {
		part(t, named(t, objects, "IdentityProvider", "idp-zero"), "spec")["jwks"] = object{"keys": []object{jwk("", publicOf(ecKey("successor")), nil)}}
		part(t, named(t, objects, "IdentityProvider", "idp-reuse"), "spec")["grantEnabled"] = false
		part(t, named(t, objects, "IdentityProvider", "idp-d"), "spec")["clockSkew"] = "0s"
		ends = time.Unix(time.Now().Unix()+8, 0)
		part(t, named(t, objects, "Secret", "idp-d-cert"), "stringData")["tls.crt"] = certificate(ecKey("idp-d"), []time.Time{ends.Add(-time.Hour), ends})
		return objects
	})
	w.becomes(t, "the new certificate counts", by("idp-d", "idp-d"), invalidGrant, granted)
	w.becomes(t, "the old key is refused", by("idp-zero", "idp-zero"), granted, invalidGrant)
	w.becomes(t, "the new key verifies", by("idp-zero", "successor"), invalidGrant, granted)
	w.becomes(t, "the provider is switched off", by("idp-reuse", "idp-reuse"), granted, invalidGrant)
	await(t, ends.Add(1100*time.Millisecond)) // the last second of a certificate counts in full
	got := w.send(t, by("idp-d", "idp-d")())
	got.check(t, w, invalidGrant)
	because("certificate_validity")(t, w, got)
	w.checkAfter(t)
}

// issuerWithPath: RFC 8414 §3.1 puts the well-known part between host and path; all URLs of the metadata work.
func issuerWithPath(t *testing.T, _ *world) {
	const path = "/tenants/one"
	w := newWorld(t, startServer(t, serverOptions{issuerPath: path}))
	for _, target := range []string{"/.well-known/oauth-authorization-server" + path, path + "/.well-known/openid-configuration"} {
		var m struct {
			Issuer   string `json:"issuer"`
			Endpoint string `json:"token_endpoint"`
			JWKSURI  string `json:"jwks_uri"`
		}
		w.document(t, target, &m)
		if m.Issuer != w.issuer || m.Endpoint != w.issuer+"/oauth2/token" || m.JWKSURI != w.issuer+"/oauth2/jwks" {
			t.Errorf("%s tells of %+v, the issuer is %s", target, m, w.issuer)
		}
		var set struct{ Keys []object }
		w.document(t, strings.TrimPrefix(m.JWKSURI, "http://"+w.public), &set)
		r := r0()
		r.target = strings.TrimPrefix(m.Endpoint, "http://"+w.public)
		w.send(t, r).check(t, w, granted)
	}
	for _, v := range targets(path, path+"/", path+"//oauth2/token", "/tenants/two/oauth2/token", path+"/../../oauth2/token", strings.ToUpper(path)+"/oauth2/token", path+path+"/oauth2/token", "/tenants%2fone/oauth2/token") {
		w.send(t, v.make()).check(t, w, notFound.or(notHTTP))
	}
	w.send(t, exchange(assertion(claim("iss", text(w.issuer))))).check(t, w, invalidGrant)
	w.checkAfter(t)
}
