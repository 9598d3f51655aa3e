package e2e

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// permissions: the two accounts may do what the golden file says, and who has taken over a token server reads no Secret of a
// tenant.
func (i *installation) permissions() {
	i.mayDo("permissions.golden", "grantor-operator", "grantor-tokenserver")
	i.look()
}

// mayDo compares what accounts may do beyond what every one may with a golden file.
func (i *installation) mayDo(golden string, accounts ...string) {
	i.t.Helper()
	var got strings.Builder
	for _, place := range []string{"shop", namespace} {
		everybody := i.canI("default", place)
		for _, account := range accounts {
			fmt.Fprintf(&got, "%s in namespace %s:\n", account, place)
			for _, rule := range i.canI(account, place) {
				if !slices.Contains(everybody, rule) {
					fmt.Fprintf(&got, "  %s\n", rule)
				}
			}
		}
	}
	file := filepath.Join("testdata", golden)
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o600); err != nil {
			i.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file) // #nosec G304 -- a file of the test
	if err != nil {
		i.t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		i.t.Errorf("permissions changed; -update writes them (-golden +granted):\n%s", diff)
	}
}

// canI is what kubectl says that a ServiceAccount of Grantor's namespace may do, one rule each.
func (i *installation) canI(account, in string) []string {
	i.t.Helper()
	out := i.kubectl("auth", "can-i", "--list", "--no-headers", "--namespace", in, "--as=system:serviceaccount:"+namespace+":"+account)
	var rules []string
	for line := range strings.Lines(out) {
		rules = append(rules, strings.Join(strings.Fields(line), " "))
	}
	slices.Sort(rules)
	return rules
}

// look tries from inside a pod with the token servers' account.
func (i *installation) look() {
	i.t.Helper()
	paths := map[string]string{
		"/api/v1/namespaces/team-a/secrets/partner-cert":                    "403",
		"/api/v1/namespaces/team-a/secrets":                                 "403",
		"/api/v1/secrets":                                                   "403",
		"/api/v1/namespaces/shop/configmaps/ca":                             "403",
		"/api/v1/namespaces/" + namespace + "/secrets":                      "403",
		"/api/v1/namespaces/" + namespace + "/secrets/endpoint":             "403",
		"/api/v1/namespaces/" + namespace + "/pods":                         "403",
		"/apis/grantor.dev/v1alpha1/oauthclients":                           "200",
		"/api/v1/namespaces/" + namespace + "/secrets/grantor-signing-keys": "200",
	}
	var names []string
	for path := range paths {
		names = append(names, path)
	}
	i.apply(namespace, "look.yaml", "LOOK_PATHS", strings.Join(names, ", "))
	defer i.kubectl("-n", namespace, "delete", "pod", "look", "--wait=false")
	i.finished(namespace, "look")
	got := map[string]string{}
	for line := range strings.Lines(i.kubectl("-n", namespace, "logs", "look")) {
		status, path, _ := strings.Cut(strings.TrimSpace(line), " ")
		got[path] = status
	}
	if diff := cmp.Diff(paths, got); diff != "" {
		i.t.Errorf("with the token servers' account:\n%s", diff)
	}
}
