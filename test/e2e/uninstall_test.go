package e2e

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// uninstall leaves what it says that it leaves: the kinds with their objects, and the keys, so that an installation that
// comes again goes on where this one was.
func (i *installation) uninstall() {
	i.run("helm", "uninstall", "grantor", "--namespace", namespace, "--wait", "--timeout", "120s")
	want := []string{
		"apiservice.apiregistration.k8s.io/v1alpha1.grantor.dev", // the API server makes it for the definitions
		"customresourcedefinition.apiextensions.k8s.io/identityproviders.grantor.dev", "customresourcedefinition.apiextensions.k8s.io/oauthclients.grantor.dev",
		"lease.coordination.k8s.io/grantor-operator", "secret/grantor-digest-key", "secret/grantor-signing-keys",
	}
	// Pods end by themselves, and take the Leases along.
	i.eventually(90*time.Second, func() error {
		if left := i.left(); !slices.Equal(left, want) {
			return fmt.Errorf("what is left is %v, want %v", left, want)
		}
		return nil
	})
	if out := i.kubectl("get", "idp,oac", "--all-namespaces", "-o", "name"); !strings.Contains(out, "identityprovider.grantor.dev/partner") {
		i.t.Errorf("objects are gone: %s", out)
	}
}

// left are all objects with Grantor in their name, in any namespace and of the cluster.
func (i *installation) left() (left []string) {
	i.t.Helper()
	for _, scope := range []string{"true", "false"} {
		kinds := strings.Fields(i.kubectl("api-resources", "--verbs=list", "--namespaced="+scope, "-o", "name"))
		kinds = slices.DeleteFunc(kinds, func(kind string) bool {
			return strings.HasPrefix(kind, "events") || strings.HasPrefix(kind, "namespaces")
		})
		out := i.kubectl("get", strings.Join(kinds, ","), "--all-namespaces", "--ignore-not-found", "-o", "name")
		for name := range strings.Lines(out) {
			if name = strings.TrimSpace(name); strings.Contains(name, "grantor") && !strings.HasPrefix(name, "identityprovider") && !strings.HasPrefix(name, "oauthclient") {
				left = append(left, name)
			}
		}
	}
	slices.Sort(left)
	return slices.Compact(left)
}
