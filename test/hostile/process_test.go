package hostile

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/harness"
)

// serverOptions say how a server differs from the usual one.
type serverOptions struct {
	// issuerPath is what follows the host in the issuer.
	issuerPath string
	// flags are added to the command line.
	flags []string
	// objects replace the usual manifests.
	objects []object
	// certificate makes the server speak TLS with it.
	certificate *serverCertificate
	// peer is a server whose issuer and manifests this one has too.
	peer *server
}

// server is a process of the binary.
type server struct {
	public, ops string // host and port
	scheme      string
	roots       *x509.CertPool // of the server's certificate
	issuer      string
	manifests   string // the folder
	log         *logFile
	readySince  time.Time

	flags  []string
	cmd    *exec.Cmd
	exited chan struct{}
}

// startServer starts the binary and waits until it is ready. It ends with the test.
func startServer(t *testing.T, o serverOptions) *server {
	t.Helper()
	s := &server{manifests: t.TempDir(), flags: o.flags, scheme: "http"}
	if o.certificate != nil {
		s.scheme, s.roots = "https", o.certificate.roots
		s.flags = append(s.flags, "--tls-cert-file", o.certificate.file, "--tls-key-file", o.certificate.keyFile)
	}
	s.log = &logFile{path: filepath.Join(t.TempDir(), "log")}
	s.public, s.ops = freeAddress(t), freeAddress(t)
	s.issuer = s.scheme + "://" + s.public + o.issuerPath
	if o.peer != nil {
		s.issuer, s.manifests = o.peer.issuer, o.peer.manifests
		s.start(t)
		return s
	}
	objects := o.objects
	if objects == nil {
		objects = usualObjects(s.issuer + "/oauth2/token")
	}
	s.write(t, objects)
	s.start(t)
	return s
}

func freeAddress(t *testing.T) string {
	t.Helper()
	address, err := harness.FreeAddress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// start runs the process and waits until it is ready.
func (s *server) start(t *testing.T) {
	t.Helper()
	if err := s.launch(t); err != nil {
		t.Fatal(err)
	}
	deadline := time.After(time.Minute)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !s.ready(t.Context()) {
		select {
		case <-s.exited:
			t.Fatalf("the server has ended: %s", s.log.all(t))
		case <-deadline:
			t.Fatalf("the server is not ready after a minute: %s", s.log.all(t))
		case <-tick.C:
		}
	}
	s.readySince = time.Now()
}

func (s *server) launch(t *testing.T) error {
	t.Helper()
	out, err := os.OpenFile(s.log.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	defer func() { _ = out.Close() }() // the process has its own descriptor
	args := []string{
		"standalone", "--manifests", s.manifests, "--issuer", s.issuer, "--listen", s.public, "--ops-listen", s.ops,
		"--drain", "0s", "--log-level", "debug", "--auth-failure-burst", "0", // all rows come from one address
	}
	s.cmd = exec.CommandContext(t.Context(), binary, append(args, s.flags...)...) // killed when the test ends
	s.cmd.Stdout, s.cmd.Stderr = out, out
	s.cmd.Env = append(os.Environ(), "GORACE=halt_on_error=0")
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	exited := make(chan struct{})
	s.exited = exited
	cmd := s.cmd
	go func() {
		_ = cmd.Wait()
		close(exited)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-exited
	})
	return nil
}

// kill ends the process as a crash does.
func (s *server) kill(t *testing.T) {
	t.Helper()
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-s.exited
}

func (s *server) alive() bool {
	select {
	case <-s.exited:
		return false
	default:
		return true
	}
}

func (s *server) ready(ctx context.Context) bool {
	status, _, err := s.opsGet(ctx, "/readyz")
	return err == nil && status == http.StatusOK
}

// opsGet reads a page of the port for operations.
func (s *server) opsGet(ctx context.Context, path string) (status int, body string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.ops+path, http.NoBody)
	if err != nil {
		return 0, "", fmt.Errorf("make request: %w", err)
	}
	r.Close = true
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", fmt.Errorf("get %s: %w", path, err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), err
}

// metrics returns the samples of /metrics by name with labels.
func (s *server) metrics(t *testing.T) map[string]float64 {
	t.Helper()
	_, text, err := s.opsGet(t.Context(), "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	samples := map[string]float64{}
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "} ")
		if ok {
			name += "}"
		} else if name, value, ok = strings.Cut(strings.TrimSpace(line), " "); !ok || name == "#" {
			continue
		}
		if f, err := strconv.ParseFloat(value, 64); err == nil {
			samples[name] = f
		}
	}
	return samples
}

// proc reads a file of the process in /proc.
func (s *server) proc(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile("/proc/" + strconv.Itoa(s.cmd.Process.Pid) + "/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// rss is the memory that the process holds, in bytes.
func (s *server) rss(t *testing.T) int64 {
	t.Helper()
	return procNumber(t, s.proc(t, "status"), "VmRSS:") << 10
}

// bytesRead is how much the process has read so far, from files and connections.
func (s *server) bytesRead(t *testing.T) int64 {
	t.Helper()
	return procNumber(t, s.proc(t, "io"), "rchar:")
}

// cpu is the processor time that the process has used.
func (s *server) cpu(t *testing.T) time.Duration {
	t.Helper()
	text := s.proc(t, "stat")
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	var ticks int64
	for _, f := range fields[11:13] { // user and system time, in hundredths of a second
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

func procNumber(t *testing.T, text, name string) int64 {
	t.Helper()
	_, rest, _ := strings.Cut(text, name)
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		t.Fatalf("no %s in /proc", name)
	}
	n, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// refusal runs the binary with manifests that it must not accept and returns what it says.
func refusal(t *testing.T, objects []object) string {
	t.Helper()
	s := &server{manifests: t.TempDir()}
	s.write(t, objects)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "standalone", "--manifests", s.manifests, "--issuer", "http://127.0.0.1:1",
		"--listen", freeAddress(t), "--ops-listen", freeAddress(t))
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Fatalf("the server accepts the manifests or dies of them: %v\n%s", err, out)
	}
	return string(bytes.TrimSpace(out))
}

// await waits until the time has come.
func await(t *testing.T, at time.Time) {
	t.Helper()
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
		t.Fatal("the test has ended")
	}
}

// eventually tries until the attempt succeeds or the time is over.
func eventually(t *testing.T, within time.Duration, what string, attempt func() bool) {
	t.Helper()
	for took := stalls.Stopwatch(); !attempt(); {
		if took() > within {
			t.Fatalf("not within %s: %s", within, what)
		}
		await(t, time.Now().Add(50*time.Millisecond))
	}
}
