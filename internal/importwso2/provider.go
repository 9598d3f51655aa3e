package importwso2

import (
	"strings"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// provider makes the objects of an IdentityProvider, or none and a line that says why.
func (im *importer) provider(d *document) []Object {
	nameNode := d.at("IdentityProviderName")
	if textOf(nameNode) == "" {
		d.refuse(d.root, "there is no IdentityProviderName")
		return nil
	}
	name := im.names.take("IdentityProvider", nameNode.text)
	p := &v1alpha1.IdentityProvider{
		TypeMeta:   typeOf("IdentityProvider"),
		ObjectMeta: meta(im.options.Namespace, name, im.description(d, "IdentityProviderDescription")),
	}
	d.carry(nameNode)
	p.Spec.Issuer = issuer(d, nameNode)
	p.Spec.AudienceAliases = im.aliases(d)
	if len(p.Spec.AudienceAliases) == 0 {
		d.refuse(d.root, "it has no Alias, so no assertion could be meant for this server: name the aud of its assertions with --audience")
		return nil
	}
	enabled(d, p)
	keys, ok := im.providerKeys(d, p)
	if !ok {
		d.refuse(d.root, "it has no usable key: neither a certificate nor the URL of a key set")
		return nil
	}
	p.Spec.ClaimMappings = im.claimMappings(d)
	return append(keys, p)
}

func (im *importer) description(d *document, path string) string {
	n := d.at(path)
	d.carry(n)
	return textOf(n)
}

// issuer is the expected iss: the issuer where there is one, else the name.
func issuer(d *document, nameNode *node) string {
	found := nameNode
	for _, n := range []*node{d.at("Issuer"), d.property("IdpProperties", "idpIssuerName")} {
		switch {
		case textOf(n) == "":
		case found != nameNode && found.text != n.text:
			d.err = conflict(d, n, "another issuer than "+d.paths[found])
		default:
			found = n
		}
		d.carry(n)
	}
	return found.text
}

func (im *importer) aliases(d *document) []string {
	alias := d.at("Alias")
	d.carry(alias)
	if text := textOf(alias); text != "" {
		return []string{text}
	}
	if im.options.Audience != "" {
		return []string{im.options.Audience}
	}
	return nil
}

// enabled: what is not said is off, there as well.
func enabled(d *document, p *v1alpha1.IdentityProvider) {
	n := d.at("IsEnabled")
	on := strings.EqualFold(textOf(n), "true")
	p.Spec.GrantEnabled = &on
	d.carry(n)
}

// providerKeys sets where the keys come from. The URL of a key set counts more than a certificate, there as well.
func (im *importer) providerKeys(d *document, p *v1alpha1.IdentityProvider) ([]Object, bool) {
	certificate, url := d.at("Certificate"), d.at("JWKSEndpoint")
	if property := d.property("IdpProperties", "jwksUri"); textOf(property) != "" {
		if textOf(url) != "" && url.text != property.text {
			d.err = conflict(d, property, "another URL than JWKSEndpoint")
		}
		d.carry(property)
		d.carry(url)
		url = property
	}
	if textOf(url) != "" {
		d.carry(url)
		d.tell(certificate, Lost, "", "the keys are those of the key set")
		p.Spec.JWKSURI = &v1alpha1.RemoteKeySet{URL: v1alpha1.FetchURL(url.text)}
		return nil, true
	}
	if textOf(certificate) == "" {
		return nil, false
	}
	pem, problem := certificates(certificate.text)
	if pem == nil {
		d.tell(certificate, Lost, "", problem)
		return nil, false
	}
	if problem != "" {
		d.tell(certificate, Changed, "spec.certificateSecretRef, a Secret", problem)
	}
	d.carry(certificate)
	s := secret(im.options.Namespace, im.names.take("Secret", p.Name+"-cert"), "tls.crt", pem)
	p.Spec.CertificateSecretRef = &v1alpha1.SecretKeyReference{Name: s.Name}
	return []Object{s}, true
}
