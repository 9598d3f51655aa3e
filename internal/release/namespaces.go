package release

import (
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation"
)

// MaxWatchedNamespaces bounds how many namespaces can be named: what is loaded of each stands in the Lease of every token
// server, which is written several times a second while things change.
const MaxWatchedNamespaces = 64

// Namespaces are those whose objects a release serves, sorted and each once; none stands for all.
type Namespaces []string

// WatchedNamespaces returns the named namespaces and the release's own, or all for nil: a list that turns out to be empty is
// no wish for all. An error says what to correct.
func WatchedNamespaces(named []string, own string) (Namespaces, error) {
	if named == nil {
		return nil, nil
	}
	if len(named) == 0 {
		return nil, errors.New("names no namespace: leave it out to serve all of them")
	}
	for _, namespace := range named {
		if problems := validation.IsDNS1123Label(namespace); len(problems) > 0 {
			return nil, fmt.Errorf("%q is not the name of a namespace: %s", namespace, problems[0])
		}
	}
	all := append(Namespaces{own}, named...)
	slices.Sort(all)
	if all = slices.Compact(all); len(all) > MaxWatchedNamespaces {
		return nil, fmt.Errorf("%d namespaces are more than %d: watch all of them instead, by naming none", len(all), MaxWatchedNamespaces)
	}
	return all, nil
}

// Has reports whether the objects of a namespace are served.
func (n Namespaces) Has(namespace string) bool {
	if len(n) == 0 {
		return true
	}
	_, found := slices.BinarySearch(n, namespace)
	return found
}

// OrAll returns the namespaces to follow one by one: the empty name, which stands for all of them, if none is named.
func (n Namespaces) OrAll() []string {
	if len(n) == 0 {
		return []string{""}
	}
	return n
}
