package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/keyring"
)

const perSecond = 100

// report is what a load of the workload says of itself.
type report struct {
	Sent          int
	Outcomes      map[string]int
	P50, P99, Max time.Duration
	Signers       []string
	Last          []string
}

// under lets pods exchange tokens through the Service, a hundred per second whatever happens, and disrupts meanwhile. No
// request may fail.
func (i *installation) under(what string, disrupt func()) (r report) {
	i.t.Helper()
	i.apply("shop", "worker.yaml", "POD_NAME", "load", "POD_COMMAND", "load")
	defer i.kubectl("-n", "shop", "delete", "pod", "load", "--wait=true")
	i.kubectl("-n", "shop", "wait", "--for=condition=Ready", "pod/load", "--timeout=120s")
	pause(5 * time.Second)
	begin := time.Now()
	disrupt()
	took := time.Since(begin)
	pause(5 * time.Second)
	if err := json.Unmarshal([]byte(i.kubectl("get", "--raw", "/api/v1/namespaces/shop/pods/load:8080/proxy/report")), &r); err != nil {
		i.t.Fatal(err)
	}
	i.t.Logf("%s, for %s: %d requests, %v, p50 %s, p99 %s, max %s", what, took.Round(time.Second), r.Sent, r.Outcomes,
		r.P50.Round(100*time.Microsecond), r.P99.Round(100*time.Microsecond), r.Max.Round(100*time.Microsecond))
	if least := perSecond * int(took/time.Second); r.Sent < least {
		i.t.Errorf("%d requests were sent, not %d", r.Sent, least)
	}
	if r.Outcomes["ok"] != r.Sent {
		i.t.Errorf("requests failed, among them:\n%s", strings.Join(r.Last, "\n"))
	}
	return r
}

// pause lets the load be alone for a while: it is no wait for something.
func pause(d time.Duration) { <-time.After(d) }

func (i *installation) rolledOut(deployment string) {
	i.t.Helper()
	i.kubectl("-n", namespace, "rollout", "status", "deployment/"+deployment, "--timeout=150s")
}

func (i *installation) rollingRestart() {
	i.under("rolling restart of all token servers", func() {
		i.kubectl("-n", namespace, "rollout", "restart", "deployment/grantor-tokenserver")
		i.rolledOut("grantor-tokenserver")
	})
}

// upgrade goes from the previous chart and program to those of today, back, and there again.
func (i *installation) upgrade() {
	i.under("helm upgrade from the previous chart", func() {
		i.old = false
		i.helm("upgrade")
	})
	i.runs(i.images.grantor)
	i.testItself()
	i.under("helm rollback", func() {
		i.run("helm", "rollback", "grantor", "--namespace", namespace, "--wait", "--timeout", "150s")
	})
	i.runs(i.images.previous)
	i.helm("upgrade")
	i.runs(i.images.grantor)
}

// runs checks which image both Deployments have.
func (i *installation) runs(image string) {
	i.t.Helper()
	for _, deployment := range []string{"grantor-operator", "grantor-tokenserver"} {
		if got := i.kubectl("-n", namespace, "get", "deployment", deployment, "-o", "jsonpath={.spec.template.spec.containers[0].image}"); got != image {
			i.t.Errorf("%s runs %s", deployment, got)
		}
	}
}

// podDeletion deletes each token server, as a node that is drained does.
func (i *installation) podDeletion() {
	i.under("deletion of each token server's pod", func() {
		for _, pod := range i.tokenServers() {
			i.kubectl("-n", namespace, "delete", "pod", pod, "--wait=true", "--timeout=90s")
			i.rolledOut("grantor-tokenserver")
		}
	})
}

// leaderKill ends the operator at once. A change that comes meanwhile takes effect when the next one leads.
func (i *installation) leaderKill() {
	i.under("kill of the leading operator", func() {
		holder := i.kubectl("-n", namespace, "get", "lease", "grantor-operator", "-o", "jsonpath={.spec.holderIdentity}")
		pod, _, _ := strings.Cut(holder, "_")
		i.kubectl("-n", namespace, "delete", "pod", pod, "--grace-period=0", "--force")
		begin := time.Now()
		i.kubectl("-n", "team-a", "delete", "oac", "playground")
		i.apply("team-a", "partner.yaml")
		i.kubectl("-n", "team-a", "wait", "--for=condition=Ready", "oac/playground", "--timeout=90s")
		i.t.Logf("a client that was made without a leader is Ready after %s", time.Since(begin).Round(100*time.Millisecond))
		i.rolledOut("grantor-operator")
	})
}

// keyRotation asks for a new signing key by hand, and waits until a pod gets a token that it signed. Verifiers may keep the
// keys for 5 minutes, so a key signs after that time at the earliest; when all know it, the test lets that time pass.
func (i *installation) keyRotation() {
	before := i.published()
	r := i.under("rotation of the signing keys", func() {
		i.kubectl("-n", namespace, "annotate", "secret", "grantor-signing-keys", "grantor.dev/rotate="+fmt.Sprint(time.Now().Unix()), "--overwrite")
		var next string
		i.eventually(time.Minute, func() error {
			for _, kid := range i.published() {
				if !slices.Contains(before, kid) {
					next = kid
					return nil
				}
			}
			return fmt.Errorf("no key but %v is published", before)
		})
		i.letSign()
		i.eventually(time.Minute, func() error {
			var signers []string
			if err := json.Unmarshal([]byte(i.kubectl("get", "--raw", "/api/v1/namespaces/shop/pods/load:8080/proxy/signers")), &signers); err != nil {
				return err
			}
			if !slices.Contains(signers, next) {
				return fmt.Errorf("tokens are signed by %v, not by %s", signers, next)
			}
			return nil
		})
	})
	if len(r.Signers) != 2 {
		i.t.Errorf("tokens were signed by %v, not by the key before and its successor", r.Signers)
	}
}

// letSign brings the time forward at which the newest key begins to sign, by as much as keeps every token server from being
// surprised.
func (i *installation) letSign() {
	i.t.Helper()
	var ring map[string]any
	text := i.kubectl("-n", namespace, "get", "secret", "grantor-signing-keys", "-o", "go-template={{ index .data \""+keyring.RingDataKey+"\" | base64decode }}")
	if err := json.Unmarshal([]byte(text), &ring); err != nil {
		i.t.Fatal(err)
	}
	keys, _ := ring["keys"].([]any)
	var newest map[string]any
	for _, k := range keys {
		if key, ok := k.(map[string]any); ok && (newest == nil || fmt.Sprint(key["activeFrom"]) > fmt.Sprint(newest["activeFrom"])) {
			newest = key
		}
	}
	newest["activeFrom"] = time.Now().Add(10 * time.Second).UTC().Format(time.RFC3339)
	changed, err := json.Marshal(ring)
	if err != nil {
		i.t.Fatal(err)
	}
	patch, err := json.Marshal(map[string]any{"stringData": map[string]string{keyring.RingDataKey: string(changed)}})
	if err != nil {
		i.t.Fatal(err)
	}
	i.kubectl("-n", namespace, "patch", "secret", "grantor-signing-keys", "--type=merge", "--patch", string(patch))
}

// published are the ids of the keys that the endpoint publishes.
func (i *installation) published() (kids []string) {
	i.t.Helper()
	var set struct {
		Keys []struct {
			Kid string `json:"kid"`
		} `json:"keys"`
	}
	i.forward("service/grantor-tokenserver", "443").get("/oauth2/jwks", &set)
	for _, key := range set.Keys {
		kids = append(kids, key.Kid)
	}
	return kids
}
