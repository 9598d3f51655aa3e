package console

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/console/catalog"
)

// maxSpec bounds what is shown of a spec.
const maxSpec = 64 << 10

// objectData is the page of one object.
type objectData struct {
	Row        *catalog.Row
	Kind       string
	Facts      []fact
	Conditions []metav1.Condition
	Keys       []keyRow
	// Undated are keys without an end.
	Undated []v1alpha1.TrustedKey
	Skipped []v1alpha1.SkippedKey
	Policy  []fact
	Spec    string
	Cut     bool
}

// fact is a name with a value, which may lead somewhere.
type fact struct{ Name, Value, URL string }

// facts leaves out what has no value.
func facts(all ...fact) (kept []fact) {
	for _, f := range all {
		if f.Value != "" {
			kept = append(kept, f)
		}
	}
	return kept
}

func (c *Console) provider(r *http.Request) (view, error) {
	p, err := c.options.Catalog.Provider(r.Context(), r.PathValue("namespace"), r.PathValue("name"))
	if err != nil {
		return view{}, err
	}
	d := objectData{Row: catalog.NewProviderRow(p), Kind: "IdentityProvider", Conditions: p.Status.Conditions, Policy: policyFacts(p.Status.Effective)}
	d.Facts = facts(
		fact{Name: "Issuer", Value: p.Spec.Issuer}, fact{Name: "Profile", Value: string(p.Spec.Profile)},
		fact{Name: "Key source", Value: d.Row.Method}, fact{Name: "Created", Value: c.when(p.CreationTimestamp.Time)},
		fact{Name: "Last fetched", Value: c.when(timeOf(p.Status.LastFetchTime))}, fact{Name: "Next key ends", Value: c.when(timeOf(p.Status.NextKeyExpiry))},
		fact{Name: "Clients of its namespace", Value: "list them", URL: "/clients?namespace=" + url.QueryEscape(p.Namespace)},
	)
	if p.Status.Trust != nil {
		c.addKeys(&d, &p.Status.Trust.KeySet)
	}
	return d.view(p.Spec, "providers", c.options.Clock())
}

func (c *Console) client(r *http.Request) (view, error) {
	o, err := c.options.Catalog.Client(r.Context(), r.PathValue("namespace"), r.PathValue("name"))
	if err != nil {
		return view{}, err
	}
	d := objectData{Row: catalog.NewClientRow(o), Kind: "OAuthClient", Conditions: o.Status.Conditions}
	var credentials []string
	for _, credential := range o.Status.Credentials {
		credentials = append(credentials, credential.ID)
	}
	d.Facts = facts(
		fact{Name: "Client id", Value: d.Row.Identifier}, fact{Name: "Authentication", Value: d.Row.Method},
		fact{Name: "Client secrets", Value: strings.Join(credentials, ", ")}, fact{Name: "Created", Value: c.when(o.CreationTimestamp.Time)},
		fact{Name: "Last fetched", Value: c.when(timeOf(o.Status.LastFetchTime))}, fact{Name: "Next key ends", Value: c.when(timeOf(o.Status.NextKeyExpiry))},
	)
	for _, ref := range o.Spec.IdentityProviders {
		namespace := ref.Namespace
		if namespace == "" {
			namespace = o.Namespace
		}
		d.Facts = append(d.Facts, fact{"Vouched for by", namespace + "/" + ref.Name, objectURL(&catalog.Row{Kind: catalog.Providers, Namespace: namespace, Name: ref.Name})})
	}
	if len(o.Spec.IdentityProviders) == 0 {
		d.Facts = append(d.Facts, fact{"Vouched for by", "every provider of its namespace", "/providers?namespace=" + url.QueryEscape(o.Namespace)})
	}
	if o.Status.KeySet != nil {
		c.addKeys(&d, o.Status.KeySet)
	}
	return d.view(o.Spec, "clients", c.options.Clock())
}

func (d *objectData) view(spec any, section string, now time.Time) (view, error) {
	text, err := yaml.Marshal(spec)
	if err != nil {
		return view{}, fmt.Errorf("write spec: %w", err)
	}
	d.Cut = len(text) > maxSpec
	d.Spec = string(text[:min(len(text), maxSpec)])
	return view{Title: d.Row.Namespace + "/" + d.Row.Name, Section: section, Content: objectPage(d, now)}, nil
}

func (c *Console) addKeys(d *objectData, set *v1alpha1.KeySet) {
	now := c.options.Clock()
	for _, k := range d.Row.Keys {
		d.Keys = append(d.Keys, newKeyRow(now, catalog.Dated{Key: k, Row: d.Row}))
	}
	for i := range set.Keys {
		if set.Keys[i].Certificate == nil {
			d.Undated = append(d.Undated, set.Keys[i])
		}
	}
	d.Skipped = set.SkippedKeys
}

func policyFacts(p *v1alpha1.EffectivePolicy) []fact {
	if p == nil {
		return nil
	}
	maxAge := string(p.MaxAge)
	if maxAge == "" {
		maxAge = "no limit"
	}
	prefix := ""
	if p.SubjectPrefix != nil {
		prefix = *p.SubjectPrefix
	}
	return facts(
		fact{Name: "Types", Value: strings.Join(p.Types, ", ")}, fact{Name: "Subjects look like", Value: string(p.SubjectForm)},
		fact{Name: "Subject prefix", Value: prefix}, fact{Name: "Client id claim", Value: string(p.ClientIDClaim)},
		fact{Name: "Audiences", Value: string(p.AudiencePolicy)}, fact{Name: "End of certificates", Value: string(p.CertificateExpiry)},
		fact{Name: "Clock skew", Value: string(p.ClockSkew)}, fact{Name: "Greatest age", Value: maxAge},
		fact{Name: "Longest lifetime", Value: string(p.MaxLifetime)}, fact{Name: "Replay", Value: string(p.Replay)},
	)
}

func timeOf(t *metav1.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.Time
}

// when writes a time and how far it is, or nothing.
func (c *Console) when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return stamp(t) + ", " + ago(c.options.Clock(), t)
}
