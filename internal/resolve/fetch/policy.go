package fetch

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Bounds of a URL.
const (
	// MaxURLBytes is the largest length of a URL.
	MaxURLBytes = 2048
	// maxNameBytes and maxLabelBytes are the largest lengths of a host name and of its labels (RFC 1035 §2.3.4).
	maxNameBytes  = 253
	maxLabelBytes = 63
)

// Policy says which URLs may be fetched. The zero value allows https URLs of public hosts.
type Policy struct {
	// AllowHTTP admits plain http URLs, whose answers anybody on the way can forge.
	AllowHTTP bool
	// AllowedNetworks are ranges that may be connected to although they are not public, such as 10.0.0.0/8.
	AllowedNetworks []netip.Prefix
}

// CheckURL returns an *Error with problem URLNotAllowed for a URL that is refused without asking the network: one that is
// malformed, of another scheme, or names a host that is not public. A URL that passes may still be refused by Get, which
// sees the address.
func (p Policy) CheckURL(raw string) error {
	_, err := p.parse(raw)
	return err
}

func (p Policy) parse(raw string) (*url.URL, error) {
	odd := func(r rune) bool { return r <= ' ' || r > '~' || r == '\\' }
	switch {
	case raw == "":
		return nil, refuse("the URL is empty: write one that begins with https://")
	case len(raw) > MaxURLBytes:
		return nil, refuse("the URL is longer than %d bytes: use a shorter one", MaxURLBytes)
	case strings.ContainsFunc(raw, odd):
		return nil, refuse("the URL holds a space, a backslash or a character that is not ASCII: percent-encode it in the path, and write the host in its ASCII form")
	case strings.Contains(raw, "#"):
		return nil, refuse("the URL has a fragment: remove the # and what follows it")
	}
	u, err := url.Parse(raw)
	if err != nil {
		// The error of net/url quotes the URL, which may hold a password.
		return nil, refuse("the URL is malformed: write it as https://host/path")
	}
	switch {
	case u.Scheme == "http" && !p.AllowHTTP:
		return nil, refuse("the URL is plain http, whose answers can be forged on the way: use https://, or start the operator with --allow-insecure-key-urls where no attacker can be on the way")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, refuse("the URL is not of scheme https: write one that begins with https://")
	case u.User != nil:
		return nil, refuse("the URL holds a user name or password: remove what stands before the @, key URLs are public")
	case u.Hostname() == "":
		return nil, refuse("the URL has no host: write it as https://host/path")
	case !validPort(u):
		return nil, refuse("the port of the URL is not between 1 and 65535: correct or remove it")
	}
	return u, p.checkHost(u)
}

func validPort(u *url.URL) bool {
	if port := u.Port(); port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		return err == nil && n > 0
	}
	return !strings.HasSuffix(u.Host, ":")
}

func (p Policy) checkHost(u *url.URL) error {
	host := u.Hostname()
	if addr, err := netip.ParseAddr(host); err == nil {
		switch {
		case addr.Zone() != "":
			return refuse("the address in the URL has a zone, and an address that needs one is not public: use a public name")
		case !p.permits(addr):
			return refuse("the address %s in the URL is not public: use a public name, or start the operator with --allow-key-fetch-from and its network", addr)
		}
		return nil
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	switch {
	case strings.HasPrefix(u.Host, "[") || !isName(name):
		return refuse("the host of the URL is neither a name of letters, digits, hyphens and dots nor an IP address: correct it")
	case endsInNumber(name):
		return refuse("the host of the URL is an odd spelling of an IP address: write the address as four decimal numbers without leading zeros, or use a name")
	case len(p.AllowedNetworks) == 0 && isInternal(name):
		return refuse("the host %q of the URL is not a public name: use one, or start the operator with --allow-key-fetch-from and the network of the host", name)
	}
	return nil
}

// isName reports whether a host consists of labels of letters, digits, hyphens and underscores.
func isName(name string) bool {
	if len(name) > maxNameBytes {
		return false
	}
	odd := func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_' }
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > maxLabelBytes || strings.ContainsFunc(label, odd) {
			return false
		}
	}
	return true
}

// endsInNumber reports whether resolvers may take a name for an address, as inet_aton does with 127.1, 2130706433,
// 0177.0.0.1 and 0x7f.0.0.1. No top-level domain is a number (RFC 3696 §2), so nothing else is lost.
func endsInNumber(name string) bool {
	last := name[strings.LastIndexByte(name, '.')+1:]
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return !strings.ContainsFunc(hex, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'f') })
	}
	return !strings.ContainsFunc(last, func(r rune) bool { return r < '0' || r > '9' })
}

// isInternal reports whether a name means a host of this machine, of the cluster or of the local network. It only makes
// for an earlier and better message: the address that a name resolves to is judged in any case.
func isInternal(name string) bool {
	if !strings.Contains(name, ".") {
		return true // localhost, and the names that need a search domain
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	// .svc.cluster.local is in .local. RFC 6761 §6.3, RFC 6762 §3; .internal is reserved by ICANN.
	return slices.Contains([]string{"localhost", "localdomain", "local", "svc", "internal"}, last)
}

// origin returns scheme, host and port, which a redirect must not leave.
func origin(u *url.URL) string {
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + " " + port
}
