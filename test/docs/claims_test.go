package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/test/harness"
)

// TestLinks: every relative link leads to a file.
func TestLinks(t *testing.T) {
	root := harness.ModuleRoot()
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	for _, page := range pages(t, root) {
		text := read(t, filepath.Join(root, page))
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s links to %s: %v", page, m[1], err)
			}
		}
	}
}

// TestAuditLogPage: the page of the audit log names every field that the code writes, and no other. What slog adds to each
// line is time, level and msg. The peer is that of a warning, which is no record of a request.
func TestAuditLogPage(t *testing.T) {
	root := harness.ModuleRoot()
	code := read(t, filepath.Join(root, "tokenserver", "audit.go"))
	written := map[string]bool{"time": true, "level": true, "msg": true}
	for _, m := range regexp.MustCompile(`(?:add|slog\.\w+)\("([a-z_]+)"`).FindAllStringSubmatch(code, -1) {
		written[m[1]] = true
	}
	if len(written) < 25 {
		t.Errorf("only %d fields are found in the code", len(written))
	}
	delete(written, "peer")
	named := map[string]bool{}
	page := read(t, filepath.Join(root, "docs", "reference", "audit-log.md"))
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllStringSubmatch(page, -1) {
		named[m[1]] = true
	}
	if diff := cmp.Diff(written, named); diff != "" {
		t.Errorf("docs/reference/audit-log.md (-written +named):\n%s", diff)
	}
}

// TestWorkloadsPage: the page about the agent names every metric of it.
func TestWorkloadsPage(t *testing.T) {
	root := harness.ModuleRoot()
	page := read(t, filepath.Join(root, "docs", "workloads.md"))
	found := regexp.MustCompile(`"(grantor_agent_[a-z_]+)"`).FindAllStringSubmatch(read(t, filepath.Join(root, "internal", "agent", "metrics.go")), -1)
	if len(found) < 5 {
		t.Errorf("only %d metrics found", len(found))
	}
	for _, m := range found {
		if !strings.Contains(page, "`"+m[1]) {
			t.Errorf("docs/workloads.md does not name the metric %s", m[1])
		}
	}
}

// TestFlags: every flag that a page names is one of a command of ours, or of the few of others that pages speak of.
func TestFlags(t *testing.T) {
	root := harness.ModuleRoot()
	ours := map[string]bool{"data-urlencode": true, "enable-feature": true, "set": true, "take-ownership": true}
	for _, m := range regexp.MustCompile(`--([a-z0-9-]+)`).FindAllStringSubmatch(read(t, filepath.Join(root, "docs", "reference", "cli.md")), -1) {
		ours[m[1]] = true
	}
	named := 0
	for page, text := range tree(t, filepath.Join(root, "docs")) {
		if filepath.Ext(page) != ".md" {
			continue
		}
		for _, m := range regexp.MustCompile("`--([a-z0-9-]+)").FindAllStringSubmatch(text, -1) {
			named++
			if !ours[m[1]] {
				t.Errorf("docs/%s names --%s, which no command has", page, m[1])
			}
		}
	}
	if named < 50 {
		t.Errorf("only %d flags are found", named)
	}
}

// TestSubjectsOfTrustDomains: a provider of SPIFFE without a prefix is shown with the rule alone that holds it to its trust domain,
// slash included: another provider could mint its subjects.
func TestSubjectsOfTrustDomains(t *testing.T) {
	rule := regexp.MustCompile(`^claims\.sub\.startsWith\('spiffe://[a-z.]+/'\)$`)
	shown := 0
	for _, d := range documents(t) {
		var p v1alpha1.IdentityProvider
		if err := yaml.Unmarshal([]byte(d.text), &p); d.is != isObject || err != nil || p.Spec.Profile != v1alpha1.ProfileSPIFFE {
			continue
		}
		if p.Spec.Subject == nil || p.Spec.Subject.Prefix == nil {
			continue
		}
		shown++
		if !slices.ContainsFunc(p.Spec.ClaimValidationRules, func(r v1alpha1.ClaimValidationRule) bool { return rule.MatchString(r.Expression) }) {
			t.Errorf("%s: no rule for the trust domain:\n%s", d.page, d.text)
		}
	}
	if shown == 0 {
		t.Error("no page shows it")
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
