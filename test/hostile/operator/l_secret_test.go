package operator

import (
	"encoding/base64"
	"encoding/pem"
	"maps"
	"net/http"
	"os"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/test/harness"
)

func secretRows() []row {
	return []row{
		{id: "L-01", name: "secret-cross-ns", run: otherNamespace},
		{id: "L-03", name: "secret-wrong-type", run: wrongType},
		{id: "L-03", name: "secrets-of-grantor-itself", run: ownSecrets},
		{id: "L-04", name: "secret-private-key-only", run: privateOnly},
	}
}

// referring are objects whose reference is the given one, by name.
func referring(w *world, ref object) map[string]object {
	provider := func(source object) object {
		return object{"spec": merged(object{"issuer": "https://x.test", "audienceAliases": []any{alias}}, source)}
	}
	client := func(authentication object) object { return object{"spec": object{"authentication": authentication}} }
	url := "https://" + w.host + ":" + sitePort + "/"
	return map[string]object{
		"certificate": provider(object{"certificateSecretRef": ref}),
		"ca-secret":   provider(object{"jwksURI": object{"url": url, "caSecretRef": ref}}),
		"ca-map":      provider(object{"jwksURI": object{"url": url, "caConfigMapRef": ref}}),
		"client":      client(object{"clientSecret": object{"secretRef": ref}}),
		"client-made": client(object{"clientSecret": object{"secretRef": ref, "generate": false}}),
		"client-key":  client(object{"privateKeyJWT": object{"certificateSecretRef": ref}}),
	}
}

func kindOf(name string) string {
	if strings.HasPrefix(name, "client") {
		return kindClient
	}
	return kindProvider
}

// otherNamespace: no reference leads into another namespace, however it is spelled.
func otherNamespace(t *testing.T, w *world) {
	victim, thief := w.tenant(t), w.tenant(t)
	victim.certProvider("idp")
	victim.config("victim-ca", object{"ca.crt": w.site.authority.pem})
	for _, member := range []object{{"namespace": victim.namespace}, {"kind": "Secret"}, {"uid": "x"}, {"fieldPath": "x"}} {
		for name, o := range referring(w, merged(object{"name": "idp"}, member)) {
			if err := thief.try(thief.object(kindOf(name), name, o)); err == nil {
				t.Errorf("%s takes %v", name, member)
			}
		}
	}
	for _, s := range []string{
		victim.namespace + "/idp", "../" + victim.namespace + "/idp", "..%2f" + victim.namespace, "idp." + victim.namespace + "/x", "/idp", "idp\x00", "idp?x", "idp#", "..", ".", "", "IDP", "idp ",
	} {
		for name, o := range referring(w, object{"name": s}) {
			if !thief.refusedOr(thief.object(kindOf(name), name, o)) {
				t.Errorf("%s takes the name %q", name, s)
			}
		}
	}
	// Who does not ask for strictness gets an object without the member: the reference is one of its own namespace.
	for name, o := range referring(w, object{"name": "idp", "namespace": victim.namespace}) {
		thief.checkPruned(name, o, victim)
	}
}

func (tn *tenant) checkPruned(name string, o object, victim *tenant) {
	tn.t.Helper()
	u := &unstructured.Unstructured{Object: tn.object(kindOf(name), name, o)}
	if err := tn.w.api.Create(tn.t.Context(), u, client.FieldValidation("Ignore")); err != nil {
		tn.t.Fatal(err)
	}
	reason := v1alpha1.ReasonSecretNotFound
	if name == "ca-map" {
		reason = v1alpha1.ReasonConfigMapNotFound
	}
	message := tn.waitReason(kindOf(name), name, v1alpha1.ConditionResolvedRefs, reason)
	if !strings.Contains(message, tn.namespace) || strings.Contains(message+asJSON(u.Object["spec"]), victim.namespace) {
		tn.t.Errorf("%s looks into the other namespace: %s", name, message)
	}
	tn.delete(kindOf(name), name)
}

func merged(a, b object) object {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// wrongType: a Secret that is somebody's credential is not read as a key, whatever else it holds.
func wrongType(t *testing.T, w *world) {
	tn := w.tenant(t)
	token := "eyJ0b2tlbi1vZi1hbi1hY2NvdW50Ijoi" + tn.secret
	w.remember(token)
	if err := w.api.Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: objectMeta(tn.namespace, "default")}); err != nil {
		t.Fatal(err)
	}
	cert := certificate(tn.keyOf("any"))
	secret := map[string]string{"tls.crt": cert, "ca.crt": w.site.authority.pem, "client_secret": token, "token": token}
	types := map[string]struct {
		typ  corev1.SecretType
		data map[string]string
	}{
		"sa":        {corev1.SecretTypeServiceAccountToken, secret},
		"docker":    {corev1.SecretTypeDockerConfigJson, merge(secret, corev1.DockerConfigJsonKey, `{"auths":{"x":{"password":"`+token+`"}}}`)},
		"dockercfg": {corev1.SecretTypeDockercfg, merge(secret, corev1.DockerConfigKey, `{"x":{"password":"`+token+`"}}`)},
		"bootstrap": {corev1.SecretTypeBootstrapToken, secret},
		"ssh":       {corev1.SecretTypeSSHAuth, merge(secret, corev1.SSHAuthPrivateKey, token)},
		"basic":     {corev1.SecretTypeBasicAuth, merge(secret, corev1.BasicAuthPasswordKey, token)},
		"grantor":   {"grantor.dev/signing-keys", secret},
		"grantor2":  {"grantor.dev/anything", secret},
	}
	url := w.url(w.site.page(text(jwks(jwk("", tn.keyOf("any").Public(), nil)))))
	for name, s := range types {
		tn.typed(name, s.typ, s.data)
		tn.create(tn.provider(name, certificates(name)))
		tn.create(tn.provider(name+"-ca", object{"jwksURI": object{"url": url, "caSecretRef": object{"name": name}}}))
		tn.client(name, object{})
	}
	for name := range types {
		tn.waitReason(kindProvider, name, v1alpha1.ConditionReady, v1alpha1.ReasonSecretTypeNotAllowed)
		tn.waitReason(kindProvider, name+"-ca", v1alpha1.ConditionReady, v1alpha1.ReasonSecretTypeNotAllowed)
		tn.waitReason(kindClient, name, v1alpha1.ConditionReady, v1alpha1.ReasonSecretTypeNotAllowed)
		tn.wait(tn.by(name, "ES256", "", tn.keyOf("any")), http.StatusBadRequest)
		tn.waitAs(tn.namespace+"."+name, token, tn.fresh("any"), http.StatusUnauthorized)
	}
	wrongContent(t, tn, token)
}

// wrongContent: of a type that may be read, what is no key or certificate is refused by its content, which nobody sees.
func wrongContent(t *testing.T, tn *tenant, token string) {
	t.Helper()
	contents := map[string]string{
		"jwt": token, "docker-json": `{"auths":{"x":{"password":"` + token + `"}}}`, "kubeconfig": "apiVersion: v1\nusers:\n- user:\n    token: " + token + "\n",
		"in-pem": "-----BEGIN " + token + "-----\nAAAA\n-----END " + token + "-----\n", "in-block": "-----BEGIN CERTIFICATE-----\n" + base64.StdEncoding.EncodeToString([]byte(token)) + "\n-----END CERTIFICATE-----\n",
		"in-header": "-----BEGIN CERTIFICATE-----\nX: " + token + "\n\nAAAA\n-----END CERTIFICATE-----\n", "only-text": token + "\n" + token,
	}
	for name, content := range contents {
		typ := corev1.SecretType("helm.sh/release.v1")
		tn.typed(name, typ, map[string]string{"tls.crt": content})
		tn.create(tn.provider(name, certificates(name)))
	}
	for name := range contents {
		tn.waitReason(kindProvider, name, v1alpha1.ConditionReady, v1alpha1.ReasonInvalidKeyMaterial)
	}
	tn.typed("tls", corev1.SecretTypeTLS, map[string]string{"tls.crt": certificate(tn.keyOf("tls")), "tls.key": privatePEM(tn.keyOf("tls"))})
	tn.create(tn.provider("tls", certificates("tls")))
	tn.waitReady("tls")
	tn.wait(tn.fresh("tls"), http.StatusOK)
}

func merge(data map[string]string, key, value string) map[string]string {
	all := maps.Clone(data)
	all[key] = value
	return all
}

// ownSecrets: who may write objects in Grantor's own namespace learns and gets nothing by referring to its keys.
func ownSecrets(t *testing.T, w *world) {
	own := &tenant{t: t, w: w, namespace: harness.Namespace, secret: "unused-unused-unused"}
	var secrets corev1.SecretList
	if err := w.api.List(t.Context(), &secrets, client.InNamespace(harness.Namespace)); err != nil {
		t.Fatal(err)
	}
	if len(secrets.Items) < 2 {
		t.Fatalf("there are %d Secrets", len(secrets.Items))
	}
	for i := range secrets.Items {
		s := &secrets.Items[i]
		for key, value := range s.Data {
			w.remember(string(value))
			name := "own-" + s.Name
			o := own.provider(name, object{"certificateSecretRef": object{"name": s.Name, "key": key}})
			own.create(o)
			own.waitReason(kindProvider, name, v1alpha1.ConditionReady, v1alpha1.ReasonSecretTypeNotAllowed)
			if err := w.api.Delete(t.Context(), &unstructured.Unstructured{Object: o}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// privateOnly: a private key where a public one belongs is not used, and not shown in any form.
func privateOnly(t *testing.T, w *world) {
	tn := w.tenant(t)
	key := tn.keyOf("any")
	private := privatePEM(key)
	block, _ := pem.Decode([]byte(private))
	encrypted := "-----BEGIN ENCRYPTED PRIVATE KEY-----\n" + strings.SplitN(private, "\n", 2)[1]
	w.remember(strings.Split(private, "\n")[1], base64url(must(key.Bytes())))
	for name, value := range map[string]string{
		"pkcs8": private, "der": string(block.Bytes), "encrypted": encrypted, "openssh": "-----BEGIN OPENSSH PRIVATE KEY-----\n" + private, "cut": private[:len(private)-10],
		"twice": private + private, "jwk": asJSON(jwk("", key.Public(), object{"d": base64url(must(key.Bytes()))})), "rsa-label": strings.ReplaceAll(private, "PRIVATE KEY", "RSA PRIVATE KEY"),
		"as-certificate": strings.ReplaceAll(private, "PRIVATE KEY", "CERTIFICATE"), "as-public": strings.ReplaceAll(private, "PRIVATE KEY", "PUBLIC KEY"), "base64": base64.StdEncoding.EncodeToString([]byte(private)),
	} {
		tn.opaque(name, map[string]string{"tls.crt": value})
		tn.create(tn.provider(name, certificates(name)))
		tn.waitKeys(name, v1alpha1.ReasonPrivateKey, v1alpha1.ReasonInvalidKeyMaterial)
		tn.wait(tn.by(name, "ES256", "", key), http.StatusBadRequest)
	}
	for _, name := range []string{"pkcs8", "der", "encrypted", "openssh", "twice", "rsa-label"} {
		tn.waitReason(kindProvider, name, v1alpha1.ConditionReady, v1alpha1.ReasonPrivateKey)
	}
	tn.opaque("only-tls-key", map[string]string{"tls.key": private})
	tn.create(tn.provider("only-tls-key", certificates("only-tls-key")))
	tn.waitReason(kindProvider, "only-tls-key", v1alpha1.ConditionReady, v1alpha1.ReasonSecretKeyNotFound)
	// Beside a certificate it does not matter, for both stand in one file often enough.
	tn.opaque("both", map[string]string{"tls.crt": private + certificate(tn.keyOf("both"))})
	tn.create(tn.provider("both", certificates("both")))
	tn.waitReason(kindProvider, "both", v1alpha1.ConditionKeysReady, v1alpha1.ReasonSomeKeysSkipped)
	_, published := w.ops(t, w.grantor.Issuer+"/oauth2/jwks")
	if strings.Contains(published, `"d"`) || strings.Contains(published, base64url(must(key.Bytes()))) {
		t.Errorf("a private key is published: %s", published)
	}
}

func testdata(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
