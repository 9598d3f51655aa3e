package importwso2

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// client makes the objects of a ServiceProvider, or none and a line that says why.
func (im *importer) client(d *document) []Object {
	nameNode := d.at("ApplicationName")
	config, ok := d.oauthConfig()
	if !ok {
		d.refuse(d.root, "it has no OAuth configuration, so nothing here is to be its client")
		return nil
	}
	key := config.key
	if key == nil {
		d.refuse(d.root, "its OAuth configuration has no consumer key")
		return nil
	}
	if textOf(nameNode) == "" {
		nameNode = key
	}
	c := &v1alpha1.OAuthClient{
		TypeMeta:   typeOf("OAuthClient"),
		ObjectMeta: meta(im.options.Namespace, im.names.take("OAuthClient", nameNode.text), im.description(d, "Description")),
		Spec:       v1alpha1.OAuthClientSpec{ClientID: key.text},
	}
	d.carry(nameNode)
	d.carry(key)
	switchedOff(d, config.app, c)
	secrets, ok := im.authentication(d, config.app, c)
	if !ok {
		d.refuse(d.root, "how it authenticates cannot be carried over")
		return nil
	}
	grantTypes(d, config.app, c)
	resources(d, config.app, c)
	lifetimes(d, config.app, c)
	im.noteOnce("Scopes are not in these files: declare spec.scopes of the OAuthClients, or they get tokens without scope.")
	return append(secrets, c)
}

// switchedOff: an application can be off there as a whole, or by the state of its OAuth configuration. Where nothing is said, it is on.
func switchedOff(d *document, app *node, c *v1alpha1.OAuthClient) {
	on := true
	if n := d.at("IsApplicationEnabled"); textOf(n) != "" {
		on = strings.EqualFold(n.text, "true")
		d.carry(n)
	}
	if n := d.one(app, "state"); textOf(n) != "" {
		on = on && strings.EqualFold(n.text, "ACTIVE")
		d.carry(n)
	}
	if !on {
		c.Spec.GrantEnabled = &on
	}
}

// grantTypes are those that are here, of a list that blanks part.
func grantTypes(d *document, app *node, c *v1alpha1.OAuthClient) {
	known := map[string]v1alpha1.GrantType{
		"urn:ietf:params:oauth:grant-type:jwt-bearer":     v1alpha1.GrantJWTBearer,
		"urn:ietf:params:oauth:grant-type:token-exchange": v1alpha1.GrantTokenExchange,
		"client_credentials":                              v1alpha1.GrantClientCredentials,
		"refresh_token":                                   v1alpha1.GrantRefreshToken,
	}
	n := d.one(app, "grantTypes")
	c.Spec.GrantTypes = []v1alpha1.GrantType{}
	var lost []string
	for word := range strings.FieldsSeq(textOf(n)) {
		if g, ok := known[word]; ok && !slices.Contains(c.Spec.GrantTypes, g) {
			c.Spec.GrantTypes = append(c.Spec.GrantTypes, g)
		} else if !ok {
			lost = append(lost, word)
		}
	}
	drop := func(g v1alpha1.GrantType, why string) {
		if i := slices.Index(c.Spec.GrantTypes, g); i >= 0 {
			c.Spec.GrantTypes = slices.Delete(c.Spec.GrantTypes, i, i+1)
			lost = append(lost, string(g)+" ("+why+")")
		}
	}
	if c.Spec.Authentication.Public != nil {
		drop(v1alpha1.GrantClientCredentials, "not for public clients")
	}
	if !slices.Contains(c.Spec.GrantTypes, v1alpha1.GrantJWTBearer) && !slices.Contains(c.Spec.GrantTypes, v1alpha1.GrantTokenExchange) {
		drop(v1alpha1.GrantRefreshToken, "no grant that is left issues refresh tokens")
	}
	if len(lost) > 0 {
		d.tell(n, Lost, "spec.grantTypes", "not here: "+printable(strings.Join(lost, ", ")))
	}
	d.carry(n)
}

// resources are the audiences that are absolute URIs.
func resources(d *document, app *node, c *v1alpha1.OAuthClient) {
	for _, n := range d.one(app, "audiences").all("audience") {
		u, err := url.Parse(n.text)
		switch {
		case n.text == "":
		case err != nil || !u.IsAbs() || strings.Contains(n.text, "#"):
			d.tell(n, Lost, "", "a resource is an absolute URI without fragment (RFC 8707 §2)")
		case !slices.Contains(c.Spec.Resources, n.text):
			c.Spec.Resources = append(c.Spec.Resources, n.text)
		}
		d.carry(n)
	}
}

// oauthConfig is where the OAuth configuration of a service provider stands.
type oauthConfig struct {
	key, app *node
}

// oauthConfig finds it: elements of InboundConfigurationProtocol, or an XML document as the text of inboundConfiguration,
// or properties.
func (d *document) oauthConfig() (oauthConfig, bool) {
	var found []*node
	for _, n := range d.at("InboundAuthenticationConfig/InboundAuthenticationRequestConfigs").all("InboundAuthenticationRequestConfig") {
		d.name(n, n.name)
		if kind := d.one(n, "InboundAuthType"); textOf(kind) == "oauth2" {
			d.carry(kind)
			found = append(found, n)
		} else {
			d.loseAll(n, "this protocol is not spoken here")
		}
	}
	switch {
	case len(found) == 0:
		return oauthConfig{}, false
	case len(found) > 1:
		d.err = conflict(d, found[1], "a second OAuth configuration")
		return oauthConfig{}, false
	}
	request := found[0]
	app := d.one(request, "InboundConfigurationProtocol")
	if text := d.one(request, "inboundConfiguration"); textOf(text) != "" {
		app = d.nested(text)
	}
	if app != nil {
		d.name(app, "oauth2")
	}
	key := d.one(request, "InboundAuthKey")
	inner := d.one(app, "oauthConsumerKey")
	switch {
	case textOf(key) == "":
		key = inner
	case textOf(inner) != "" && inner.text != key.text:
		d.err = conflict(d, inner, "another key than InboundAuthKey")
	default:
		d.carry(inner)
	}
	if textOf(key) == "" {
		key = nil
	}
	if app == nil {
		app = request
	}
	return oauthConfig{key: key, app: app}, true
}

// nested reads the document that is the text of an element.
func (d *document) nested(n *node) *node {
	inner, err := parse([]byte(n.text))
	if err != nil {
		d.err = fmt.Errorf("%s:%d: inboundConfiguration: %w", d.file, n.line, err)
		return nil
	}
	d.told[n] = true
	move(inner, n.line-1)
	n.text, n.children = "", append(n.children, inner)
	return inner
}

// move gives the elements of a document that is inside of another one their lines there.
func move(n *node, by int) {
	n.line += by
	for _, c := range n.children {
		move(c, by)
	}
}
