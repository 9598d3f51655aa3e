package hostile

import (
	"slices"
	"testing"
)

// nameOfRefreshing is the name of the object of the client rt.
const nameOfRefreshing = "client-7274"

// refreshOfClientsThatGo: a client that is switched off gets nothing, one that is back goes on, and one that takes over its id
// does not.
func refreshOfClientsThatGo(t *testing.T, _ *world) {
	w := newWorld(t, startServer(t, serverOptions{}))
	token, _ := w.family(t, "rt")
	probe := func() *request { return asClient("rt")(changes{fromB()}) }
	w.rewrite(t, func(objects []object) []object {
		part(t, named(t, objects, "OAuthClient", nameOfRefreshing), "spec")["grantEnabled"] = false
		return objects
	})
	w.becomes(t, "the client is disabled", probe, granted, invalidClient)
	w.refused(t, renewal("rt", token), invalidClient, "disabled_client")
	w.rewrite(t, func(objects []object) []object {
		spec := part(t, named(t, objects, "OAuthClient", nameOfRefreshing), "spec")
		spec["grantTypes"] = []string{"JWTBearer"}
		delete(spec, "refreshToken")
		return objects
	})
	w.becomes(t, "the client is back without refresh tokens", probe, invalidClient, granted)
	w.refused(t, renewal("rt", token), unauthorizedClient, "grant_not_allowed")
	w.rewrite(t, func(objects []object) []object {
		name := nameOfRefreshing
		for _, kind := range []string{"OAuthClient", "Secret"} {
			part(t, named(t, objects, kind, name), "metadata")["name"] = "heir"
		}
		spec := part(t, named(t, objects, "OAuthClient", "heir"), "spec")
		part(t, part(t, spec, "authentication"), "clientSecret")["secretRef"] = object{"name": "heir"}
		return objects
	})
	w.becomes(t, "another object has the id", func() *request { return renewal("rt", token) }, unauthorizedClient.or(invalidClient), invalidGrant)
	w.refused(t, renewal("rt", token), invalidGrant, "refresh_token_other_client")
	w.rewrite(t, func(objects []object) []object { return objects })
	w.becomes(t, "the client is back", func() *request { return renewal("rt", "grt1_x") }, invalidGrant.or(invalidClient), invalidGrant)
	eventually(t, effect, "nothing was used up", func() bool {
		got := w.send(t, renewal("rt", token))
		got.check(t, w, granted.or(invalidGrant).or(invalidClient))
		return got.status == granted[0].status
	})
}

// refreshOfProvidersThatChange: what the provider stands by counts at every use; when it is again as it was, nothing has been
// used up.
func refreshOfProvidersThatChange(t *testing.T, _ *world) {
	w := newWorld(t, startServer(t, serverOptions{}))
	token, _ := w.family(t, "rt")
	probe := func() *request { return asClient("rt")(changes{fromB()}) }
	spec := func(change func(spec object)) func([]object) []object {
		return func(objects []object) []object {
			change(part(t, named(t, objects, "IdentityProvider", "idp-b"), "spec"))
			return objects
		}
	}
	for _, tc := range []struct {
		reason string
		edit   func([]object) []object
	}{
		{"refresh_token_provider_disabled", spec(func(spec object) { spec["grantEnabled"] = false })},
		{"refresh_token_provider_gone", func(objects []object) []object {
			return slices.DeleteFunc(objects, func(o object) bool { return part(t, o, "metadata")["name"] == "idp-b" })
		}},
		{"refresh_token_provider_gone", spec(func(spec object) { spec["issuer"] = "https://idp-b2.test" })},
		{"refresh_token_provider_key_gone", spec(func(spec object) {
			spec["jwks"] = object{"keys": []object{jwk("", publicOf(ecKey("other")), nil)}}
		})},
		{"refresh_token_rules_changed", spec(func(spec object) {
			spec["claimValidationRules"] = []object{{"expression": "has(claims.nothing)", "message": "no"}}
		})},
		{"refresh_token_provider_not_allowed", func(objects []object) []object {
			part(t, named(t, objects, "OAuthClient", nameOfRefreshing), "spec")["identityProviders"] = []object{{"name": "idp-a"}}
			return objects
		}},
	} {
		w.rewrite(t, tc.edit)
		w.becomes(t, tc.reason, probe, granted, invalidGrant)
		w.refused(t, renewal("rt", token), invalidGrant, tc.reason)
		w.rewrite(t, func(objects []object) []object { return objects })
		w.becomes(t, "it is as it was", probe, invalidGrant, granted)
		token, _ = w.granted(t, renewal("rt", token))
	}
}

// refreshAfterRestart: a process that does not know what the one before has exchanged refuses it, whether its answer had come
// or not, and goes on with what it issues itself.
func refreshAfterRestart(t *testing.T, _ *world) {
	s := startServer(t, serverOptions{flags: []string{"--digest-key", t.TempDir() + "/key"}})
	w := newWorld(t, s)
	used, _ := w.family(t, "rt")
	next, _ := w.granted(t, renewal("rt", used))
	unused, _ := w.family(t, "rt")
	w.client.CloseIdleConnections()
	s.kill(t)
	s.start(t)
	w.keys = w.publishedKeys(t)
	for _, token := range []string{used, next, unused} {
		w.refused(t, renewal("rt", token), invalidGrant, "refresh_token_before_start")
	}
	token, _ := w.family(t, "rt")
	w.granted(t, renewal("rt", token))
}
