package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"syscall"
)

// attempt is one fetch under way.
type attempt struct {
	fetcher *Fetcher
	url     *url.URL
	host    string

	// How far it got. net/http calls back from goroutines of its own.
	mu        sync.Mutex
	refused   bool
	connected bool
	tlsErr    error
}

// traced makes net/http note how far the attempt got: its errors do not say.
func (a *attempt) traced(ctx context.Context) context.Context {
	note := func(change func()) {
		a.mu.Lock()
		defer a.mu.Unlock()
		change()
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:          func(string) { note(func() { a.refused, a.connected, a.tlsErr = false, false, nil }) },
		TLSHandshakeDone: func(_ tls.ConnectionState, err error) { note(func() { a.tlsErr = err }) },
		GotConn:          func(httptrace.GotConnInfo) { note(func() { a.connected = true }) },
	})
}

// dial makes a connection that does not outlive ctx.
func (a *attempt) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("split address: %w", err)
	}
	d := net.Dialer{KeepAlive: -1, Resolver: a.fetcher.resolver, ControlContext: a.checkAddress}
	conn, err := d.DialContext(ctx, network, net.JoinHostPort(absolute(host), port))
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	return conn, nil
}

// absolute keeps the search domains of the pod away from public names: with them a Service a in a namespace com is asked
// for a.com first. Names of the cluster need them.
func absolute(host string) string {
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	if _, err := netip.ParseAddr(host); err == nil || isInternal(name) {
		return host
	}
	return name + "."
}

// checkAddress is asked with each address that a name resolved to, after the last look-up and before the first packet: no
// other answer of the DNS can follow.
func (a *attempt) checkAddress(_ context.Context, _, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err == nil && a.fetcher.policy.permits(to.Addr()) {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refused = true
	// explain makes the message: package net reports the error of the first address only.
	return errors.New("the address is not public")
}
