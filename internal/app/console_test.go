package app

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// console runs the command with flags that would do, but for some that are changed.
func runConsole(t *testing.T, change ...string) (code int, said string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(file, []byte(kubeconfig), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	args := append([]string{"console", "--kubeconfig", file, "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"}, change...)
	code = Main(args, &stdout, &stderr)
	return code, stderr.String()
}

// TestConsoleRefusesFlags: a wrong value of any flag ends it at once, with the name of the flag and what is wrong.
func TestConsoleRefusesFlags(t *testing.T) {
	t.Setenv("POD_NAMESPACE", "")
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const url = "--metrics-url=https://pods.test:8443/metrics"
	for name, tc := range map[string]struct {
		args []string
		says string
	}{
		"a flag that is not":            {[]string{"--bogus"}, "unknown flag: --bogus"},
		"an argument":                   {[]string{"stray"}, `unknown command "stray"`},
		"log level":                     {[]string{"--log-level=loud"}, `--log-level "loud" is unknown: use debug, info, warn or error`},
		"kubeconfig":                    {[]string{"--kubeconfig=/nowhere/config"}, "read kubeconfig: stat /nowhere/config: no such file or directory"},
		"kubeconfig that is none":       {[]string{"--kubeconfig=" + empty}, "name a file with --kubeconfig"},
		"no namespace of its own":       {[]string{"--watch-namespaces=team-a"}, "set --namespace"},
		"namespace":                     {[]string{"--watch-namespaces=team-a", "--namespace=Team A"}, `--namespace: "Team A" is not the name of a namespace`},
		"namespaces":                    {[]string{"--watch-namespaces=*", "--namespace=auth"}, `--watch-namespaces: "*" is not the name of a namespace`},
		"no namespaces":                 {[]string{"--watch-namespaces=", "--namespace=auth"}, "--watch-namespaces: names no namespace"},
		"listen":                        {[]string{"--listen=8082"}, "--listen is no host:port"},
		"listen at no port":             {[]string{"--listen=127.0.0.1:pages"}, `--listen: "pages" is no number of a port`},
		"listen at a port too high":     {[]string{"--listen=127.0.0.1:65536"}, `--listen: "65536" is no number of a port`},
		"listen to everybody":           {[]string{"--listen=:8082"}, "--listen is not an address of loopback"},
		"listen by another name":        {[]string{"--listen=console.example.com:8082"}, "--listen is not an address of loopback"},
		"operations":                    {[]string{"--ops-listen=8081"}, "--ops-listen is no host:port"},
		"operations at no port":         {[]string{"--ops-listen=127.0.0.1:http"}, `--ops-listen: "http" is no number of a port`},
		"host with scheme":              {[]string{"--allowed-host=https://a.test"}, `--allowed-host: "https://a.test" is no name of a host`},
		"host with port":                {[]string{"--allowed-host=a.test:443"}, `--allowed-host: "a.test:443" is no name`},
		"any host":                      {[]string{"--allowed-host=*.test"}, `--allowed-host: "*.test" is no name`},
		"host in other letters":         {[]string{"--allowed-host=ä.test"}, "write others than ASCII as browsers send them"},
		"empty host":                    {[]string{"--allowed-host=a.test,"}, `--allowed-host: "" is no name`},
		"issuer":                        {[]string{"--issuer=auth.example.com"}, "--issuer: "},
		"grant":                         {[]string{"--disable-grant=password"}, `"password"`},
		"drain":                         {[]string{"--drain=-1s"}, "--drain must not be negative"},
		"drain without unit":            {[]string{"--drain=5"}, `invalid argument "5" for "--drain"`},
		"certificate alone":             {[]string{"--tls-cert-file=" + empty}, "--tls-cert-file and --tls-key-file belong together"},
		"key alone":                     {[]string{"--tls-key-file=" + empty}, "--tls-cert-file and --tls-key-file belong together"},
		"certificate that is not there": {[]string{"--tls-cert-file=/nowhere/crt", "--tls-key-file=" + empty}, "open /nowhere/crt"},
		"metrics":                       {[]string{"--metrics-url=pods.test:8443"}, `--metrics-url: "pods.test:8443" is no URL`},
		"token":                         {[]string{url, "--metrics-token-file=/nowhere/token"}, "--metrics-token-file: open /nowhere/token"},
		"authorities":                   {[]string{url, "--metrics-ca-file=/nowhere/ca"}, "--metrics-ca-file: open /nowhere/ca"},
		"authorities that are none":     {[]string{url, "--metrics-ca-file=" + empty}, "holds no certificate in PEM"},
		"name of token servers":         {[]string{url, "--metrics-server-name=a b"}, `--metrics-server-name: "a b" is no name of a host`},
		"whether to verify":             {[]string{url, "--metrics-insecure=perhaps"}, `invalid argument "perhaps" for "--metrics-insecure"`},
		"to verify and not to":          {[]string{url, "--metrics-insecure", "--metrics-server-name=a.test"}, "not both"},
		"too often":                     {[]string{"--metrics-interval=10ms"}, "--metrics-interval must be from 1s to 5m0s"},
		"too seldom":                    {[]string{"--metrics-interval=1h"}, "--metrics-interval must be from 1s to 5m0s"},
		"a token for nobody":            {[]string{"--metrics-token-file=" + empty}, "have a meaning only with --metrics-url"},
		"authorities of nobody":         {[]string{"--metrics-ca-file=" + empty}, "have a meaning only with --metrics-url"},
		"the name of nobody":            {[]string{"--metrics-server-name=a.test"}, "have a meaning only with --metrics-url"},
		"nobody not to verify":          {[]string{"--metrics-insecure"}, "have a meaning only with --metrics-url"},
	} {
		t.Run(name, func(t *testing.T) {
			if code, said := runConsole(t, tc.args...); code != 1 || !strings.Contains(said, tc.says) {
				t.Errorf("it ends with %d and %q, not with 1 and %q", code, said, tc.says)
			}
		})
	}
}

// TestConsoleEveryFlag: the test above leaves none out.
func TestConsoleEveryFlag(t *testing.T) {
	text, err := os.ReadFile("console_test.go")
	if err != nil {
		t.Fatal(err)
	}
	consoleCommand().Flags().VisitAll(func(f *pflag.Flag) {
		if !bytes.Contains(text, []byte(`"--`+f.Name+`=`)) {
			t.Errorf("no wrong value of --%s", f.Name)
		}
	})
}

// TestConsolePortTaken: the flag with the address is named.
func TestConsolePortTaken(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	address := l.Addr().String()
	for flag, says := range map[string]string{"--listen": "listen for pages: listen tcp " + address, "--ops-listen": "listen for operations: listen tcp " + address} {
		if code, said := runConsole(t, flag, address); code != 1 || !strings.Contains(said, says) || !strings.Contains(said, "address already in use: name another address with "+flag) {
			t.Errorf("%s: it ends with %d and %q", flag, code, said)
		}
	}
}

func TestConsoleHosts(t *testing.T) {
	f := consoleFlags{listen: ":8082", hosts: []string{"Console.Example.com", "192.0.2.7", "2001:db8::7", "xn--bcher-kva.example"}}
	hosts, err := f.allowedHosts()
	if want := "localhost 127.0.0.1 ::1 console.example.com 192.0.2.7 2001:db8::7 xn--bcher-kva.example"; err != nil || strings.Join(hosts, " ") != want {
		t.Errorf("%v, %v", hosts, err)
	}
}
