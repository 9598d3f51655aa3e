package assertion

import "strings"

// isServiceAccount reports whether s is the sub of a Kubernetes ServiceAccount token:
// system:serviceaccount:<namespace>:<name>, the namespace a DNS label and the name a DNS subdomain (RFC 1123).
func isServiceAccount(s string) bool {
	rest, ok := strings.CutPrefix(s, "system:serviceaccount:")
	namespace, name, ok2 := strings.Cut(rest, ":")
	return ok && ok2 && isLabel(namespace) && isSubdomain(name)
}

// maxLabelBytes and maxSubdomainBytes are the limits of RFC 1123 names in Kubernetes.
const (
	maxLabelBytes     = 63
	maxSubdomainBytes = 253
)

func isLabel(s string) bool {
	return s != "" && len(s) <= maxLabelBytes && only(s, false, "-") && s[0] != '-' && s[len(s)-1] != '-'
}

func isSubdomain(s string) bool {
	if len(s) > maxSubdomainBytes {
		return false
	}
	for part := range strings.SplitSeq(s, ".") {
		if part == "" || !only(part, false, "-") || part[0] == '-' || part[len(part)-1] == '-' {
			return false
		}
	}
	return true
}

// isSPIFFEID reports whether s is a SPIFFE ID with a path (SPIFFE ID §2, JWT-SVID §3.1): no port, user, query, fragment or
// escapes, no empty or dot segments. Its length, 2048 bytes there, is bounded by that of all subjects.
func isSPIFFEID(s string) bool {
	rest, ok := strings.CutPrefix(s, "spiffe://")
	domain, path, ok2 := strings.Cut(rest, "/")
	if !ok || !ok2 || domain == "" || len(domain) > maxTrustDomainBytes || !only(domain, false, "-._") {
		return false
	}
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "" || segment == "." || segment == ".." || !only(segment, true, "-._") {
			return false
		}
	}
	return true
}

// maxTrustDomainBytes: SPIFFE ID §2.1.
const maxTrustDomainBytes = 255

// only reports whether s consists of ASCII letters, small unless capitals are allowed, digits and the extra characters.
func only(s string, capitals bool, extra string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', capitals && 'A' <= c && c <= 'Z', strings.IndexByte(extra, c) >= 0:
		default:
			return false
		}
	}
	return true
}
