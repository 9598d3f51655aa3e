package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

const configurationIntro = `# Configuration

<!-- Written by make generate from internal/app and hack/reference. -->

What is trusted is declared as [objects](api.md). What stands here is about the processes: flags, which value of
[the chart](../../charts/grantor/README.md) sets each, and the environment. There is no configuration file. A flag with a value
that makes no sense ends the process at its start, with a sentence that says why.

## Flags of the servers

` + "`o`" + ` is grantor operator, ` + "`t`" + ` grantor tokenserver, ` + "`s`" + ` grantor standalone. [Command line](cli.md) has all commands.

`

// servers are the commands that run until they are stopped, by the letter that the table has for them.
var servers = []struct{ letter, name string }{{"o", "operator"}, {"t", "tokenserver"}, {"s", "standalone"}} //nolint:gochecknoglobals // A table.

// flagRow is one flag of one or more servers.
type flagRow struct {
	name, form, standard, usage string
	of                          []string
}

// writeConfiguration writes the reference of what can be set.
func writeConfiguration(w io.Writer, root *cobra.Command) error {
	var b bytes.Buffer
	b.WriteString(configurationIntro)
	b.WriteString("| Flag | Of | Default | Value of the chart | Meaning |\n|---|---|---|---|---|\n")
	for _, r := range flagRows(root) {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", r.form, strings.Join(r.of, " "), r.standard, quoted(chartValues()[r.name]), r.usage)
	}
	b.WriteString("\nFlags without a value of the chart have the right value there, or one that need not be changed.\n")
	b.WriteString("\n## Environment\n\n| Variable | Read by | Meaning |\n|---|---|---|\n")
	for _, v := range environment() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", v.name, v.by, v.meaning)
	}
	_, err := w.Write(b.Bytes())
	return err
}

func flagRows(root *cobra.Command) []*flagRow {
	rows := map[string]*flagRow{}
	for _, s := range servers {
		c, _, err := root.Find([]string{s.name})
		if err != nil || c == root {
			continue
		}
		for _, f := range flagsOf(c) {
			if rows[f.Name] == nil {
				rows[f.Name] = &flagRow{name: f.Name, form: flagForm(f), standard: defaultOf(f), usage: cell(f.Usage)}
			}
			rows[f.Name].of = append(rows[f.Name].of, s.letter)
		}
	}
	var list []*flagRow
	for _, r := range rows {
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b *flagRow) int { return strings.Compare(a.name, b.name) })
	return list
}

func quoted(name string) string {
	if name == "" {
		return ""
	}
	return "`" + name + "`"
}

// chartValues says which value of the chart sets a flag. A test holds it against the chart's templates and values.
func chartValues() map[string]string {
	return map[string]string{
		"allow-insecure-key-urls":       "keys.allowInsecureURLs",
		"allow-key-fetch-from":          "keys.fetchFrom",
		"auth-failure-burst":            "tokenServer.authFailures.burst",
		"auth-failure-interval":         "tokenServer.authFailures.interval",
		"disable-grant":                 "grants",
		"drain":                         "tokenServer.drain",
		"import-signing-key":            "signingKeys.importSecret",
		"issuer":                        "issuer",
		"log-level":                     "logLevel",
		"max-trust-staleness":           "tokenServer.maxTrustStaleness",
		"remember-signatures":           "tokenServer.rememberedSignatures",
		"metrics-listen":                "metrics.access",
		"metrics-max-objects":           "metrics.maxObjects",
		"metrics-tls-cert-file":         "metrics.tls.secretName",
		"metrics-tls-key-file":          "metrics.tls.secretName",
		"signing-algorithm":             "signingKeys.algorithm",
		"signing-key-rotation":          "signingKeys.rotationInterval",
		"state":                         "tokenServer.valkey.addresses",
		"tenant-domain":                 "tokenServer.tenantDomains",
		"tls-cert-file":                 "tokenServer.tls.secretName",
		"tls-key-file":                  "tokenServer.tls.secretName",
		"trace-ca-file":                 "tokenServer.tracing.caSecret",
		"trace-continue":                "tokenServer.tracing.continue",
		"trace-endpoint":                "tokenServer.tracing.endpoint",
		"trace-sample-ratio":            "tokenServer.tracing.sampleRatio",
		"trusted-proxies":               "tokenServer.trustedProxies",
		"trusted-proxy-header":          "tokenServer.trustedProxyHeader",
		"valkey-address":                "tokenServer.valkey.addresses",
		"valkey-ca-file":                "tokenServer.valkey.tls.caSecret",
		"valkey-cert-file":              "tokenServer.valkey.tls.clientSecret",
		"valkey-cluster":                "tokenServer.valkey.cluster",
		"valkey-database":               "tokenServer.valkey.database",
		"valkey-key-file":               "tokenServer.valkey.tls.clientSecret",
		"valkey-password-file":          "tokenServer.valkey.passwordSecret",
		"valkey-prefix":                 "tokenServer.valkey.prefix",
		"valkey-sentinel-master":        "tokenServer.valkey.sentinelMaster",
		"valkey-sentinel-password-file": "tokenServer.valkey.sentinelPasswordSecret",
		"valkey-sentinel-username":      "tokenServer.valkey.sentinelUsername",
		"valkey-tls":                    "tokenServer.valkey.tls.enabled",
		"valkey-username":               "tokenServer.valkey.username",
		"watch-namespaces":              "watchNamespaces",
	}
}

// variable is one variable of the environment.
type variable struct{ name, by, meaning string }

// environment is what the program reads of it. A test holds it against the code.
func environment() []variable {
	return []variable{
		{"KUBECONFIG", "all that speak with a cluster", "the kubeconfig file, where `--kubeconfig` names none; it counts more than the credentials of a pod"},
		{"POD_NAME", "token server", "the name of this replica, and of its Lease; without it, the name of the host and something random"},
		{"POD_UID", "token server", "the UID of the pod, so that its Lease goes with it"},
		{"POD_NAMESPACE", "operator, token server", "the namespace of this release, where `--namespace` names none"},
		{"HTTPS_PROXY, HTTP_PROXY, NO_PROXY", "`grantor check`, `grantor exchange` and `grantor agent`; all that speak with a cluster, for its API server", "the proxy that is asked through. Key sets are fetched through none"},
		{"GOMEMLIMIT", "all, by the Go runtime", "memory at which the garbage collector works harder; the chart sets it to the limit of the container. A token server keeps a tenth of it free, and collects garbage less often (`GOGC=400`) as long as it is far from it"},
		{"GOGC", "all, by the Go runtime", "how much garbage may gather, in percent of what lives; 100 by default, 400 for a token server with `GOMEMLIMIT`"},
	}
}
