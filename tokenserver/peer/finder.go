package peer

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// The headers in which proxies name those for whom they speak.
const (
	HeaderXForwardedFor = "X-Forwarded-For"
	HeaderForwarded     = "Forwarded" // RFC 7239
)

// maxHops bounds how far a request is followed back.
const maxHops = 32

// maxNodeBytes bounds the text of one address: the longest IPv6 address with brackets and port is shorter.
const maxNodeBytes = 64

// Finder finds addresses. It is immutable and safe for concurrent use. The zero value trusts no proxy.
type Finder struct {
	proxies []netip.Prefix
	header  string
}

// NewFinder returns a finder that believes the proxies of some networks, and them only in one header: a proxy that writes
// one of the two passes on the other as its caller sent it.
func NewFinder(proxies []netip.Prefix, header string) (*Finder, error) {
	if header != HeaderXForwardedFor && header != HeaderForwarded {
		return nil, fmt.Errorf("header %q of proxies is unknown: use %s or %s", header, HeaderXForwardedFor, HeaderForwarded)
	}
	for _, p := range proxies {
		if !p.IsValid() || p.Bits() == 0 || p.Addr().Is4In6() {
			return nil, fmt.Errorf("network %s of trusted proxies is none, or that of everybody: name the addresses of your proxies, such as 10.0.0.7/32", p)
		}
	}
	return &Finder{proxies: slices.Clone(proxies), header: header}, nil
}

// Address is where a request comes from.
type Address struct {
	// Caller is who asks; it is not valid where the connection has no address.
	Caller netip.Addr
	// Proxy is the trusted proxy that speaks for the caller; it is not valid where there is none.
	Proxy netip.Addr
	// Unheard says that somebody who is no trusted proxy claims to speak for another.
	Unheard bool
	// UntrustedClaim is for whom he claims to speak by X-Forwarded-For, where no proxy is trusted at all; it is not valid where
	// that is not known. It tells callers apart behind a proxy that nobody has named, and must never be taken for where a
	// request comes from.
	UntrustedClaim netip.Addr
}

// Find returns where a request comes from.
func (f *Finder) Find(r *http.Request) Address {
	peer := connected(r.RemoteAddr)
	if !f.trusts(peer) {
		return f.unheard(peer, r.Header)
	}
	return Address{Caller: f.follow(peer, r.Header.Values(f.header)), Proxy: peer}
}

// unheard is the address of who is no trusted proxy.
func (f *Finder) unheard(peer netip.Addr, h http.Header) Address {
	forwardedFor := h.Values(HeaderXForwardedFor)
	a := Address{Caller: peer, Unheard: len(forwardedFor)+len(h.Values(HeaderForwarded)) > 0}
	if len(f.proxies) == 0 {
		// The last that a proxy has appended is its own word. The zero value trusts nobody, so it goes no further.
		a.UntrustedClaim = (&Finder{header: HeaderXForwardedFor}).follow(netip.Addr{}, forwardedFor)
	}
	return a
}

// connected is the address of the other end of a connection.
func connected(remote string) netip.Addr {
	if a, err := netip.ParseAddrPort(remote); err == nil {
		return a.Addr().Unmap()
	}
	return netip.Addr{}
}

func (f *Finder) trusts(a netip.Addr) bool {
	a = a.WithZone("")
	return slices.ContainsFunc(f.proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// follow goes back from a trusted proxy: each says who was connected to it, and is believed. It ends at who is not trusted,
// or at the last address that is known where a proxy wrote none.
func (f *Finder) follow(hop netip.Addr, lines []string) netip.Addr {
	hops := 0
	for _, line := range slices.Backward(lines) {
		nodes, ok := f.nodes(line)
		if !ok {
			return hop
		}
		for _, node := range slices.Backward(nodes) {
			a, ok := parseNode(node)
			if hops++; !ok || hops > maxHops {
				return hop
			}
			if hop = a; !f.trusts(a) {
				return a
			}
		}
	}
	return hop
}

func (f *Finder) nodes(line string) ([]string, bool) {
	if f.header == HeaderForwarded {
		return forwardedFor(line)
	}
	return strings.Split(line, ","), true
}

// parseNode reads an address as proxies write it: with or without port, and IPv6 with or without brackets.
func parseNode(s string) (netip.Addr, bool) {
	if s = strings.Trim(s, " \t"); len(s) > maxNodeBytes {
		return netip.Addr{}, false
	}
	if inner, ok := strings.CutPrefix(s, "["); ok {
		if bare, ok := strings.CutSuffix(inner, "]"); ok {
			s = bare
		}
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		withPort, err := netip.ParseAddrPort(s)
		if err != nil {
			return netip.Addr{}, false
		}
		a = withPort.Addr()
	}
	return a.Unmap().WithZone(""), true // A zone is a name of the proxy's own, and any text.
}
