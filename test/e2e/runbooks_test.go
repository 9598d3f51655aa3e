package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/grantor-dev/grantor/test/harness"
)

var (
	// runbookBlock is for somebody who was called by an alert. Words in capitals stand for names.
	runbookBlock = regexp.MustCompile("(?s)```sh runbook\n(.*?)```\n")
	// ofCluster is a command for this test. Those of other programs are run by test/docs, queries by test/monitoring.
	ofCluster = regexp.MustCompile(`^kubectl `)
)

// runbooks runs what the pages about alerts say to look at, where nothing is wrong: each command finds what it asks for. That grep
// finds nothing is no failure.
func (i *installation) runbooks() {
	i.t.Helper()
	pages, err := filepath.Glob(filepath.Join(harness.ModuleRoot(), "docs", "runbooks", "Grantor*.md"))
	if err != nil {
		i.t.Fatal(err)
	}
	pod := strings.Fields(i.kubectl("-n", namespace, "get", "pods", "-l", "app.kubernetes.io/component=tokenserver", "-o", "name"))[0]
	names := strings.NewReplacer(
		" POD ", " "+pod+" ", "-n NAMESPACE get secret SECRET ", "-n team-a get secret partner-cert ", " SECRET ", " endpoint ",
		" NAMESPACE ", " team-a ", " NAME", " partner",
	)
	ran := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			i.t.Fatal(err)
		}
		for _, block := range runbookBlock.FindAllStringSubmatch(string(text), -1) {
			for line := range strings.Lines(block[1]) {
				if !ofCluster.MatchString(line) {
					continue
				}
				ran++
				// What counts is the first command of a pipe; can-i says no by a status.
				out, err := try(i.t.Context(), names.Replace(line)+"\nexit ${PIPESTATUS[0]}\n", "bash", "-u", "-s")
				if err != nil && (!strings.Contains(line, "auth can-i") || strings.TrimSpace(out) != "no") {
					i.t.Errorf("%s: %s%v", filepath.Base(page), line, err)
				}
			}
		}
	}
	if ran < 20 {
		i.t.Errorf("only %d commands are found", ran)
	}
}

// stolenKey does what the page about keys says: the old keys are gone for good, and all goes on with new ones.
func (i *installation) stolenKey() {
	i.t.Helper()
	page, err := os.ReadFile(filepath.Join(harness.ModuleRoot(), "docs", "keys.md"))
	if err != nil {
		i.t.Fatal(err)
	}
	blocks := helmBlock.FindAllStringSubmatch(string(page), -1)
	if len(blocks) != 1 {
		i.t.Fatalf("%d blocks", len(blocks))
	}
	server := i.forward("service/grantor-tokenserver", "443")
	keys := func() (kids []string) {
		var set struct{ Keys []struct{ Kid string } }
		server.get("/oauth2/jwks", &set)
		for _, k := range set.Keys {
			kids = append(kids, k.Kid)
		}
		return kids
	}
	before := keys()
	if _, err := try(i.t.Context(), blocks[0][1], "bash", "-eu", "-s"); err != nil {
		i.t.Fatal(err)
	}
	i.rolledOut("grantor-operator")
	i.eventually(timeout, func() error { return apart(before, keys()) })
}

// apart is an error where two lists have something in common, or one is empty.
func apart(a, b []string) error {
	if len(a) == 0 || len(b) == 0 {
		return errors.New("there are no keys")
	}
	for _, one := range a {
		if slices.Contains(b, one) {
			return fmt.Errorf("key %s is still there", one)
		}
	}
	return nil
}
