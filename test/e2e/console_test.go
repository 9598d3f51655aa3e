package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
)

// console: who may forward a port sees what the cluster declares and what token servers do, and nobody else does. Switched off
// again, nothing of it is left, and no exchange has failed meanwhile.
func (i *installation) console() {
	i.apply("team-a", "broken.yaml")
	defer i.kubectl("-n", "team-a", "delete", "idp", "broken")
	stop := i.exchanging()
	defer stop()
	i.more = []string{"console.enabled=true"}
	i.helm("upgrade")
	c := i.forward("service/grantor-console", "80")
	i.pages(c)
	i.explained(c)
	i.mayDo("console-permissions.golden", "grantor-console")
	i.toItselfAlone(c)
	i.counted(c)
	i.exposed()
	stop()
	i.more = nil
	i.helm("upgrade")
	i.eventually(60*time.Second, func() error {
		left := slices.DeleteFunc(i.left(), func(name string) bool {
			return !strings.Contains(name, "console") && !strings.Contains(name, "grantor-tokenserver-pods")
		})
		if len(left) > 0 {
			return fmt.Errorf("of the console there is left %v", left)
		}
		return nil
	})
}

// exchanging lets somebody present assertions, good and forged ones by turns, until it is stopped.
func (i *installation) exchanging() (stop func()) {
	i.t.Helper()
	e, secret := i.forward("service/grantor-tokenserver", "443"), i.secret()
	ctx, cancel := context.WithCancel(i.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.exchangeUntil(ctx, secret) }()
	return func() {
		if ctx.Err() != nil {
			return
		}
		cancel()
		if err := <-ended; err != nil {
			i.t.Error(err)
		}
	}
}

func (e *endpoint) exchangeUntil(ctx context.Context, secret string) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for good := true; ; good = !good {
		presented, want := assertion(), http.StatusOK
		if !good {
			presented, want = forged(presented), http.StatusBadRequest
		}
		r, err := presents(ctx, secret, presented)
		if err != nil {
			return err
		}
		res, err := e.client.Do(r)
		if err == nil {
			err = res.Body.Close()
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("exchange: %w", err)
		case res.StatusCode != want:
			return fmt.Errorf("an assertion is answered with %d, not %d", res.StatusCode, want)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// forged is an assertion whose signature is another one.
func forged(assertion string) string { return assertion[:len(assertion)-20] + strings.Repeat("A", 20) }

// page is what a browser gets that asks localhost, or with a form sends it.
func (e *endpoint) page(path string, form url.Values) (status int, text string) {
	e.t.Helper()
	method, body := http.MethodGet, io.Reader(http.NoBody)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(e.t.Context(), method, "http://localhost"+path, body)
	if err != nil {
		e.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return e.text(r)
}

func (e *endpoint) text(r *http.Request) (status int, text string) {
	e.t.Helper()
	res, err := e.client.Do(r)
	if err != nil {
		e.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		e.t.Fatal(err)
	}
	return res.StatusCode, html.UnescapeString(string(b))
}

// pages looks at every page for what there is to be seen.
func (i *installation) pages(c *endpoint) {
	i.t.Helper()
	for path, shows := range map[string][]string{
		"/":                           {"team-a/broken", "SecretNotFound", "CertificateExpiresSoon"},
		"/providers":                  {"3 identity providers", "shop/cluster", "team-a/partner", "https://localhost:9444/oauth2/token"},
		"/providers?health=notready":  {"1 found among 3", "team-a/broken", "SecretNotFound"},
		"/providers/team-a/broken":    {"Not ready", "SecretNotFound", "not-there"},
		"/providers/shop/cluster":     {`<span class="health ready">Ready</span>`, "Keys without an end"},
		"/providers/team-a/partner":   {`<span class="health warning">Warning</span>`, "https://localhost:9443/oauth2/token", "Keys out of certificates"},
		"/clients":                    {"2 clients", "shop.worker", "team-a.playground"},
		"/clients/team-a/playground":  {`<span class="health ready">Ready</span>`, "ClientSecret", "/providers/team-a/partner"},
		"/keys":                       {"team-a/partner", "in 23 hours"},
		"/live":                       {"Token servers"},
		"/explain":                    {"Explain an assertion"},
		"/assets/console.css":         {"--page"},
		"/assets/console.js":          {"data-refresh"},
		"/assets/icon.svg":            {"<svg"},
		"/providers/team-a/not-there": {"Not found"},
	} {
		want := http.StatusOK
		if strings.HasSuffix(path, "/not-there") {
			want = http.StatusNotFound
		}
		status, text := c.page(path, nil)
		if status != want {
			i.t.Errorf("%s answers %d", path, status)
		}
		for _, s := range shows {
			if !strings.Contains(text, s) {
				i.t.Errorf("%s does not show %q, but:\n%s", path, s, text)
			}
		}
	}
}

// checkRow is a check on the page that explains, with what became of it.
var checkRow = regexp.MustCompile(`<tr><th scope="row">([^<]+)</th><td><span class="health [a-z]+">([^<]+)</span>`)

// explained: the page says of an assertion what the command says of it, which runs with the same permissions.
func (i *installation) explained(c *endpoint) {
	i.t.Helper()
	for name, tc := range map[string]struct{ assertion, client, verdict string }{
		"good":                    {assertion(), "team-a/playground", "Accepted"},
		"forged":                  {forged(assertion()), "team-a/playground", "Refused"},
		"of another's":            {assertion(), "shop/worker", "Refused"},
		"of nobody in particular": {assertion(), "", "Accepted"},
	} {
		out, err := try(i.t.Context(), tc.assertion, "kubectl", "-n", namespace, "exec", "-i", "deployment/grantor-console", "--",
			"/grantor", "explain", "--issuer", issuer, "--client", tc.client, "-n", "team-a", "-o", "json", "-f", "-")
		var said struct {
			Verdict, Reason, Client, Provider string
			Checks                            []struct{ Title, State string }
		}
		if jsonErr := json.Unmarshal([]byte(out), &said); jsonErr != nil {
			i.t.Fatalf("%s: %v: %v", name, jsonErr, err)
		}
		status, text := c.page("/explain", url.Values{"assertion": {tc.assertion}, "client": {tc.client}})
		if status != http.StatusOK || said.Verdict != tc.verdict {
			i.t.Errorf("%s: the page answers %d, the command %s", name, status, said.Verdict)
		}
		for _, s := range []string{">" + said.Verdict + "</span>", said.Reason, said.Client, said.Provider} {
			if !strings.Contains(text, s) {
				i.t.Errorf("%s: the page does not show %q, but:\n%s", name, s, text)
			}
		}
		var want, got []string
		for _, check := range said.Checks {
			want = append(want, check.Title+": "+strings.ReplaceAll(check.State, "NotLookedAt", "Not looked at"))
		}
		for _, m := range checkRow.FindAllStringSubmatch(text, -1) {
			got = append(got, m[1]+": "+m[2])
		}
		if diff := cmp.Diff(want, got); diff != "" {
			i.t.Errorf("%s: not the same checks (-command +page):\n%s", name, diff)
		}
		if strings.Contains(text, tc.assertion[strings.LastIndex(tc.assertion, ".")+1:]) {
			i.t.Errorf("%s: the signature is in the page", name)
		}
	}
}

// toItselfAlone: it answers to its own name, and over the network to nobody.
func (i *installation) toItselfAlone(c *endpoint) {
	i.t.Helper()
	r, err := http.NewRequestWithContext(i.t.Context(), http.MethodGet, "http://evil.example/providers", http.NoBody)
	if err != nil {
		i.t.Fatal(err)
	}
	if status, text := c.text(r); status != http.StatusMisdirectedRequest || strings.Contains(text, "partner") {
		i.t.Errorf("to another name it answers %d: %s", status, text)
	}
	pod := strings.TrimSpace(i.kubectl("-n", namespace, "get", "pods", "-l", "app.kubernetes.io/component=console", "-o", "jsonpath={.items[0].metadata.name}"))
	out, err := try(i.t.Context(), "", "kubectl", "get", "--raw", fmt.Sprintf("/api/v1/namespaces/%s/pods/%s:8082/proxy/", namespace, pod))
	if err == nil || !strings.Contains(err.Error(), "connection refused") {
		i.t.Errorf("over the network it answers: %s, %v", out, err)
	}
}

var reached = regexp.MustCompile(`<dt>Replicas reached</dt><dd>3 of 3</dd>`)

// counted: the page shows what the token servers have counted.
func (i *installation) counted(c *endpoint) {
	i.t.Helper()
	i.eventually(60*time.Second, func() error {
		status, text := c.page("/live", nil)
		if status != http.StatusOK || !reached.MatchString(text) || !strings.Contains(text, "signature_invalid") || strings.Contains(text, "<dt>Granted</dt><dd>0/s</dd>") {
			return fmt.Errorf("it answers %d: %s", status, text)
		}
		return nil
	})
}

// exposed: under a name of its own it speaks TLS, to what is before it, and to no other name.
func (i *installation) exposed() {
	i.t.Helper()
	i.more = []string{"console.enabled=true", "console.hosts={console.example.com}", "console.tls.secretName=endpoint"}
	i.helm("upgrade")
	c := i.forward("service/grantor-console", "80")
	transport, ok := c.client.Transport.(*http.Transport)
	if !ok {
		i.t.Fatalf("it is a %T", c.client.Transport)
	}
	transport.TLSClientConfig.ServerName = serviceHost // the suite has a certificate for no other name
	r, err := http.NewRequestWithContext(i.t.Context(), http.MethodGet, "https://console.example.com/providers", http.NoBody)
	if err != nil {
		i.t.Fatal(err)
	}
	if status, text := c.text(r); status != http.StatusOK || !strings.Contains(text, "team-a/partner") {
		i.t.Errorf("to its name it answers %d: %s", status, text)
	}
	// The API server gets there over the network, and names a pod.
	out, err := try(i.t.Context(), "", "kubectl", "get", "--raw", "/api/v1/namespaces/"+namespace+"/services/https:grantor-console:https/proxy/providers")
	if err == nil || !strings.Contains(err.Error(), "status code 421") {
		i.t.Errorf("to another name it answers: %s, %v", out, err)
	}
}
