package release

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// Every token server keeps one Lease in the release namespace, with these labels and annotations.
const (
	// LeaseNamePrefix begins the name of a token server's Lease.
	LeaseNamePrefix = "grantor-tokenserver-"

	// ManagedByLabel and ComponentLabel select the Leases of the token servers.
	ManagedByLabel = "app.kubernetes.io/managed-by"
	// ManagedBy is the value of ManagedByLabel.
	ManagedBy = "grantor"
	// ComponentLabel is the label that names the component.
	ComponentLabel = "grantor.dev/component"
	// ComponentTokenServer is the value of ComponentLabel.
	ComponentTokenServer = "tokenserver"

	// LoadedAnnotation holds a [Loaded]. It is absent before the first full load.
	LoadedAnnotation = "grantor.dev/loaded"
	// UnknownKeysAnnotation holds a list of [UnknownKey]. It is absent when there are none.
	UnknownKeysAnnotation = "grantor.dev/unknown-keys"
)

// maxNameHint bounds what a name keeps of an identity that cannot be one.
const maxNameHint = 200

// LeaseLabels returns the labels that every Lease of a token server has, and that select them.
func LeaseLabels() map[string]string {
	return map[string]string{ManagedByLabel: ManagedBy, ComponentLabel: ComponentTokenServer}
}

// LeaseName returns the name of the Lease of a token server: its identity behind LeaseNamePrefix. Of an identity that
// cannot stand in a name (RFC 1123) it is what can, with a hash, so that two identities never share a Lease.
func LeaseName(identity string) string {
	name := LeaseNamePrefix + identity
	if len(validation.IsDNS1123Subdomain(name)) == 0 {
		return name
	}
	sum := sha256.Sum256([]byte(identity))
	hint := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(identity))
	return LeaseNamePrefix + strings.Trim(hint[:min(len(hint), maxNameHint)], "-") + "-" + hex.EncodeToString(sum[:8])
}
