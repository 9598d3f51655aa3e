package e2e

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// metrics: who may read metrics in the cluster reads those of both processes, and nobody else does.
func (i *installation) metrics() {
	i.kubectl("-n", "shop", "create", "serviceaccount", "prometheus")
	token := strings.TrimSpace(i.kubectl("-n", "shop", "create", "token", "prometheus"))
	stranger := strings.TrimSpace(i.kubectl("-n", "shop", "create", "token", "worker"))
	processes := map[string]*endpoint{}
	for _, name := range []string{"grantor-operator", "grantor-tokenserver"} {
		processes[name] = i.forward("deployment/"+name, "8443").trusting()
		for with, want := range map[string]int{"": http.StatusUnauthorized, "garbage": http.StatusUnauthorized, token: http.StatusForbidden} {
			if got := processes[name].scrape(with); got != want {
				i.t.Errorf("%s answers %d instead of %d", name, got, want)
			}
		}
	}
	i.kubectl("create", "clusterrolebinding", "prometheus", "--clusterrole=grantor-metrics-reader", "--serviceaccount=shop:prometheus")
	defer i.kubectl("delete", "clusterrolebinding", "prometheus")
	for name, e := range processes {
		i.eventually(10*time.Second, func() error {
			if got := e.scrape(token); got != http.StatusOK {
				return fmt.Errorf("%s answers %d to who may read metrics", name, got)
			}
			return nil
		})
		if got := e.scrape(stranger); got != http.StatusForbidden {
			i.t.Errorf("%s answers %d to who may not", name, got)
		}
	}
}

// trusting is the same way to a process that made its certificate by itself.
func (e *endpoint) trusting() *endpoint {
	e.t.Helper()
	transport, ok := e.client.Transport.(*http.Transport)
	if !ok {
		e.t.Fatalf("it is a %T", e.client.Transport)
	}
	transport = transport.Clone()
	transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} // #nosec G402 -- nobody could verify it
	return &endpoint{e.t, &http.Client{Timeout: e.client.Timeout, Transport: transport}}
}

// scrape asks for metrics, with a token unless it is empty.
func (e *endpoint) scrape(token string) (status int) {
	e.t.Helper()
	r, err := http.NewRequestWithContext(e.t.Context(), http.MethodGet, issuer+"/metrics", http.NoBody)
	if err != nil {
		e.t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := e.client.Do(r)
	if err != nil {
		e.t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}
