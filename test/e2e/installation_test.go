package e2e

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/harness"
)

const (
	// namespace is where Grantor is installed, and serviceHost the name of its Service in the cluster.
	namespace   = "grantor-system"
	serviceHost = "grantor-tokenserver." + namespace + ".svc.cluster.local"
	issuer      = "https://" + serviceHost
	// timeout is how long one command may take, a rollout among them.
	timeout = 3 * time.Minute
)

// images are the archives' names, which the cluster has been given, and the folder with the chart that goes with the previous.
type images struct{ grantor, previous, previousChart, workload, valkey string }

// installation is the cluster, and Grantor in it.
type installation struct {
	t      *testing.T
	images images
	// ca is the certificate that signed the endpoint's.
	ca *x509.Certificate
	// old says that the previous chart and program are there, sharing that token servers share their state, and narrowed that
	// one namespace is served.
	old, sharing, narrowed bool
	// more are values for a while.
	more []string
}

// in is the same for a part of the test.
func (i *installation) in(t *testing.T) *installation {
	t.Helper()
	copied := *i
	copied.t = t
	return &copied
}

func environment(t *testing.T) images {
	t.Helper()
	names := images{}
	for name, value := range map[string]*string{
		"KUBECONFIG": new(string), "GRANTOR_IMAGE": &names.grantor, "GRANTOR_PREVIOUS_IMAGE": &names.previous, "GRANTOR_PREVIOUS_CHART": &names.previousChart,
		"WORKLOAD_IMAGE": &names.workload, "VALKEY_IMAGE": &names.valkey,
	} {
		if *value = os.Getenv(name); *value == "" {
			t.Fatalf("%s is not set: run make test-e2e", name)
		}
	}
	return names
}

// try runs a command and returns what it prints, also where it fails.
func try(ctx context.Context, input string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...) // #nosec G204 -- kubectl and helm
	cmd.Stdin = strings.NewReader(input)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s: %w: %s%s", strings.Join(args, " "), err, out.Bytes(), problems.Bytes())
	}
	return out.String(), nil
}

// run runs a command, which must succeed.
func (i *installation) run(args ...string) string {
	i.t.Helper()
	out, err := try(i.t.Context(), "", args...)
	if err != nil {
		i.t.Fatal(err)
	}
	return out
}

func (i *installation) kubectl(args ...string) string {
	i.t.Helper()
	return i.run(append([]string{"kubectl"}, args...)...)
}

// apply applies a file of testdata in a namespace, with names for what it leaves open.
func (i *installation) apply(in, file string, more ...string) {
	i.t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		i.t.Fatal(err)
	}
	names := append([]string{
		"CLUSTER_ISSUER", i.clusterIssuer(), "ISSUER", issuer, "WORKLOAD_IMAGE", i.images.workload, "VALKEY_IMAGE", i.images.valkey,
	}, more...)
	if _, err := try(i.t.Context(), strings.NewReplacer(names...).Replace(string(text)), "kubectl", "apply", "-n", in, "-f", "-"); err != nil {
		i.t.Fatal(err)
	}
}

// namespaceOf makes a namespace, and waits until pods can be made there.
func (i *installation) namespaceOf(name string) {
	i.t.Helper()
	i.kubectl("create", "namespace", name)
	i.eventually(30*time.Second, func() error {
		_, err := try(i.t.Context(), "", "kubectl", "-n", name, "get", "serviceaccount", "default")
		return err
	})
}

func (i *installation) eventually(limit time.Duration, check func() error) {
	i.t.Helper()
	if err := harness.Poll(i.t.Context(), limit, check); err != nil {
		i.t.Fatal(err)
	}
}

// values are what the chart is installed with.
func (i *installation) values() []string {
	image := i.images.grantor
	if i.old {
		image = i.images.previous
	}
	repository, tag, _ := strings.Cut(image, ":")
	set := []string{
		"--set", "issuer=" + issuer, "--set", "image.repository=" + repository, "--set", "image.tag=" + tag, "--set", "image.pullPolicy=Never",
		"--set", "tokenServer.tls.secretName=endpoint", "--set", "tokenServer.service.port=443",
	}
	if i.sharing {
		set = append(set, "--set", "operator.replicas=2", "--set", "tokenServer.replicas=3", "--set", "tokenServer.valkey.addresses={valkey.state.svc.cluster.local:6379}")
	}
	if i.narrowed {
		set = append(set, "--set", "watchNamespaces={shop}", "--set", "metrics.accessReview=false")
	}
	for _, value := range i.more {
		set = append(set, "--set", value)
	}
	return set
}

func (i *installation) helm(verb string) {
	i.t.Helper()
	chart := filepath.Join(harness.ModuleRoot(), "charts", "grantor")
	if i.old {
		chart = i.images.previousChart
	}
	i.run(append([]string{"helm", verb, "grantor", chart, "--namespace", namespace, "--wait", "--timeout", "150s"}, i.values()...)...)
}

// certify makes the certificate of the endpoint, and gives it to the endpoint and its authority to a namespace.
func (i *installation) certify() {
	i.t.Helper()
	dir := i.t.TempDir()
	authority, authorityKey := i.certificate(nil, nil)
	leaf, key := i.certificate(authority, authorityKey)
	i.ca = authority
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		i.t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"ca.crt": {Type: "CERTIFICATE", Bytes: authority.Raw}, "tls.crt": {Type: "CERTIFICATE", Bytes: leaf.Raw}, "tls.key": {Type: "PRIVATE KEY", Bytes: der},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			i.t.Fatal(err)
		}
	}
	i.kubectl("-n", namespace, "create", "secret", "tls", "endpoint", "--cert", filepath.Join(dir, "tls.crt"), "--key", filepath.Join(dir, "tls.key"))
	i.kubectl("-n", "shop", "create", "configmap", "ca", "--from-file", filepath.Join(dir, "ca.crt"))
}

// certificate makes one for the endpoint, or an authority if there is none yet.
func (i *installation) certificate(signer *x509.Certificate, by *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	i.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		i.t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		Subject: pkix.Name{CommonName: "test"}, BasicConstraintsValid: true,
	}
	if signer == nil {
		signer, by = c, key
		c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign
	} else {
		c.DNSNames, c.KeyUsage, c.ExtKeyUsage = []string{serviceHost}, x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, signer, key.Public(), by)
	if err != nil {
		i.t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		i.t.Fatal(err)
	}
	return parsed, key
}

// wholeTruth prints what is going on in the cluster, for who reads about a failure.
func wholeTruth(ctx context.Context) string {
	var text strings.Builder
	for _, args := range [][]string{
		{"get", "pods", "--all-namespaces", "-o", "wide"},
		{"get", "events", "--all-namespaces", "--sort-by=.lastTimestamp"},
		{"get", "identityproviders,oauthclients", "--all-namespaces", "-o", "yaml"},
		{"-n", namespace, "logs", "-l", "app.kubernetes.io/name=grantor", "--prefix", "--tail=40"},
	} {
		out, err := try(ctx, "", append([]string{"kubectl"}, args...)...)
		if err != nil {
			out = errors.Join(errors.New("no answer"), err).Error()
		}
		fmt.Fprintf(&text, "--- kubectl %s\n%s\n", strings.Join(args, " "), out)
	}
	return text.String()
}
