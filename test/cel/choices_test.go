package cel

import (
	"slices"
	"strings"
	"testing"
)

const (
	oneSource       = "set exactly one key source: certificateSecretRef, jwks, jwksURI, discovery or clusterIssuer"
	oneMethod       = "set exactly one method: clientSecret, privateKeyJWT, federated or public"
	oneClientSource = "set exactly one key source: jwks, certificateSecretRef or jwksURI"
	oneAuthority    = "set at most one of caSecretRef and caConfigMapRef"
	urlNeeded       = "is needed here, for the issuer is no URL under which a discovery document could be found"
)

// choice is where a spec wants one of several fields.
type choice struct {
	kind, at string
	of       []string
	says     string
	needed   bool
}

var choices = []choice{
	{provider, "spec", []string{"certificateSecretRef", "jwks", "jwksURI", "discovery", "clusterIssuer"}, oneSource, true},
	{oauthClient, "spec.authentication", []string{"clientSecret", "privateKeyJWT", "federated", "public"}, oneMethod, true},
	{oauthClient, privateKeyJWT, []string{"jwks", "certificateSecretRef", "jwksURI"}, oneClientSource, true},
	{provider, "spec.jwksURI", []string{"caSecretRef", "caConfigMapRef"}, oneAuthority, false},
	{provider, "spec.discovery", []string{"caSecretRef", "caConfigMapRef"}, oneAuthority, false},
	{oauthClient, privateKeyJWT + ".jwksURI", []string{"caSecretRef", "caConfigMapRef"}, oneAuthority, false},
}

// TestChoices sets none of the fields, each alone, each two of them, and all.
func TestChoices(t *testing.T) {
	for _, c := range choices {
		sets := [][]string{nil, c.of}
		for i, first := range c.of {
			sets = append(sets, []string{first})
			for _, second := range c.of[:i] {
				sets = append(sets, []string{first, second})
			}
		}
		for _, chosen := range sets {
			t.Run(c.kind+"/"+c.at+"="+strings.Join(chosen, "+"), func(t *testing.T) {
				c.mustBeJudged(t, chosen, len(chosen) == 1 || len(chosen) == 0 && !c.needed)
			})
		}
	}
}

// mustBeJudged gives the chosen fields right values and leaves the others out.
func (c choice) mustBeJudged(t *testing.T, chosen []string, right bool) {
	t.Helper()
	// Some choices do not go with everything else.
	u := full(t, c.kind, c.at+"."+append(slices.Clone(chosen), c.of[0])[0])
	for _, name := range c.of {
		set(t, u, c.at+"."+name, unset{})
	}
	for _, name := range chosen {
		path := c.at + "." + name
		set(t, u, path, at(full(t, c.kind, path), path))
	}
	complaints, _ := judge(t.Context(), t, u)
	said := slices.ContainsFunc(complaints, func(found complaint) bool {
		return found.field == c.at && strings.Contains(found.message, c.says)
	})
	if right != (len(complaints) == 0) || right == said {
		t.Errorf("got %v", complaints)
	}
}

// TestDiscoveryNeedsAURL: without a URL of its own, discovery is only for an issuer that it can be made from.
func TestDiscoveryNeedsAURL(t *testing.T) {
	for issuer, right := range map[string]bool{
		"https://issuer.example.com":              true,
		"https://issuer.example.com/":             true,
		"https://issuer.example.com:8443/a/b%20c": true,
		"https://[::1]:8443":                      true,
		"http://localhost:8080":                   true,
		"accounts.example.com":                    false,
		"urn:example:issuer":                      false,
		"spiffe://example.com":                    false,
		"ftp://issuer.example.com":                false,
		"HTTPS://issuer.example.com":              false,
		"https://":                                false,
		"https:///a":                              false,
		"https://:443":                            false,
		"https://user@issuer.example.com":         false,
		"https://user:password@127.0.0.1/":        false,
		"https://issuer.example.com?tenant=1":     false,
		"https://issuer.example.com/a?tenant=1":   false,
		"https://issuer.example.com/#a":           false,
		"https://issuer.example.com#a":            false,
		"https://issuer.example.com/%zz":          false,
		`https://issuer.example.com\@127.0.0.1`:   false,
		`https://issuer.example.com/"`:            false,
		"https://issuer.example.com:port":         false,
		"https://[::1":                            false,
	} {
		t.Run(issuer, func(t *testing.T) {
			for _, c := range []struct {
				url      any
				accepted bool
			}{{unset{}, right}, {"https://elsewhere.example.com/openid-configuration", true}} {
				u := with(t, provider, "spec.discovery", map[string]any{})
				set(t, u, "spec.issuer", issuer)
				set(t, u, "spec.discovery.url", c.url)
				complaints, _ := judge(t.Context(), t, u)
				wants := len(complaints) == 1 && complaints[0].field == "spec.discovery.url" && strings.Contains(complaints[0].message, urlNeeded)
				if c.accepted != (len(complaints) == 0) || c.accepted == wants {
					t.Errorf("with url %v: got %v", c.url, complaints)
				}
			}
		})
	}
}
