package importwso2

import (
	"fmt"
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
	im.further(d, pem)
	s := secret(im.options.Namespace, im.names.take("Secret", p.Name+"-cert"), "tls.crt", pem)
	p.Spec.CertificateSecretRef = &v1alpha1.SecretKeyReference{Name: s.Name}
	return []Object{s}, true
}

// further writes down what becomes of more than one certificate. Exports list all of them once more, and by what is left in
// Certificate assertions are verified there: a certificate that is not in it is not trusted here either.
func (im *importer) further(d *document, pem []byte) {
	for _, n := range d.root.all("certificateInfoArray") {
		if value := d.one(n, "certValue"); textOf(value) != "" && !among(value.text, pem) {
			d.tell(value, Lost, "", "assertions are verified by Certificate, which does not hold it: put it into the Secret if it is to count")
		}
	}
	if n := len(blocks(pem)); n > 1 {
		im.result.Notes = append(im.result.Notes, fmt.Sprintf("%s: it has %d certificates, and assertions signed with any of them are accepted; there, that may be the first alone.", d.file, n))
	}
}
