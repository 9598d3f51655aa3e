package e2e

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
)

// TestInstallation is the life of an installation, from helm install to helm uninstall. It begins with the previous chart and
// program; TestDocs installs those of today. Each part builds on those before.
func TestInstallation(t *testing.T) {
	i := &installation{t: t, images: environment(t), old: true}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(wholeTruth(context.WithoutCancel(t.Context())))
		}
	})
	for _, part := range []struct {
		name string
		run  func(*installation)
	}{
		{"install", (*installation).install},
		{"a pod calls an API without any secret", (*installation).workload},
		{"a sidecar keeps the token of a pod fresh", (*installation).agent},
		{"an assertion by certificate from outside", (*installation).partner},
		{"three replicas that share state", (*installation).share},
		{"F20 upgrade", (*installation).upgrade},
		{"permissions", (*installation).permissions},
		{"who reads metrics", (*installation).metrics},
		{"a console comes and goes", (*installation).console},
		{"F19 rolling restart", (*installation).rollingRestart},
		{"pods are deleted", (*installation).podDeletion},
		{"F21 leader is killed", (*installation).leaderKill},
		{"F11 keys are rotated", (*installation).keyRotation},
		{"commands of the runbooks", (*installation).runbooks},
		{"a key is stolen", (*installation).stolenKey},
		{"L-17 one namespace", (*installation).narrow},
		{"uninstall", (*installation).uninstall},
	} {
		if !t.Run(part.name, func(t *testing.T) {
			here := i.in(t)
			part.run(here)
			i.ca, i.old, i.sharing, i.narrowed = here.ca, here.old, here.sharing, here.narrowed
		}) {
			return
		}
	}
}

func (i *installation) clusterIssuer() string {
	i.t.Helper()
	var document struct{ Issuer string }
	if err := json.Unmarshal([]byte(i.kubectl("get", "--raw", "/.well-known/openid-configuration")), &document); err != nil || document.Issuer == "" {
		i.t.Fatalf("the cluster does not say who issues its ServiceAccount tokens: %v", err)
	}
	return document.Issuer
}

// install installs the chart as its README says, and lets it test itself.
func (i *installation) install() {
	for _, name := range []string{namespace, "shop"} {
		i.namespaceOf(name)
	}
	i.kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
	i.certify()
	i.helm("install")
	i.testItself()
	var metadata struct {
		Issuer string `json:"issuer"`
	}
	if i.forward("service/grantor-tokenserver", "443").get("/.well-known/oauth-authorization-server", &metadata); metadata.Issuer != issuer {
		i.t.Errorf("the metadata names issuer %q", metadata.Issuer)
	}
}

// testItself runs what the chart brings along to test it.
func (i *installation) testItself() {
	i.t.Helper()
	if out := i.run("helm", "test", "grantor", "--namespace", namespace); !strings.Contains(out, "Succeeded") {
		i.t.Errorf("helm test says:\n%s", out)
	}
}
