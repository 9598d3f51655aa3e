package operator

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/netns"
)

// forbidden are addresses that no key may be fetched from with any configuration of these tests, a few of every kind.
func forbidden() []string {
	return []string{
		"127.0.0.1", "127.9.9.9", "169.254.169.254", "169.254.170.2", "10.0.0.1", "10.96.0.1", "172.31.0.1", "192.168.1.1", "100.100.100.200",
		"192.0.0.192", "168.63.129.16", "198.18.0.1", "240.0.0.1", "192.0.2.1", "203.0.113.1",
		"::1", "fd00:ec2::254", "fd20:ce::254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "2001::1", "2001:db8::1", "fec0::1", "::169.254.169.254",
	}
}

// forbiddenPorts are those that the listeners of forbidden addresses have; the last is that of the site.
func forbiddenPorts() []string { return []string{"80", "443", "10250", sitePort} }

// traps are listeners that nobody may reach.
type traps struct {
	listeners []net.Listener

	mu   sync.Mutex
	hits []string // the address that was dialed, then who did
}

func newTraps(t *testing.T) *traps {
	t.Helper()
	tr := &traps{}
	var done sync.WaitGroup
	for _, address := range forbidden() {
		assign(t, address)
		for _, port := range forbiddenPorts() {
			l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", net.JoinHostPort(address, port))
			if err != nil {
				t.Fatal(err)
			}
			tr.listeners = append(tr.listeners, l)
			done.Go(func() { tr.accept(l) })
		}
	}
	t.Cleanup(func() {
		for _, l := range tr.listeners {
			_ = l.Close()
		}
		done.Wait()
	})
	return tr
}

// accept answers like a metadata service, and notes who asked.
func (tr *traps) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		tr.mu.Lock()
		tr.hits = append(tr.hits, conn.LocalAddr().String()+" "+conn.RemoteAddr().String())
		tr.mu.Unlock()
		_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"))
		_ = conn.Close()
	}
}

// check fails when anybody was there.
func (tr *traps) check(t *testing.T) {
	t.Helper()
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if len(tr.hits) > 0 {
		t.Errorf("connections to forbidden addresses: %s", strings.Join(tr.hits, ", "))
		tr.hits = nil
	}
}

// checkWorking visits every trap itself, behind whoever may have come before: each must tell of this visit, and no other.
func (tr *traps) checkWorking(t *testing.T) {
	t.Helper()
	var own []string
	for _, l := range tr.listeners {
		conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		own = append(own, l.Addr().String()+" "+conn.LocalAddr().String())
		_ = conn.Close()
	}
	eventually(t, effect, func(context.Context) error {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		for _, hit := range own {
			if !slices.Contains(tr.hits, hit) {
				return &net.AddrError{Err: "a trap does not work", Addr: hit}
			}
		}
		return nil
	})
	tr.mu.Lock()
	tr.hits = slices.DeleteFunc(tr.hits, func(hit string) bool { return slices.Contains(own, hit) })
	tr.mu.Unlock()
	tr.check(t)
}

// assign gives loopback an address, unless it has it already.
func assign(t *testing.T, address string) {
	t.Helper()
	addr := netip.MustParseAddr(address)
	if addr.IsLoopback() {
		return
	}
	if err := netns.AddAddress(netip.PrefixFrom(addr, addr.BitLen())); err != nil {
		t.Fatal(err)
	}
}
