package chart

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/grantor-dev/grantor/test/harness"
)

// foreign are the kinds of others that the chart makes objects of, as they define them: the API server judges those objects as it
// would where the others are installed.
var foreign = []struct {
	module harness.Module
	files  []string
}{
	{
		harness.Module{Path: "sigs.k8s.io/gateway-api", Version: "v1.6.3", Sum: "h1:lKpJa5bGlraC/QeACvCpsHLdmO6y0iKfzVl6gzaFEYc="},
		[]string{"config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"},
	},
	{
		harness.Module{Path: "github.com/cert-manager/cert-manager", Version: "v1.21.2", Sum: "h1:UWgoYM+KLNtRlqmoWOKjKBOBUPVHeepQ6/ac3ERJW68="},
		[]string{"deploy/crds/cert-manager.io_certificates.yaml"},
	},
	{
		harness.Module{Path: "github.com/prometheus-operator/prometheus-operator", Version: "v0.85.0", Sum: "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s="},
		[]string{
			"example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
			"example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
		},
	},
}

// defineForeign has the API server know those kinds.
func defineForeign(ctx context.Context) error {
	for _, f := range foreign {
		folder, err := f.module.Folder(ctx)
		if err != nil {
			return err
		}
		for _, file := range f.files {
			definition := filepath.Join(folder, file)
			if out, err := cluster.Kubectl(ctx, "apply", "--server-side", "-f", definition).CombinedOutput(); err != nil {
				return fmt.Errorf("define the kinds of %s: %w\n%s", file, err, out)
			}
			if out, err := cluster.Kubectl(ctx, "wait", "--for=condition=Established", "--timeout=60s", "-f", definition).CombinedOutput(); err != nil {
				return fmt.Errorf("wait for the kinds of %s: %w\n%s", file, err, out)
			}
		}
	}
	return nil
}

// TestForeignKindsAreJudged: a mistake in an object of another's kind is found as one in our own is.
func TestForeignKindsAreJudged(t *testing.T) {
	for kind, text := range map[string]string{
		"HTTPRoute":      "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: x, namespace: default}\nspec: {hostnames: [\"not a host\"]}\n",
		"Certificate":    "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: x, namespace: default}\nspec: {dnsNames: [a.test]}\n",
		"ServiceMonitor": "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: {name: x, namespace: default}\nspec: {selector: {}, endpoints: [{interval: soon}]}\n",
		"PrometheusRule": "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: x, namespace: default}\nspec: {groups: [{rules: []}]}\n",
	} {
		if out, err := dryRun(t, text); err == nil {
			t.Errorf("a wrong %s is taken: %s", kind, out)
		}
	}
}
