package importwso2

import (
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// authentication sets how the client proves who it is. It reports false where that is in no way that is here.
func (im *importer) authentication(d *document, app *node, c *v1alpha1.OAuthClient) ([]Object, bool) {
	method, bypass := d.one(app, "tokenEndpointAuthMethod"), d.one(app, "bypassClientCredentials")
	public := strings.EqualFold(textOf(bypass), "true")
	d.carry(bypass)
	switch textOf(method) {
	case "", "client_secret_basic", "client_secret_post":
		d.carry(method)
	case "none":
		d.carry(method)
		public = true
	case "private_key_jwt":
		d.carry(method)
		return im.privateKey(d, c)
	default:
		d.tell(method, Lost, "", "clients authenticate by secrets and signed JWTs here")
		return nil, false
	}
	for _, n := range []*node{d.at("JwksUri"), d.at("Certificate")} {
		d.tell(n, Lost, "", "the client does not sign client assertions, and nothing else is verified or encrypted with its keys")
	}
	if public {
		d.tell(d.clientSecret(app), Lost, "", "the client is public, so its secret proves nothing")
		c.Spec.Authentication.Public = &v1alpha1.PublicAuthentication{}
		return nil, true
	}
	return im.secretOf(d, app, c), true
}

// privateKey sets the keys by which the client signs.
func (im *importer) privateKey(d *document, c *v1alpha1.OAuthClient) ([]Object, bool) {
	jwks, certificate := d.at("JwksUri"), d.at("Certificate")
	auth := &v1alpha1.PrivateKeyJWTAuthentication{}
	c.Spec.Authentication.PrivateKeyJWT = auth
	if textOf(jwks) != "" {
		d.carry(jwks)
		d.tell(certificate, Lost, "", "the keys are those of the key set")
		auth.JWKSURI = &v1alpha1.RemoteKeySet{URL: v1alpha1.FetchURL(jwks.text)}
		return nil, true
	}
	pem, problem := certificates(textOf(certificate))
	if pem == nil {
		d.tell(certificate, Lost, "", problem)
		return nil, false
	}
	if problem != "" {
		d.tell(certificate, Changed, "spec.authentication.privateKeyJWT.certificateSecretRef, a Secret", problem)
	}
	d.carry(certificate)
	s := secret(im.options.Namespace, im.names.take("Secret", c.Name+"-cert"), "tls.crt", pem)
	auth.CertificateSecretRef = &v1alpha1.SecretKeyReference{Name: s.Name}
	return []Object{s}, true
}

// clientSecret is the element that holds it, or nil.
func (d *document) clientSecret(app *node) *node {
	if n := d.one(app, "oauthConsumerSecret"); n != nil {
		return n
	}
	for _, p := range d.one(app, "Properties").all("Property") {
		if textOf(property(p, "name")) == "oauthConsumerSecret" {
			return property(p, "value")
		}
	}
	return nil
}

// secretOf makes a Secret of the client's secret. Where the file does not hold it, the operator makes a new one.
func (im *importer) secretOf(d *document, app *node, c *v1alpha1.OAuthClient) []Object {
	name := im.names.take("Secret", c.Name+"-credentials")
	c.Spec.Authentication.ClientSecret = &v1alpha1.ClientSecretAuthentication{SecretRef: v1alpha1.ClientSecretReference{Name: name}}
	n := d.clientSecret(app)
	why := "the file has no secret"
	if textOf(n) != "" {
		why = im.usable(n.text, d.one(app, "oauthConsumerSecretExpiryTime"))
	}
	if why == "" {
		d.carry(n)
		s := secret(im.options.Namespace, name, "client_secret", []byte(n.text))
		im.previousSecret(d, app, s)
		return []Object{s}
	}
	d.tell(n, Lost, "", why+": a new one is made, in the Secret "+name)
	generate := true
	c.Spec.Authentication.ClientSecret.Generate = &generate
	im.result.Notes = append(im.result.Notes, d.file+": "+why+": the operator makes a new one, which the callers need, in the Secret "+name+".")
	return nil
}

// usable says why a secret is not carried over, or is empty. An end is in milliseconds since 1970, and 0 where there is none.
func (im *importer) usable(value string, end *node) (why string) {
	if text := textOf(end); text != "" && text != "0" {
		at, err := strconv.ParseInt(text, 10, 64)
		switch {
		case err != nil:
			return "it is not known when it ends"
		case !im.options.Now.Before(time.UnixMilli(at)):
			return "it has ended"
		}
	}
	return plainSecret(value)
}

// previousSecret puts the first of the further secrets that can be used beside the one that is there: a client has two at most.
func (im *importer) previousSecret(d *document, app *node, s *corev1.Secret) {
	for _, n := range d.one(app, "additionalOauthConsumerSecrets").all("additionalOauthConsumerSecret") {
		value := d.one(n, "secretValue")
		if textOf(value) == "" {
			continue
		}
		why := im.usable(value.text, d.one(n, "expiryTime"))
		switch {
		case why != "":
			d.tell(value, Lost, "", why)
		case s.StringData["previous_client_secret"] != "":
			d.tell(value, Lost, "", "a client has two secrets at most")
		default:
			s.StringData["previous_client_secret"] = value.text
			d.carry(value)
		}
	}
}
