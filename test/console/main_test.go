package console

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/test/harness"
)

// What all tests of this package share: starting it takes most of their time.
var (
	site    harness.Site
	grantor *harness.Grantor
	chrome  *browser
)

func TestMain(m *testing.M) {
	os.Exit(harness.Main("console", raceEnabled, func(ctx context.Context, s harness.Site) (code int, err error) {
		site = s
		if err := install(ctx); err != nil {
			return 0, err
		}
		if grantor, err = harness.StartGrantor(ctx, s.ControlPlane, s.Binary, s.Dir, 1); err != nil {
			return 0, err
		}
		defer grantor.Stop()
		if chrome, err = newBrowser(ctx, s.Dir); err != nil {
			return 0, err
		}
		defer chrome.Stop()
		if err := declareWorld(ctx); err != nil {
			return 0, err
		}
		return m.Run(), nil
	}))
}

// install gives the console the account and the role that the chart gives it.
func install(ctx context.Context) error {
	renderer, err := harness.Tool(ctx, "render-chart")
	if err != nil {
		return err
	}
	values, err := json.Marshal(map[string]any{"namespace": harness.Namespace, "values": map[string]any{
		"issuer": "https://grantor.example.com", "console": map[string]any{"enabled": true},
	}})
	if err != nil {
		return fmt.Errorf("write values: %w", err)
	}
	cmd := exec.CommandContext(ctx, renderer, filepath.Join(harness.ModuleRoot(), "charts", "grantor"))
	cmd.Stdin, cmd.Stderr = bytes.NewReader(values), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("render the chart: %w", err)
	}
	files := map[string]string{}
	if err := json.Unmarshal(out, &files); err != nil {
		return fmt.Errorf("read templates: %w", err)
	}
	var roles []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if strings.HasSuffix(name, "/rbac.yaml") {
			roles = append(roles, files[name])
		}
	}
	if len(roles) != 1 || !strings.Contains(roles[0], "name: grantor-console") {
		return errors.New("the chart has no role for the console")
	}
	apply := site.ControlPlane.Kubectl(ctx, "apply", "--server-side", "--force-conflicts", "-f", "-")
	apply.Stdin = strings.NewReader(roles[0])
	if out, err := apply.CombinedOutput(); err != nil {
		return fmt.Errorf("install the role: %w: %s", err, out)
	}
	return nil
}

// startConsole starts a console with the permissions of its account, and returns where its pages are.
func startConsole(ctx context.Context, name string, args ...string) (process *harness.Process, url string, err error) {
	kubeconfig, err := site.ControlPlane.KubeconfigFor(ctx, "grantor-console")
	if err != nil {
		return nil, "", err
	}
	pages, err := harness.FreeAddress(ctx)
	if err != nil {
		return nil, "", err
	}
	ops, err := harness.FreeAddress(ctx)
	if err != nil {
		return nil, "", err
	}
	args = append([]string{"console", "--kubeconfig", kubeconfig, "--namespace", harness.Namespace, "--listen", pages, "--metrics-interval", "1s", "--log-level", "debug"}, args...)
	process, err = harness.Start(ctx, site.Binary, site.Dir, name, ops, args...)
	if err != nil {
		return nil, "", err
	}
	if err := process.WaitReady(ctx); err != nil {
		process.Stop()
		return nil, "", err
	}
	return process, "http://" + pages, nil
}
