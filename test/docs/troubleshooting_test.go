package docs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/test/harness"
)

// TestTroubleshootingPage makes each mistake on a real control plane and holds what everybody gets to see of it against the
// page. With -update it writes the page.
func TestTroubleshootingPage(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	b := newBench(ctx, t)
	var page bytes.Buffer
	page.WriteString(troubleshootingIntro)
	for i, m := range mistakes() {
		t.Run(m.title, func(t *testing.T) { b.show(ctx, t, &page, m, fmt.Sprintf("mistake-%d", i)) })
	}
	if t.Failed() {
		return
	}
	file := filepath.Join(harness.ModuleRoot(), "docs", "troubleshooting.md")
	if *update {
		if err := os.WriteFile(file, page.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(page.String(), read(t, file)); diff != "" {
		t.Errorf("the page is out of date: go test ./test/docs -run TestTroubleshootingPage -update (-want +got):\n%s", diff)
	}
}

// bench is a control plane with Grantor on it.
type bench struct {
	cp      *harness.ControlPlane
	grantor *harness.Grantor
	console string
	dir     string
}

func newBench(ctx context.Context, t *testing.T) *bench {
	t.Helper()
	b := &bench{dir: t.TempDir()}
	binary, err := harness.Build(ctx, b.dir, false)
	if err != nil {
		t.Fatal(err)
	}
	if b.cp, err = harness.StartControlPlane(ctx, b.dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.cp.Stop() })
	if b.grantor, err = harness.StartGrantor(ctx, b.cp, binary, b.dir, 1); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.grantor.Stop)
	b.startConsole(ctx, t)
	return b
}

func (b *bench) startConsole(ctx context.Context, t *testing.T) {
	t.Helper()
	pages, err := harness.FreeAddress(ctx)
	if err != nil {
		t.Fatal(err)
	}
	ops, err := harness.FreeAddress(ctx)
	if err != nil {
		t.Fatal(err)
	}
	console, err := harness.Start(ctx, b.grantor.Binary, b.dir, "console", ops, "console", "--kubeconfig", b.cp.Kubeconfig,
		"--namespace", harness.Namespace, "--listen", pages, "--issuer", b.grantor.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(console.Stop)
	if err := console.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	b.console = "http://" + pages
}

// show makes a mistake in a namespace of its own and writes what there is to see.
func (b *bench) show(ctx context.Context, t *testing.T, page io.Writer, m mistake, namespace string) {
	t.Helper()
	apply := b.cp.Kubectl(ctx, "apply", "-f", "-")
	apply.Stdin = strings.NewReader(m.manifests(namespace, b.grantor.Issuer))
	if out, err := apply.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	objects := b.objects(ctx, t, m, namespace)
	var answer string
	var line map[string]any
	err := harness.Poll(ctx, 20*time.Second, func() (err error) {
		answer, line, err = b.ask(ctx, m, namespace)
		if err == nil && line["reason"] != m.reason {
			err = fmt.Errorf("the reason is %v", line["reason"])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"time", "request_id", "duration_ms", "remote", "level", "assertion_sha256"} {
		delete(line, name)
	}
	record, err := json.Marshal(line)
	if err != nil {
		t.Fatal(err)
	}
	explained := b.explain(ctx, t, m, namespace)
	if !m.hidden && !strings.Contains(explained, m.reason) {
		t.Errorf("grantor explain does not name %s:\n%s", m.reason, explained)
	}
	pages := b.pages(ctx, t, m, namespace)
	if !m.hidden && !strings.Contains(pages, m.reason) {
		t.Errorf("the console does not name %s:\n%s", m.reason, pages)
	}
	text := fmt.Sprintf("\n## %s\n\n%s\n\n`kubectl get` shows:\n\n```\n%s```\n\nThe caller gets:\n\n```\n%s\n```\n\nThe audit log has:\n\n```\n%s\n```\n\n`grantor explain` says:\n\n```\n%s```\n\nThe [console](console.md) shows, where the assertion is pasted:\n\n```\n%s```\n\n%s See [%s](reference/errors.md#%s).\n",
		m.title, m.story, objects, answer, record, explained, pages, m.mend, m.reason, m.reason)
	_, _ = io.WriteString(page, b.same(text, namespace))
}

// objects is what kubectl tells of the objects, once it tells what the mistake is to show.
func (b *bench) objects(ctx context.Context, t *testing.T, m mistake, namespace string) string {
	t.Helper()
	var table string
	err := harness.Poll(ctx, 30*time.Second, func() error {
		out, err := b.cp.Kubectl(ctx, "get", "idp,oac", "-n", namespace, "-o",
			`custom-columns=KIND:.kind,NAME:.metadata.name,READY:.status.conditions[?(@.type=="Ready")].status,REASON:.status.conditions[?(@.type=="Ready")].reason,MESSAGE:.status.conditions[?(@.type=="Ready")].message`).CombinedOutput()
		table = string(out)
		shown := strings.Count(table, " True ")
		if m.shows != "" {
			shown += strings.Count(table, m.shows)
		}
		if err == nil && shown < m.rows() {
			err = fmt.Errorf("not yet: %s", table)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(` +\n`).ReplaceAllString(table, "\n")
}

// ask makes the request and finds its line of the audit log.
func (b *bench) ask(ctx context.Context, m mistake, namespace string) (string, map[string]any, error) {
	assertion := m.assertion(b.grantor.Issuer)
	if err := os.WriteFile(filepath.Join(b.dir, "assertion"), []byte(assertion), 0o600); err != nil {
		return "", nil, err
	}
	form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}}
	if m.scope != "" {
		form.Set("scope", m.scope)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.grantor.URLs[0]+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(namespace+m.client(), m.secret())
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", nil, err
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		return "", nil, err
	}
	log, err := os.ReadFile(b.grantor.TokenServers[0].Log)
	if err != nil {
		return "", nil, err
	}
	lines := strings.Split(strings.TrimSpace(string(log)), "\n")
	var line map[string]any
	err = json.Unmarshal([]byte(lines[len(lines)-1]), &line)
	return resp.Status + "\n" + string(body), line, err
}

// explain is what grantor explain says of the check that fails, or of what it cannot see.
func (b *bench) explain(ctx context.Context, t *testing.T, m mistake, namespace string) string {
	t.Helper()
	args := []string{"explain", "--client", namespace + "/app", "--issuer", b.grantor.Issuer, "-f", filepath.Join(b.dir, "assertion")}
	if m.scope != "" {
		args = append(args, "--scope", m.scope)
	}
	cmd := exec.CommandContext(ctx, b.grantor.Binary, args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+b.cp.Kubeconfig)
	out, _ := cmd.Output() // It ends with 1 where the answer is no.
	mark := "✗ "
	if m.hidden {
		mark = "? "
	}
	var shown strings.Builder
	inside := false
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, " ") {
			inside = strings.HasPrefix(line, mark) || strings.HasPrefix(line, "Refused")
		}
		if inside && strings.TrimSpace(line) != "" {
			shown.WriteString(line)
		}
	}
	if shown.Len() == 0 {
		t.Errorf("grantor explain says nothing of it:\n%s", out)
	}
	return shown.String()
}

// pages is what the console shows: the verdict, and each check that fails with what was found.
func (b *bench) pages(ctx context.Context, t *testing.T, m mistake, namespace string) string {
	t.Helper()
	assertion, err := os.ReadFile(filepath.Join(b.dir, "assertion"))
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"assertion": {string(assertion)}, "client": {namespace + "/app"}, "scope": {m.scope}}
	var page string
	err = harness.Poll(ctx, 20*time.Second, func() error { // It follows the objects by a watch of its own.
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.console+"/explain", strings.NewReader(form.Encode()))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		page = string(body)
		if err == nil && resp.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s", resp.Status)
		}
		return err
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, page)
	}
	var shown strings.Builder
	for _, found := range regexp.MustCompile(`(?s)<h2 id="verdict-heading">(.*?)</h2>|<dt>(Reason, as in the audit log|Error that the caller sees)</dt><dd><code>(.*?)</code>|<div class="failure">\s*<h3>(.*?)</h3>`).FindAllStringSubmatch(page, -1) {
		switch {
		case found[1] != "":
			shown.WriteString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(strings.Replace(found[1], "</span>", ":", 1), "") + "\n")
		case found[2] != "":
			shown.WriteString(found[2] + ": " + found[3] + "\n")
		default:
			shown.WriteString("✗ " + found[4] + "\n")
		}
	}
	return html.UnescapeString(shown.String())
}

// same is text without what differs from run to run.
func (b *bench) same(text, namespace string) string {
	text = strings.NewReplacer(b.grantor.Issuer, "https://auth.example.com", namespace+"-other", "platform", namespace, "team-a").Replace(text)
	text = regexp.MustCompile(`\d{4}-\d{2}-\d{2}T[0-9:.]+Z`).ReplaceAllString(text, "2026-06-01T12:00:00Z")
	return regexp.MustCompile(`\b1[789]\d{8}\b`).ReplaceAllString(text, "1780315200")
}
