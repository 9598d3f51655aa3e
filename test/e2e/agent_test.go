package e2e

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/test/harness"
)

// agentNamespace is where the example is tried.
const agentNamespace = "agents"

// applyExample applies the example as it stands, but for the names of what is here.
func (i *installation) applyExample() {
	i.t.Helper()
	names := strings.NewReplacer(
		"https://auth.example.com", issuer, "https://kubernetes.default.svc.cluster.local", i.clusterIssuer(), "team-a", agentNamespace,
		"https://api.example.com", "https://api.example.com/", "lifetime: 10m", "lifetime: 2m",
		"image: ghcr.io/grantor-dev/grantor:v0.1.0", "image: "+i.images.grantor+"\n          imagePullPolicy: Never",
		"image: worker:v1", "image: "+i.images.workload+"\n          imagePullPolicy: Never\n"+
			"          args: [reader, --token=/run/grantor/token, --api=http://api.shop.svc.cluster.local]",
	)
	for _, file := range []string{"1-trust.yaml", "2-deployment.yaml"} {
		text, err := os.ReadFile(filepath.Join(harness.ModuleRoot(), "examples", "workload", file))
		if err != nil {
			i.t.Fatal(err)
		}
		if _, err := try(i.t.Context(), names.Replace(string(text)), "kubectl", "apply", "-f", "-"); err != nil {
			i.t.Fatal(err)
		}
	}
}

// agent lets the example run, while the token server is away when the token is to be renewed. The workload, which knows nothing
// but a file, can call the API all the time.
func (i *installation) agent() {
	i.namespaceOf(agentNamespace)
	defer i.kubectl("delete", "namespace", agentNamespace, "--wait=true")
	ca := filepath.Join(i.t.TempDir(), "ca.crt")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.ca.Raw}), 0o600); err != nil {
		i.t.Fatal(err)
	}
	i.kubectl("-n", agentNamespace, "create", "configmap", "grantor-ca", "--from-file", ca)
	i.applyExample()
	i.kubectl("-n", agentNamespace, "wait", "--for=condition=Ready", "idp/cluster", "oac/worker", "--timeout=60s")
	i.kubectl("-n", agentNamespace, "rollout", "status", "deployment/worker", "--timeout=150s")
	pod := strings.TrimSpace(i.kubectl("-n", agentNamespace, "get", "pods", "-l", "app=worker", "-o", "jsonpath={.items[0].metadata.name}"))
	first := i.callFrom(pod)
	begin := time.Now()
	i.kubectl("-n", namespace, "scale", "deployment/grantor-tokenserver", "--replicas=0")
	i.callUntil(pod, "the agent has asked in vain", 100*time.Second, func(caller) bool {
		return i.agentCount(pod, `grantor_agent_exchanges_total{outcome="unavailable"}`) > 0
	})
	i.kubectl("-n", namespace, "scale", "deployment/grantor-tokenserver", "--replicas=1")
	i.callUntil(pod, "the token is another one", 60*time.Second, func(c caller) bool { return c.Expiry > first.Expiry })
	i.t.Logf("the token was renewed %s after the first one was seen", time.Since(begin).Round(time.Second))
	i.rolledOut("grantor-tokenserver")
	if log := i.kubectl("-n", agentNamespace, "logs", pod, "-c", "grantor-agent"); strings.Contains(log, "eyJ") || !strings.Contains(log, "token not renewed") {
		i.t.Errorf("the log of the agent:\n%s", log)
	}
	if restarts := i.kubectl("-n", agentNamespace, "get", "pod", pod, "-o", "jsonpath={.status.initContainerStatuses[0].restartCount}"); restarts != "0" {
		i.t.Errorf("the agent was started %s times again", restarts)
	}
}

// caller is what the API says of who called it.
type caller struct {
	Subject  string `json:"sub"`
	ClientID string `json:"client_id"`
	Expiry   int64  `json:"exp"`
}

// callFrom lets the workload call the API with the token in its file.
func (i *installation) callFrom(pod string) caller {
	i.t.Helper()
	var c caller
	text := i.kubectl("get", "--raw", fmt.Sprintf("/api/v1/namespaces/%s/pods/%s:8080/proxy/call", agentNamespace, pod))
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		i.t.Fatal(err)
	}
	if c.Subject != agentNamespace+"/cluster:system:serviceaccount:"+agentNamespace+":worker" || c.ClientID != agentNamespace+".worker" {
		i.t.Fatalf("the API was called by %+v", c)
	}
	return c
}

// callUntil lets the workload call the API each second until something has happened.
func (i *installation) callUntil(pod, what string, limit time.Duration, happened func(caller) bool) {
	i.t.Helper()
	for end := time.Now().Add(limit); !happened(i.callFrom(pod)); pause(time.Second) {
		if time.Now().After(end) {
			i.t.Fatalf("it has not happened in %s: %s", limit, what)
		}
	}
}

// agentCount is a number that the agent tells of itself.
func (i *installation) agentCount(pod, name string) int {
	i.t.Helper()
	text := i.kubectl("get", "--raw", fmt.Sprintf("/api/v1/namespaces/%s/pods/%s:8081/proxy/metrics", agentNamespace, pod))
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\d+)$`).FindStringSubmatch(text)
	if m == nil {
		i.t.Fatalf("there is no %s in:\n%s", name, text)
	}
	var n int
	_, _ = fmt.Sscan(m[1], &n)
	return n
}
