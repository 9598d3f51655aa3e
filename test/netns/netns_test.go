//go:build linux

package netns_test

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/netns"
)

// probeVariable makes the test binary do one thing outside of a namespace and exit.
const probeVariable = "GRANTOR_TEST_NETNS_PROBE"

func TestMain(m *testing.M) {
	switch os.Getenv(probeVariable) {
	case "add":
		if err := netns.AddAddress(netip.MustParsePrefix("192.0.2.1/32")); err != nil {
			_, _ = os.Stderr.WriteString(err.Error())
			os.Exit(3)
		}
		os.Exit(0)
	case "plain":
		os.Exit(m.Run())
	default:
		os.Exit(netns.Main(m))
	}
}

// Every family can be dialed once its address is there.
func TestAddAddress(t *testing.T) {
	netns.Require(t)
	for _, address := range []string{"169.254.169.254", "10.0.0.1", "5.5.5.5", "fd00:ec2::254", "64:ff9b::a00:1", "2a00::5"} {
		t.Run(address, func(t *testing.T) {
			addr := netip.MustParseAddr(address)
			for range 2 { // The second time is no error.
				if err := netns.AddAddress(netip.PrefixFrom(addr, addr.BitLen())); err != nil {
					t.Fatal(err)
				}
			}
			listener, err := listen(t, addr)
			if err != nil {
				t.Fatal(err)
			}
			conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(t.Context(), "tcp", listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			_ = conn.Close()
		})
	}
}

func listen(t *testing.T, addr netip.Addr) (net.Listener, error) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", netip.AddrPortFrom(addr, 0).String())
	if err == nil {
		t.Cleanup(func() { _ = listener.Close() })
	}
	return listener, err
}

func TestLoopbackIsUp(t *testing.T) {
	netns.Require(t)
	for _, address := range []string{"127.0.0.1", "::1"} {
		if _, err := listen(t, netip.MustParseAddr(address)); err != nil {
			t.Error(err)
		}
	}
}

func TestNothingElseIsReachable(t *testing.T) {
	netns.Require(t)
	for _, address := range []string{"8.8.4.4:53", "[2a00::ffff]:53"} {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", address)
		if !errors.Is(err, syscall.ENETUNREACH) && !errors.Is(err, syscall.EADDRNOTAVAIL) {
			t.Errorf("%s: %v", address, err)
		}
		if err == nil {
			_ = conn.Close()
		}
	}
}

func TestRefusedAddress(t *testing.T) {
	netns.Require(t)
	for _, p := range []netip.Prefix{{}, netip.MustParsePrefix("fe80::5/128")} {
		if err := netns.AddAddress(p); err == nil {
			t.Errorf("%s was accepted", p)
		}
	}
}

// A binary that did not call Main neither runs a test that requires it nor changes the addresses of the machine.
func TestOutside(t *testing.T) {
	if text, code := probe(t, "add", ""); code != 3 || !strings.Contains(text, "no namespace") {
		t.Errorf("AddAddress: exit %d: %s", code, text)
	}
	inner, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	for outer, say := range map[string]string{"": "no namespace", inner: "started in"} {
		if text, code := probe(t, "plain", outer, "-test.run=^TestLoopbackIsUp$"); code == 0 || !strings.Contains(text, say) {
			t.Errorf("Require: exit %d: %s", code, text)
		}
	}
}

// The exit code of the tests is that of the binary.
func TestExitCode(t *testing.T) {
	if text, code := probe(t, "", "", "-test.run=^TestLoopbackIsUp$"); code != 0 {
		t.Errorf("exit %d: %s", code, text)
	}
	if text, code := probe(t, "", "", "-test.run=("); code == 0 {
		t.Errorf("exit 0: %s", text)
	}
}

// probe runs this binary outside of the mechanism, though still in the namespace of the test.
func probe(t *testing.T, mode, outer string, args ...string) (string, int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), self, args...)
	command.Env = []string{probeVariable + "=" + mode, "GRANTOR_TEST_OUTER_NETNS=" + outer}
	text, err := command.CombinedOutput()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatalf("run %s: %v", self, err)
	}
	return string(text), command.ProcessState.ExitCode()
}
