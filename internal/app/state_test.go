package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestStateFlags(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	garbage, empty, missing := file("garbage", "garbage"), file("empty", "\n"), filepath.Join(dir, "missing")
	const server = "--state=valkey --valkey-address=127.0.0.1:1 "
	for name, tc := range map[string]struct{ args, says string }{
		"memory":                       {"", ""},
		"memory, said":                 {"--state=memory", ""},
		"unknown":                      {"--state=redis", `--state "redis" is unknown: use memory or valkey`},
		"memory with an address":       {"--valkey-address=a:1", "--valkey-address needs --state valkey"},
		"memory with a prefix":         {"--state=memory --valkey-prefix=a", "--valkey-prefix needs --state valkey"},
		"no address":                   {"--state=valkey", "needs --valkey-address"},
		"wrong address":                {"--state=valkey --valkey-address=a", `"a" is not host:port`},
		"several addresses":            {"--state=valkey --valkey-address=a:1,b:1", "several addresses"},
		"CA without TLS":               {server + "--valkey-ca-file=" + garbage, "need --valkey-tls"},
		"certificate without TLS":      {server + "--valkey-cert-file=" + garbage, "need --valkey-tls"},
		"certificate without key":      {server + "--valkey-tls --valkey-cert-file=" + garbage, "go together"},
		"key without certificate":      {server + "--valkey-tls --valkey-key-file=" + garbage, "go together"},
		"CA that is none":              {server + "--valkey-tls --valkey-ca-file=" + garbage, "holds no certificate"},
		"CA that is not there":         {server + "--valkey-tls --valkey-ca-file=" + missing, "--valkey-ca-file"},
		"certificate that is none":     {server + "--valkey-tls --valkey-cert-file=" + garbage + " --valkey-key-file=" + garbage, "--valkey-cert-file"},
		"password that is not there":   {server + "--valkey-password-file=" + missing, "no such file"},
		"empty password":               {server + "--valkey-password-file=" + empty, "is empty"},
		"Sentinel password, no master": {server + "--valkey-sentinel-password-file=" + garbage, "name of their master"},
		"database of a Cluster":        {server + "--valkey-cluster --valkey-database=1", "database 0"},
	} {
		t.Run(name, func(t *testing.T) {
			var f stateFlags
			flags := pflag.NewFlagSet("", pflag.ContinueOnError)
			f.add(flags)
			if err := flags.Parse(strings.Fields(tc.args)); err != nil {
				t.Fatal(err)
			}
			s, err := f.open(t.Context(), slog.New(slog.DiscardHandler))
			switch {
			case tc.says == "" && err != nil, tc.says != "" && (err == nil || !strings.Contains(err.Error(), tc.says)):
				t.Errorf("got %v, want %q", err, tc.says)
			case tc.says == "" && (s.since.IsZero() || s.run != nil):
				t.Errorf("not the state of memory: %+v", s)
			}
		})
	}
}

func TestPasswordFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	read := passwordFrom(file)
	for _, text := range []string{"secret", "secret\n", "secret\r\n", " sec ret "} {
		want := strings.TrimRight(text, "\r\n")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := read(); err != nil || got != want {
			t.Errorf("%q is read as %q, %v", text, got, err)
		}
	}
	if passwordFrom("") != nil {
		t.Error("there is a password where there is no file")
	}
}
