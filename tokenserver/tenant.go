package tokenserver

import (
	"fmt"
	"maps"
	"strings"
)

// pathTenant stands between the issuer and the name of a tenant.
const pathTenant = "/t/"

// Lengths of DNS names (RFC 1035 §2.3.4).
const (
	maxLabelBytes = 63
	maxNameBytes  = 253
)

// tenant is the authorization server that a request is for: that of one namespace, or the whole one.
type tenant struct {
	// issuer is the iss of its tokens, the aud of its client assertions and the base of its URLs.
	issuer string
	// namespace is the one whose clients there are; empty for all.
	namespace string
}

// tenants are those that there are by path. Any well-formed name is one: that a namespace exists, or has clients, does not
// show.
type tenants struct {
	whole tenant
	// bases are what may stand before the name of a tenant, in the path of an endpoint and in that of its metadata.
	bases    []string
	metadata string
	domains  map[string]string
}

func newTenants(issuer, prefix string, domains map[string]string) (tenants, error) {
	for domain, namespace := range domains {
		if err := CheckTenantDomain(domain, namespace); err != nil {
			return tenants{}, err
		}
	}
	bases := []string{pathTenant}
	if prefix != "" {
		bases = append(bases, prefix+pathTenant)
	}
	return tenants{
		whole: tenant{issuer: issuer}, bases: bases, metadata: PathMetadata + prefix + pathTenant, domains: maps.Clone(domains),
	}, nil
}

// CheckTenantDomain says what is wrong with a domain that stands for a namespace. A domain has a dot and a namespace has
// none, so that neither can be taken for the other.
func CheckTenantDomain(domain, namespace string) error {
	switch {
	case !isTenantName(domain) || !strings.Contains(domain, "."):
		return fmt.Errorf("tenant domain %q is none: use small letters, digits, hyphens and at least one dot, such as example.com", domain)
	case !isTenantName(namespace) || strings.Contains(namespace, ".") || len(namespace) > maxLabelBytes:
		return fmt.Errorf("namespace %q of tenant domain %s is none", namespace, domain)
	}
	return nil
}

// namespace is what a tenant's name stands for: the namespace that its domain is mapped to, or the one that has the name.
func (t *tenants) namespace(name string) string {
	if namespace, ok := t.domains[name]; ok {
		return namespace
	}
	return name
}

// issuersOf are all issuers at which the clients of a namespace get tokens.
func (t *tenants) issuersOf(namespace string) []string {
	issuers := []string{t.whole.issuer, t.named(namespace).issuer}
	for domain, its := range t.domains {
		if its == namespace {
			issuers = append(issuers, t.named(domain).issuer)
		}
	}
	return issuers
}

func (t *tenants) named(name string) tenant {
	return tenant{issuer: t.whole.issuer + pathTenant + name, namespace: t.namespace(name)}
}

// SplitIssuer splits the issuer of a tenant into that of the whole server, the path before its endpoints, and its name. Path and
// name are empty for another issuer.
func SplitIssuer(issuer string) (whole, path, name string) {
	i := strings.LastIndex(issuer, pathTenant)
	if i < 0 || !isTenantName(issuer[i+len(pathTenant):]) {
		return issuer, "", ""
	}
	return issuer[:i], issuer[i:], issuer[i+len(pathTenant):]
}

// endpoint splits the path of an endpoint of a tenant.
func (t *tenants) endpoint(path string) (at tenant, suffix string, ok bool) {
	for _, base := range t.bases {
		rest, ok := strings.CutPrefix(path, base)
		end := strings.IndexByte(rest, '/')
		if ok && end > 0 && isTenantName(rest[:end]) {
			return t.named(rest[:end]), rest[end:], true
		}
	}
	return tenant{}, "", false
}

// document finds the tenant whose metadata is at a path (RFC 8414 §3.1: the well-known part goes between host and path).
func (t *tenants) document(path string) (tenant, bool) {
	name, ok := strings.CutPrefix(path, t.metadata)
	if !ok || !isTenantName(name) {
		return tenant{}, false
	}
	return t.named(name), true
}

// isTenantName reports whether it is a DNS name in small letters. An escaped or dotted path never is one.
func isTenantName(s string) bool {
	if len(s) > maxNameBytes {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if !isLabel(label) {
			return false
		}
	}
	return true
}

func isLabel(s string) bool {
	if s == "" || len(s) > maxLabelBytes || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}
