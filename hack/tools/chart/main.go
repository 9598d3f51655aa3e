// Command render-chart renders a Helm chart as `helm install` does, schema and all, with Helm's own packages: its engine
// without its client builds in a fraction of the time. It is a module of its own, so that what Helm depends on never
// reaches the product's.
//
// It reads {"namespace": …, "values": {…}} from standard input and writes what each template became, as one JSON object.
// --skip-schema-validation does what it does to helm. With --values-table, it describes the values of the chart in Markdown.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string, stdin io.Reader, stdout io.Writer) error {
	if len(args) == 0 {
		return errors.New("usage: render-chart CHART [--skip-schema-validation] < values.json")
	}
	if slices.Contains(args[1:], "--values-table") {
		return writeTable(filepath.Join(args[0], "values.yaml"), stdout)
	}
	var in struct {
		Namespace string
		Values    map[string]any
	}
	if err := json.NewDecoder(stdin).Decode(&in); err != nil {
		return fmt.Errorf("read standard input: %w", err)
	}
	chart, err := loader.Load(args[0])
	if err != nil {
		return fmt.Errorf("load chart: %w", err)
	}
	if err := chart.Validate(); err != nil {
		return fmt.Errorf("load chart: %w", err)
	}
	release := common.ReleaseOptions{Name: "grantor", Namespace: in.Namespace, Revision: 1, IsInstall: true}
	skip := slices.Contains(args[1:], "--skip-schema-validation")
	values, err := util.ToRenderValuesWithSchemaValidation(chart, in.Values, release, common.DefaultCapabilities, skip)
	if err != nil {
		return err
	}
	out, err := engine.Render(chart, values)
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(out)
}
