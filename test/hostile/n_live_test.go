package hostile

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// tokensOfClientsThatGo: what a client has got ends with it, soon and on its own account.
func tokensOfClientsThatGo(t *testing.T, _ *world) {
	w := newWorld(t, startServer(t, serverOptions{}))
	token := w.accessToken(t)
	name := "client-" + fmt.Sprintf("%x", "resources")
	about := func() *request { return introspection("api", token) }
	w.rewrite(t, func(objects []object) []object {
		part(t, named(t, objects, "OAuthClient", name), "spec")["grantEnabled"] = false
		return objects
	})
	w.becomes(t, "the client is disabled", about, isActive, notActive)
	because("token_client_gone")(t, w, w.ask(t, "api", token, notActive))
	w.rewrite(t, func(objects []object) []object { return objects })
	w.becomes(t, "the client is back", about, notActive, isActive)
	w.rewrite(t, func(objects []object) []object {
		return slices.DeleteFunc(objects, func(o object) bool { return part(t, o, "metadata")["name"] == name })
	})
	w.becomes(t, "the client is deleted", about, isActive, notActive)
	w.rewrite(t, func(objects []object) []object {
		part(t, named(t, objects, "OAuthClient", name), "metadata")["name"] = "heir"
		part(t, named(t, objects, "Secret", name), "metadata")["name"] = "heir"
		spec := part(t, named(t, objects, "OAuthClient", "heir"), "spec")
		part(t, part(t, spec, "authentication"), "clientSecret")["secretRef"] = object{"name": "heir"}
		return objects
	})
	w.becomes(t, "another object has the id", func() *request { return asClient("resources")(changes{fromB()}) }, invalidClient, granted)
	w.ask(t, "api", token, notActive)
	w.ask(t, "resources", token, notActive)
	w.ask(t, "api", w.accessToken(t), isActive)
}

// tokensOfProvidersThatGo: what rests on the word of a provider ends with it, and is back when it is.
func tokensOfProvidersThatGo(t *testing.T, _ *world) {
	w := newWorld(t, startServer(t, serverOptions{}))
	token, other := w.accessToken(t), w.accessToken(t, fromNamed("idp-reuse"))
	about := func() *request { return introspection("api", token) }
	for what, edit := range map[string]func([]object) []object{
		"the provider is disabled": func(objects []object) []object {
			part(t, named(t, objects, "IdentityProvider", "idp-b"), "spec")["grantEnabled"] = false
			return objects
		},
		"the provider is deleted": func(objects []object) []object {
			return slices.DeleteFunc(objects, func(o object) bool { return part(t, o, "metadata")["name"] == "idp-b" })
		},
		"the provider has another issuer": func(objects []object) []object {
			part(t, named(t, objects, "IdentityProvider", "idp-b"), "spec")["issuer"] = "https://idp-b2.test"
			return objects
		},
		"another object has the issuer": func(objects []object) []object {
			part(t, named(t, objects, "IdentityProvider", "idp-b"), "metadata")["name"] = "heir"
			return objects
		},
	} {
		w.rewrite(t, edit)
		w.becomes(t, what, about, isActive, notActive)
		because("token_provider_gone")(t, w, w.ask(t, "resources", token, notActive))
		w.ask(t, "api", other, isActive)
		w.rewrite(t, func(objects []object) []object { return objects })
		w.becomes(t, "the provider is back", about, notActive, isActive)
	}
}

// tokenExpires to the second, without anything else that happens.
func tokenExpires(t *testing.T, _ *world) {
	w := newWorld(t, startServer(t, serverOptions{}))
	end := time.Unix(time.Now().Unix()+4, 0)
	r := asClient("cap")(changes{fromB(), claim("exp", fmt.Sprint(end.Unix()))})
	got := w.send(t, r)
	got.check(t, w, granted)
	token, _ := got.members["access_token"].(string)
	w.ask(t, "cap", token, isActive)
	await(t, end.Add(50*time.Millisecond))
	because("token_expired")(t, w, w.ask(t, "cap", token, notActive))
}

// tokensAfterRestart: a process that does not know what the one before has revoked takes everything for revoked.
func tokensAfterRestart(t *testing.T, _ *world) {
	s := startServer(t, serverOptions{flags: []string{"--signing-keys", t.TempDir() + "/keys"}})
	w := newWorld(t, s)
	token := w.accessToken(t)
	w.ask(t, "api", token, isActive)
	w.client.CloseIdleConnections()
	s.kill(t)
	await(t, time.Now().Truncate(time.Second).Add(time.Second))
	s.start(t)
	w = newWorld(t, s)
	because("token_revoked")(t, w, w.ask(t, "api", token, notActive))
	w.ask(t, "api", w.accessToken(t), isActive)
}
