package explain

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/tokenserver/assertion"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// The commands. What is in them are names of objects, which hold nothing that a shell could take for something else.

func get(kind string, k trust.ObjectKey, output string) string {
	return fmt.Sprintf("kubectl -n %s get %s %s %s", k.Namespace, kind, k.Name, output)
}

func edit(kind string, k trust.ObjectKey) string {
	return fmt.Sprintf("kubectl -n %s edit %s %s", k.Namespace, kind, k.Name)
}

func patch(kind string, k trust.ObjectKey, change string) string {
	return fmt.Sprintf("kubectl -n %s patch %s %s --type merge -p '%s'", k.Namespace, kind, k.Name, change)
}

func replaceSecret(namespace, name, key string) string {
	return fmt.Sprintf("kubectl -n %s create secret generic %s --from-file=%s=issuer.pem --dry-run=client -o yaml | kubectl apply -f -", namespace, name, key)
}

// secretKey is the key of the Secret that a provider refers to.
func secretKey(p *v1alpha1.IdentityProvider) string {
	if key := p.Spec.CertificateSecretRef.Key; key != "" {
		return key
	}
	return "tls.crt"
}

// place says where a certificate is.
func (j *judgement) place(p *v1alpha1.IdentityProvider) string {
	if p == nil || p.Spec.CertificateSecretRef == nil {
		return ""
	}
	return fmt.Sprintf(" of Secret %s/%s", p.Namespace, p.Spec.CertificateSecretRef.Name)
}

// fixClient is about the client and the grant.
func (j *judgement) fixClient(reason oauth.Reason) string {
	c := j.client
	switch reason { //nolint:exhaustive // The others are about other things.
	case oauth.ReasonUnknownClient:
		if o := j.world.clients[c.Key]; o != nil {
			return "Token servers do not know this client. " + conditions(o.Status.Conditions) + get("oac", c.Key, "-o yaml")
		}
		return ""
	case oauth.ReasonDisabledClient:
		return "Switch the client on:\n" + patch("oac", c.Key, `{"spec":{"grantEnabled":true}}`)
	case oauth.ReasonNoClientCredentials:
		return j.fixAuthentication()
	case oauth.ReasonGrantDisabled:
		return "Whoever runs the token servers has switched this grant off: --disable-grant jwt-bearer, in the chart grants.jwtBearer.enabled."
	case oauth.ReasonGrantNotAllowed:
		return "Allow the client the grant:\nspec:\n  grantTypes:\n" + grants(j.world.clients[c.Key])
	}
	return ""
}

// grants are those of a client, with the one that is missing.
func grants(o *v1alpha1.OAuthClient) string {
	var b strings.Builder
	if o != nil {
		for _, g := range o.Spec.GrantTypes {
			fmt.Fprintf(&b, "  - %s\n", g)
		}
	}
	return b.String() + "  - " + string(v1alpha1.GrantJWTBearer)
}

// fixAuthentication is about a client that has nothing to authenticate with.
func (j *judgement) fixAuthentication() string {
	text := "The client has nothing that it could authenticate with. "
	if o := j.world.clients[j.client.Key]; o != nil {
		text += conditions(o.Status.Conditions)
	}
	if w := j.client.Workload.Provider; j.client.Authentication == trust.AuthenticationFederated {
		return text + "Look at the identity provider that vouches for its workload:\n" + get("idp", w, "-o yaml")
	}
	return text + get("oac", j.client.Key, "-o yaml")
}

// conditions says what keeps an object from being Ready.
func conditions(list []metav1.Condition) string {
	ready := meta.FindStatusCondition(list, v1alpha1.ConditionReady)
	switch {
	case ready == nil:
		return "The operator has not looked at the object yet: is it running? "
	case ready.Status != metav1.ConditionTrue:
		return fmt.Sprintf("It is not Ready: %s: %s. ", printable(ready.Reason), strings.TrimSuffix(printable(ready.Message), "."))
	}
	return ""
}

// fixProvider is about whether the issuer is trusted for the client.
func (j *judgement) fixProvider(reason oauth.Reason) string {
	switch reason { //nolint:exhaustive // The others are about other things.
	case oauth.ReasonClaimsMalformed:
		return "Have the issuer write one JSON object without a name twice: iss, sub and jti texts, aud a text or a list of texts, exp, nbf and iat seconds since 1970."
	case oauth.ReasonProviderUnknown:
		return j.fixUnknown()
	case oauth.ReasonProviderNotAllowed:
		return j.fixNotAllowed(j.trace.Provider)
	case oauth.ReasonProviderDisabled:
		return "Switch the provider on:\n" + patch("idp", j.trace.Provider.Key, `{"spec":{"grantEnabled":true}}`)
	}
	return ""
}

// fixUnknown looks for what comes near to a provider of the issuer.
func (j *judgement) fixUnknown() string {
	issuer := j.trace.UntrustedClaims.Issuer
	if slices.ContainsFunc(j.trace.Steps, func(s assertion.Traced) bool {
		return s.Refusal != nil && oauth.AsError(s.Refusal).Reason == oauth.ReasonSelfIssued
	}) {
		return "Trust no token of the token server itself: present the one that the identity provider has signed."
	}
	if found := j.world.declaring(issuer); len(found) > 0 {
		p := found[0]
		key := trust.ObjectKey{Namespace: p.Namespace, Name: p.Name}
		if compiled := j.world.provider(key); compiled != nil && !j.anonymous {
			return j.fixNotAllowed(compiled)
		} else if compiled != nil {
			return "IdentityProvider " + key.String() + " has this issuer, in another namespace: look there with -n " + key.Namespace + "."
		}
		text := "IdentityProvider " + key.String() + " has this issuer, but token servers do not use it. "
		return text + j.world.trouble(key) + conditions(p.Status.Conditions) + "Look at it:\n" + get("idp", key, "-o yaml")
	}
	if p := j.world.resembling(issuer); p != nil {
		return fmt.Sprintf("IdentityProvider %s/%s has the issuer %s, which is compared byte for byte. Set its spec.issuer to what the issuer writes in iss:\nspec:\n  issuer: %s",
			p.Namespace, p.Name, quoted(p.Spec.Issuer), quoted(issuer))
	}
	namespace := j.client.Key.Namespace
	if namespace == "" {
		namespace = "default"
	}
	if h := j.trace.UntrustedHeader; h != nil && h.Type == jose.TypeAccessToken {
		return "Its typ says that it is an access token, perhaps one of the token server itself, which --issuer would tell. Present the token that the identity provider has signed for this server."
	}
	text := "No IdentityProvider that the client may use has this issuer. "
	if j.anonymous && j.tenant == "" && j.options.Namespace != "" {
		text = "No IdentityProvider in namespace " + j.options.Namespace + " has this issuer, and no other namespace was looked at: name another one with -n, all with -A, or the client with --client. "
	}
	return text + "If you mean to trust it, declare it with its keys and with the aud that its tokens have for this server:\n" +
		"apiVersion: " + v1alpha1.GroupVersion().String() + "\nkind: IdentityProvider\nmetadata:\n  name: issuer\n  namespace: " + namespace +
		"\nspec:\n  issuer: " + quoted(issuer) + "\n  audienceAliases: [" + quoted(j.aliasHint()) + "]\n  discovery: {}"
}

// aliasHint is an audience alias for a new provider.
func (j *judgement) aliasHint() string {
	if j.options.Issuer != "" {
		return j.options.Issuer
	}
	return "https://auth.example.com"
}

// fixNotAllowed says which half of the handshake is missing.
func (j *judgement) fixNotAllowed(p *trust.Provider) string {
	c := j.client
	name := fmt.Sprintf("Name the provider in OAuthClient %s:\n%s", c.Key, j.named(p))
	if c.Providers == nil {
		name = fmt.Sprintf("Name the provider in OAuthClient %s, and those of its own namespace that it is to keep: without a list it has all of them.\n%s", c.Key, j.named(p))
	}
	if p.Admits(c.Key.Namespace) {
		return name
	}
	text := ""
	if !slices.Contains(c.Providers, p.Key) {
		text = name + "\n"
	}
	return text + fmt.Sprintf("Have IdentityProvider %s admit clients of namespace %s:\nspec:\n  allowedClientNamespaces:\n    from: Listed\n    namespaces:\n%s",
		p.Key, c.Key.Namespace, admitted(p, c.Key.Namespace))
}

func admitted(p *trust.Provider, namespace string) string {
	var b strings.Builder
	for _, n := range p.ClientNamespaces.Names {
		fmt.Fprintf(&b, "    - %s\n", n)
	}
	return b.String() + "    - " + namespace
}

// named is the list of the client's providers with one more. A client without a list has those of its own namespace, which
// a list ends.
func (j *judgement) named(p *trust.Provider) string {
	var b strings.Builder
	b.WriteString("spec:\n  identityProviders:\n")
	keys := j.client.Providers
	if keys == nil {
		keys = j.world.mentioned(j.client)
	}
	for _, k := range append(slices.Clip(keys), p.Key) {
		fmt.Fprintf(&b, "  - {name: %s, namespace: %s}\n", k.Name, k.Namespace)
	}
	return strings.TrimSuffix(b.String(), "\n")
}
