package release

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json"
)

// The kinds that a token server loads, as [Loaded] names them.
const (
	KindIdentityProviders = "identityproviders"
	KindOAuthClients      = "oauthclients"
	KindSigningKeys       = "signing-keys"
	KindDigestKey         = "digest-key"
)

// Bounds of what is read from LoadedAnnotation. There is room for kinds to come.
const (
	maxLoadedBytes = 16 << 10
	maxLoadedParts = 16 + 2*MaxWatchedNamespaces
	maxPartBytes   = 63 + 1 + 63
)

// Loaded says how far a token server has loaded each [Part]: every change up to the resourceVersion counts there.
// A part of which nothing is loaded is absent.
type Loaded map[string]uint64

// Part names the objects of a kind that are followed together: those of one namespace where a token server follows some
// namespaces, and all of them where the namespace is empty. Each part has a watch of its own, and so an order of its own in
// which changes are loaded.
func Part(kind, namespace string) string {
	if namespace == "" {
		return kind
	}
	return kind + "/" + namespace
}

// KindOfSecret returns the kind as which a Secret of the release namespace is loaded, or false for another Secret.
func KindOfSecret(name string) (kind string, ok bool) {
	switch name {
	case SigningKeysSecretName:
		return KindSigningKeys, true
	case DigestKeySecretName:
		return KindDigestKey, true
	default:
		return "", false
	}
}

// ParseVersion reads a resourceVersion as the number that it is ordered by.
func ParseVersion(resourceVersion string) (uint64, error) {
	v, err := strconv.ParseUint(resourceVersion, 10, 64)
	if err != nil || v == 0 || resourceVersion[0] == '0' {
		return 0, errors.New("resourceVersion is not a positive decimal number")
	}
	return v, nil
}

// Marshal returns the value of LoadedAnnotation.
func (l Loaded) Marshal() (string, error) {
	versions := make(map[string]string, len(l))
	for part, v := range l {
		versions[part] = strconv.FormatUint(v, 10)
	}
	text, err := json.Marshal(versions, json.Deterministic(true))
	if err != nil {
		return "", fmt.Errorf("write %s: %w", LoadedAnnotation, err)
	}
	return string(text), nil
}

// ParseLoaded reads the value of LoadedAnnotation, strictly and within bounds.
func ParseLoaded(text string) (Loaded, error) {
	if len(text) > maxLoadedBytes {
		return nil, fmt.Errorf("read %s: longer than %d bytes", LoadedAnnotation, maxLoadedBytes)
	}
	var versions map[string]string
	if err := json.Unmarshal([]byte(text), &versions); err != nil {
		return nil, fmt.Errorf("read %s: %w", LoadedAnnotation, err)
	}
	if versions == nil || len(versions) > maxLoadedParts {
		return nil, fmt.Errorf("read %s: not an object of at most %d parts", LoadedAnnotation, maxLoadedParts)
	}
	l := make(Loaded, len(versions))
	for part, version := range versions {
		v, err := ParseVersion(version)
		if err != nil || part == "" || len(part) > maxPartBytes {
			return nil, fmt.Errorf("read %s: a part or its version is malformed", LoadedAnnotation)
		}
		l[part] = v
	}
	return l, nil
}

// UpTo returns the version up to which the objects of a kind in a namespace are loaded, 0 for not at all. The namespace is
// empty for a kind that is not of tenants' namespaces.
func (l Loaded) UpTo(kind, namespace string) uint64 {
	if v, ok := l[Part(kind, namespace)]; ok {
		return v
	}
	return l[kind]
}

// Has reports whether the objects of a kind in a namespace are loaded up to the resourceVersion. What cannot be compared is
// not loaded.
func (l Loaded) Has(kind, namespace, resourceVersion string) bool {
	v, err := ParseVersion(resourceVersion)
	return err == nil && l.UpTo(kind, namespace) >= v
}
