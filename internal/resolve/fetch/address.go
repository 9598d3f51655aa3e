package fetch

import (
	"net/netip"
	"slices"
)

// permits reports whether an address may be connected to.
func (p Policy) permits(addr netip.Addr) bool {
	if !addr.IsValid() {
		return false
	}
	// One with a zone is in no prefix, and so not permitted.
	addr = addr.Unmap() // ::ffff:10.0.0.1 is 10.0.0.1 to the kernel.
	return slices.ContainsFunc(p.AllowedNetworks, func(n netip.Prefix) bool { return n.Contains(addr) }) || isPublic(addr)
}

// isPublic reports whether an address is a global unicast address of the Internet. What IANA has not assigned to that use
// is not public.
func isPublic(addr netip.Addr) bool {
	if addr.Is6() && !netip.MustParsePrefix("2000::/3").Contains(addr) {
		return false // ::1, link-local, unique local, multicast, NAT64, IPv4-compatible and what comes to be (RFC 4291 §2.4)
	}
	for _, network := range specialNetworks() {
		if netip.MustParsePrefix(network).Contains(addr) {
			return false
		}
	}
	return true
}

// specialNetworks are the entries of the IANA special-purpose address registries (RFC 6890) that are not globally
// reachable or that lead to another address, without those outside of 2000::/3.
func specialNetworks() []string {
	return []string{
		"0.0.0.0/8",        // this network; Linux connects 0.0.0.0 to loopback
		"10.0.0.0/8",       // private
		"100.64.0.0/10",    // shared, for carrier-grade NAT; Alibaba Cloud's metadata service
		"127.0.0.0/8",      // loopback
		"168.63.129.16/32", // the host of every virtual machine of Azure, public in form only
		"169.254.0.0/16",   // link-local; metadata services
		"172.16.0.0/12",    // private
		"192.0.0.0/24",     // protocol assignments; Oracle Cloud's metadata service
		"192.0.2.0/24",     // documentation
		"192.88.99.0/24",   // 6to4 relays, deprecated
		"192.168.0.0/16",   // private
		"198.18.0.0/15",    // benchmarks
		"198.51.100.0/24",  // documentation
		"203.0.113.0/24",   // documentation
		"224.0.0.0/4",      // multicast
		"240.0.0.0/4",      // reserved, and broadcast
		"2001::/23",        // protocol assignments: Teredo, benchmarks, ORCHID
		"2001:db8::/32",    // documentation
		"2002::/16",        // 6to4, which holds an IPv4 address
		"3fff::/20",        // documentation
	}
}
