package trustsync

import "github.com/grantor-dev/grantor/internal/release"

// part is what one reflector follows: the objects of a kind, as package release names it, in a namespace. The namespace is
// empty for those of all namespaces, and for the kinds of the release's own.
type part struct{ kind, namespace string }

func (p part) String() string { return release.Part(p.kind, p.namespace) }

// partsOf are all that is followed for the objects of some namespaces.
func partsOf(namespaces release.Namespaces) []part {
	parts := []part{{kind: release.KindSigningKeys}, {kind: release.KindDigestKey}}
	for _, namespace := range namespaces.OrAll() {
		parts = append(parts, part{release.KindIdentityProviders, namespace}, part{release.KindOAuthClients, namespace})
	}
	return parts
}

// values name the part in a log.
func (p part) values() []any {
	if p.namespace == "" {
		return []any{"kind", p.kind}
	}
	return []any{"kind", p.kind, "namespace", p.namespace}
}
