package docs

import (
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

const troubleshootingIntro = `# Troubleshooting

<!-- Written by go test ./test/docs -run TestTroubleshootingPage -update, from a run on a real control plane. -->

Twelve common mistakes, and what everybody gets to see of each: who declares trust with ` + "`kubectl`" + `, the caller, who runs the
server in the audit log, and who asks [` + "`grantor explain`" + `](explain.md) or the console. Callers learn little on purpose. When the names here are
not those of your mistake, look up its reason in [errors and reasons](reference/errors.md).

In all of them, ` + "`partner`" + ` is an IdentityProvider of the namespace ` + "`team-a`" + ` and ` + "`app`" + ` an OAuthClient there.
`

// mistake is one mistake, and the reason that it leads to.
type mistake struct {
	title, story, mend, reason string
	// edit changes the manifests, claims the claims, header the header; nil for none of it.
	edit, claims func(string) string
	header       string
	// otherKey signs with a key that nobody trusts.
	otherKey bool
	scope    string
	// clientName and clientSecret are what the caller presents where it is not the right one.
	clientName, clientSecret string
	// shows is what kubectl shows in place of True, in one row.
	shows string
	// alone says that there is one object in the namespace and not two.
	alone bool
	// hidden says that grantor explain cannot see it.
	hidden bool
}

func (m mistake) rows() int {
	if m.alone {
		return 1
	}
	return 2
}

func (m mistake) client() string {
	if m.clientName != "" {
		return "." + m.clientName
	}
	return ".app"
}

func (m mistake) secret() string {
	if m.clientSecret != "" {
		return m.clientSecret
	}
	return "a-secret-of-at-least-16-bytes"
}

func replace(pairs ...string) func(string) string { return strings.NewReplacer(pairs...).Replace }

// mistakes are those of the page.
func mistakes() []mistake {
	return []mistake{
		{
			title: "The issuer differs", reason: "provider_unknown", claims: replace("https://idp.example.com", "https://idp.example.com/"),
			story: "The assertion says `https://idp.example.com/`, and the IdentityProvider `https://idp.example.com`. They are compared byte for byte.",
			mend:  "Set `spec.issuer` to what the assertions say.",
		},
		{
			title: "The audience is somebody else", reason: "audience_mismatch", claims: replace(`/oauth2/token"`, `/token"`),
			story: "The assertion was made for `…/token`, and `audienceAliases` holds `…/oauth2/token` alone.",
			mend:  "Have the assertion made for this server, or add the alias.",
		},
		{
			title: "The assertion has expired", reason: "expired", claims: replace("EXP", "AGO", `"iat":NOW,`, ""),
			story: "The caller kept it for longer than it lives.", mend: "Get a new assertion for each exchange.",
		},
		{
			title: "Another key has signed", reason: "signature_invalid", otherKey: true,
			story: "The certificate in the Secret is not that of the key that the partner signs with.",
			mend:  "Get the right certificate, and compare thumbprints.",
		},
		{
			title: "The Secret is missing", reason: "provider_unknown", edit: replace("name: cert, namespace: NS}\n", "name: other, namespace: NS}\n"), shows: " SecretNotFound ",
			story: "The IdentityProvider names a Secret that nobody has made: without a key it vouches for nobody.",
			mend:  "Create the Secret: it counts within a second.",
		},
		{
			title: "The client secret is wrong", reason: "wrong_client_secret", clientSecret: "the-secret-before-the-last-one", hidden: true,
			story: "The caller has the secret from before the last rotation but one.",
			mend:  "Take `client_secret` from the Secret of the client. `grantor explain` never sees what a caller sends.",
		},
		{
			title: "There is no such client", reason: "unknown_client", clientName: "ap", hidden: true,
			story: "The caller writes `team-a.ap` for `team-a.app`. To it, that looks the same as a wrong secret.",
			mend:  "The id is `status.clientID` of the OAuthClient.",
		},
		{
			title: "The provider is switched off", reason: "provider_disabled", edit: replace("spec:\n  issuer", "spec:\n  grantEnabled: false\n  issuer"), shows: " GrantDisabled ",
			story: "Somebody has set `grantEnabled: false`.", mend: "Set it to true, when the provider is to be trusted again.",
		},
		{
			title: "A clock is off", reason: "issued_in_future", claims: replace("NOW", "AHEAD", "EXP", "LATER"),
			story: "The issuer's clock is two hours ahead, as after a change of the time zone.", mend: "Mend the clock. `clockSkew` allows for five minutes at most.",
		},
		{
			title: "The key id is unknown", reason: "no_matching_key", header: `"kid":"2026-06",`, edit: replace("certificateSecretRef: {name: cert}", "jwks: {keys: [JWK]}"),
			story: "The issuer signs with a new key, and the IdentityProvider has the old one inline.",
			mend:  "Add the new key; with `jwksURI` or `discovery` that happens by itself.",
		},
		{
			title: "The scope is too wide", reason: "scope_not_allowed", scope: "admin",
			story: "The request asks for the scope `admin`, and the client may have `read` and `write`.",
			mend:  "Ask for less, or for nothing: then all that is possible is granted.",
		},
		{
			title: "Half of the handshake is missing", reason: "provider_unknown", alone: true,
			edit:  replace("name: partner, namespace: NS}", "name: partner, namespace: NS-other}", "name: cert, namespace: NS}", "name: cert, namespace: NS-other}", "  scopes:", "  identityProviders: [{name: partner, namespace: NS-other}]\n  scopes:"),
			story: "The client names a provider of the namespace `platform`, which does not serve the clients of `team-a`.",
			mend:  "Let the provider name the namespace in `allowedClientNamespaces`.", shows: " ReferenceNotPermitted ",
		},
	}
}

// manifests are the objects of a mistake.
func (m mistake) manifests(namespace, issuer string) string {
	key := jwttest.EC("partner", elliptic.P256())
	der := jwttest.Certificate(key, time.Now().Add(-time.Hour), time.Now().Add(365*24*time.Hour))
	certificate := base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	text := `apiVersion: v1
kind: Namespace
metadata: {name: NS}
---
apiVersion: v1
kind: Namespace
metadata: {name: NS-other}
---
apiVersion: grantor.dev/v1alpha1
kind: IdentityProvider
metadata: {name: partner, namespace: NS}
spec:
  issuer: https://idp.example.com
  audienceAliases: ["ISSUER/oauth2/token"]
  certificateSecretRef: {name: cert}
---
apiVersion: v1
kind: Secret
metadata: {name: cert, namespace: NS}
data: {tls.crt: CERTIFICATE}
---
apiVersion: grantor.dev/v1alpha1
kind: OAuthClient
metadata: {name: app, namespace: NS}
spec:
  authentication: {clientSecret: {secretRef: {name: app}}}
  scopes: [read, write]
---
apiVersion: v1
kind: Secret
metadata: {name: app, namespace: NS}
stringData: {client_secret: a-secret-of-at-least-16-bytes}
`
	if m.edit != nil {
		text = m.edit(text)
	}
	part := func(n []byte) string { return base64.RawURLEncoding.EncodeToString(n) }
	public, err := key.PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	jwk := fmt.Sprintf(`{kty: EC, crv: P-256, kid: 2025-12, x: %s, "y": %s}`, part(public[1:33]), part(public[33:]))
	return strings.NewReplacer("NS", namespace, "ISSUER", issuer, "CERTIFICATE", certificate, "JWK", jwk).Replace(text)
}

// assertion is the assertion of a mistake, a new one each time.
func (m mistake) assertion(issuer string) string {
	key := jwttest.EC("partner", elliptic.P256())
	if m.otherKey {
		key = jwttest.EC("somebody else", elliptic.P256())
	}
	claims := `{"iss":"https://idp.example.com","sub":"alice","aud":"ISSUER/oauth2/token","iat":NOW,"exp":EXP,"jti":"ID"}`
	if m.claims != nil {
		claims = m.claims(claims)
	}
	at := func(d time.Duration) string { return strconv.FormatInt(time.Now().Add(d).Unix(), 10) }
	claims = strings.NewReplacer("ISSUER", issuer, "NOW", at(0), "EXP", at(5*time.Minute), "ID", rand.Text(),
		// Not on the minute: it is told in minutes how far away they are.
		"AGO", at(-time.Hour-time.Second), "AHEAD", at(2*time.Hour+30*time.Second), "LATER", at(3*time.Hour)).Replace(claims)
	return jwttest.Compact("ES256", key, `{`+m.header+`"alg":"ES256"}`, claims)
}
