package e2e

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

// workload lets a pod exchange its own ServiceAccount token, and call an API that verifies the access token by the endpoint's
// JWK Set.
func (i *installation) workload() {
	i.apply("shop", "shop.yaml")
	i.kubectl("-n", "shop", "wait", "--for=condition=Ready", "idp/cluster", "oac/worker", "--timeout=60s")
	i.kubectl("-n", "shop", "rollout", "status", "deployment/api", "--timeout=120s")
	i.callAPI()
}

// callAPI lets the worker run once.
func (i *installation) callAPI() {
	i.t.Helper()
	i.apply("shop", "worker.yaml", "POD_NAME", "once", "POD_COMMAND", "worker")
	defer i.kubectl("-n", "shop", "delete", "pod", "once", "--wait=true")
	i.finished("shop", "once")
	var who struct {
		Sub      string `json:"sub"`
		ClientID string `json:"client_id"`
	}
	if err := json.Unmarshal([]byte(i.kubectl("-n", "shop", "logs", "once")), &who); err != nil {
		i.t.Fatal(err)
	}
	if who.Sub != "shop/cluster:system:serviceaccount:shop:worker" || who.ClientID != "shop.worker" {
		i.t.Errorf("the API was called by %+v", who)
	}
}

// finished waits until a pod has ended well.
func (i *installation) finished(in, pod string) {
	i.t.Helper()
	i.eventually(timeout, func() error {
		phase := i.kubectl("-n", in, "get", "pod", pod, "-o", "jsonpath={.status.phase}")
		if phase == "Failed" {
			i.t.Fatalf("pod %s failed: %s", pod, i.kubectl("-n", in, "logs", pod))
		}
		if phase != "Succeeded" {
			return fmt.Errorf("pod %s is %s", pod, phase)
		}
		return nil
	})
}

// partner is the provider of the reference document: RS256, by a certificate that is given as a Secret.
func (i *installation) partner() {
	i.namespaceOf("team-a")
	key := jwttest.RSA("partner", 2048)
	file := filepath.Join(i.t.TempDir(), "tls.crt")
	der := jwttest.Certificate(key, time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour))
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		i.t.Fatal(err)
	}
	i.kubectl("-n", "team-a", "create", "secret", "generic", "partner-cert", "--from-file", file)
	i.apply("team-a", "partner.yaml")
	i.kubectl("-n", "team-a", "wait", "--for=condition=Ready", "idp/partner", "oac/playground", "--timeout=60s")
	e := i.forward("service/grantor-tokenserver", "443")
	a := e.exchange(i.secret(), assertion())
	if a.Status != http.StatusOK || a.TokenType != "Bearer" || a.ExpiresIn != 3600 || a.AccessToken == "" {
		i.t.Errorf("the answer is %+v", a)
	}
	if a = e.exchange("wrong", assertion()); a.Status != http.StatusUnauthorized || a.Error != "invalid_client" {
		i.t.Errorf("the answer to a wrong secret is %+v", a)
	}
	i.kubectl("-n", "team-a", "delete", "secret", "partner-cert")
	i.kubectl("-n", "team-a", "wait", "--for=condition=Ready=false", "idp/partner", "--timeout=30s")
	if a = e.exchange(i.secret(), assertion()); a.Status != http.StatusBadRequest || a.Error != "invalid_grant" {
		i.t.Errorf("the answer without the certificate is %+v", a)
	}
	i.kubectl("-n", "team-a", "create", "secret", "generic", "partner-cert", "--from-file", file)
	i.kubectl("-n", "team-a", "wait", "--for=condition=Ready", "idp/partner", "--timeout=30s")
}

// narrow serves one namespace from now on, with Roles alone: who is there notices nothing, and who is elsewhere is unknown.
func (i *installation) narrow() {
	i.narrowed = true
	i.helm("upgrade")
	i.rolledOut("grantor-tokenserver")
	if out := i.kubectl("get", "clusterrolebindings", "-o", "name"); strings.Contains(out, "grantor") {
		i.t.Errorf("there are ClusterRoleBindings:\n%s", out)
	}
	i.callAPI()
	if a := i.forward("service/grantor-tokenserver", "443").exchange(i.secret(), assertion()); a.Status != http.StatusUnauthorized {
		i.t.Errorf("a client of another namespace is answered %+v", a)
	}
}

// secret is the generated one of the client.
func (i *installation) secret() string {
	i.t.Helper()
	secret := i.kubectl("-n", "team-a", "get", "secret", "playground", "-o", "go-template={{ .data.client_secret | base64decode }}")
	if strings.TrimSpace(secret) == "" {
		i.t.Fatal("the client has no secret")
	}
	return secret
}

// assertion is a fresh one of the partner.
func assertion() string {
	now := time.Now()
	claims := jwttest.Object{}.Add("iss", `"https://localhost:9444/oauth2/token"`).Add("sub", `"admin"`).Add("aud", `"https://localhost:9443/oauth2/token"`).
		Add("iat", fmt.Sprint(now.Unix())).Add("exp", fmt.Sprint(now.Add(time.Minute).Unix())).Add("jti", jwttest.Quote(fmt.Sprint(now.UnixNano())))
	return jwttest.Compact("RS256", jwttest.RSA("partner", 2048), `{"alg":"RS256"}`, claims.String())
}

// share gives the token servers a Valkey, and asks three of them to take one assertion.
func (i *installation) share() {
	i.namespaceOf("state")
	i.apply("state", "valkey.yaml")
	i.kubectl("-n", "state", "rollout", "status", "deployment/valkey", "--timeout=120s")
	i.sharing = true
	i.helm("upgrade")
	i.kubectl("-n", namespace, "rollout", "status", "deployment/grantor-tokenserver", "--timeout=120s")
	pods := i.tokenServers()
	if len(pods) != 3 {
		i.t.Fatalf("%d token servers run: %v", len(pods), pods)
	}
	var endpoints []*endpoint
	for _, pod := range pods {
		endpoints = append(endpoints, i.forward("pod/"+pod, "8080"))
	}
	secret := i.secret()
	for round := range 5 {
		once, statuses := assertion(), map[int]int{}
		for e := range endpoints {
			statuses[endpoints[(e+round)%len(endpoints)].exchange(secret, once).Status]++
		}
		if statuses[http.StatusOK] != 1 || statuses[http.StatusBadRequest] != 2 {
			i.t.Errorf("one assertion at three replicas: %v", statuses)
		}
	}
}

// tokenServers are the names of the pods that are not being ended.
func (i *installation) tokenServers() []string {
	i.t.Helper()
	return strings.Fields(i.kubectl("-n", namespace, "get", "pods", "-l", "app.kubernetes.io/component=tokenserver",
		"-o", `go-template={{ range .items }}{{ if not .metadata.deletionTimestamp }}{{ .metadata.name }} {{ end }}{{ end }}`))
}
