package release

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
)

// MaxUnknownKeys bounds the list in UnknownKeysAnnotation.
const MaxUnknownKeys = 32

// maxUnknownKeyBytes is more than the longest entry needs: a namespace, a name and a time.
const maxUnknownKeyBytes = 63 + 253 + 128

// UnknownKey is a token server's request to fetch the keys of a provider or a client early: it saw an assertion under a key
// that is not among those it knows.
type UnknownKey struct {
	// Kind is KindIdentityProviders or KindOAuthClients.
	Kind string
	// Of names the object.
	Of types.NamespacedName
	// At is when the token server asked, by its own clock.
	At time.Time
}

// unknownKey is the form of an UnknownKey in the annotation, with one of the names.
type unknownKey struct {
	Provider string    `json:"provider,omitempty"`
	Client   string    `json:"client,omitempty"`
	At       time.Time `json:"at"`
}

// MarshalUnknownKeys returns the value of UnknownKeysAnnotation.
func MarshalUnknownKeys(keys []UnknownKey) (string, error) {
	list := make([]unknownKey, len(keys))
	for i, k := range keys {
		list[i].At = k.At.UTC()
		switch k.Kind {
		case KindIdentityProviders:
			list[i].Provider = k.Of.String()
		case KindOAuthClients:
			list[i].Client = k.Of.String()
		default:
			return "", fmt.Errorf("write %s: %q has no keys", UnknownKeysAnnotation, k.Kind)
		}
	}
	text, err := json.Marshal(list)
	if err != nil {
		return "", fmt.Errorf("write %s: %w", UnknownKeysAnnotation, err)
	}
	return string(text), nil
}

// ParseUnknownKeys reads the value of UnknownKeysAnnotation, strictly and within bounds.
func ParseUnknownKeys(text string) ([]UnknownKey, error) {
	if len(text) > MaxUnknownKeys*maxUnknownKeyBytes {
		return nil, fmt.Errorf("read %s: longer than %d bytes", UnknownKeysAnnotation, MaxUnknownKeys*maxUnknownKeyBytes)
	}
	var list []unknownKey
	if err := json.Unmarshal([]byte(text), &list, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("read %s: %w", UnknownKeysAnnotation, err)
	}
	if len(list) > MaxUnknownKeys {
		return nil, fmt.Errorf("read %s: more than %d entries", UnknownKeysAnnotation, MaxUnknownKeys)
	}
	keys := make([]UnknownKey, len(list))
	for i, k := range list {
		var err error
		keys[i] = UnknownKey{Kind: KindIdentityProviders, At: k.At}
		if k.Client != "" {
			keys[i].Kind = KindOAuthClients
		}
		if keys[i].Of, err = parseName(k.Provider + k.Client); err != nil || k.At.IsZero() || k.Provider != "" && k.Client != "" {
			return nil, fmt.Errorf("read %s: entry %d is malformed", UnknownKeysAnnotation, i)
		}
	}
	return keys, nil
}

func parseName(text string) (types.NamespacedName, error) {
	namespace, name, _ := strings.Cut(text, "/")
	if len(validation.IsDNS1123Label(namespace)) > 0 || len(validation.IsDNS1123Subdomain(name)) > 0 {
		return types.NamespacedName{}, errors.New("not namespace/name")
	}
	return types.NamespacedName{Namespace: namespace, Name: name}, nil
}
