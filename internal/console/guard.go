package console

import (
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// contentSecurityPolicy lets a page use our own style sheet, script and icon, and nothing else (CSP Level 3).
const contentSecurityPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// headers are those of every answer.
func headers() map[string]string {
	return map[string]string{
		"Content-Security-Policy":      contentSecurityPolicy,
		"X-Frame-Options":              "DENY",
		"X-Content-Type-Options":       "nosniff",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Embedder-Policy": "require-corp",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Permissions-Policy":           "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
		// Not no-referrer: with it, browsers send "Origin: null" with a form, and where it comes from could not be told.
		"Referrer-Policy": "same-origin",
		"Cache-Control":   "no-store",
	}
}

// guard answers to our own names and to our own pages.
func guard(hosts []string, next http.Handler) http.Handler {
	crossOrigin := http.NewCrossOriginProtection()
	crossOrigin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "this form was sent from a page of somebody else", http.StatusForbidden)
	}))
	next = crossOrigin.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range headers() {
			w.Header().Set(name, value)
		}
		switch {
		case !isOurs(hosts, r.Host):
			// A name that somebody points at our address would make our pages theirs (DNS rebinding).
			http.Error(w, "this console is not called that: see --allowed-host, or console.hosts of the chart", http.StatusMisdirectedRequest)
		case r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodPost:
			w.Header().Set("Allow", "GET, HEAD, POST")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		case isEmbedded(r):
			http.Error(w, "pages of others may link to this one, and no more", http.StatusForbidden)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// isOurs reports whether a Host names us: one of the hosts, on any port, for a forwarded port has another number.
func isOurs(hosts []string, host string) bool {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	} else if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return false
	}
	return slices.Contains(hosts, strings.ToLower(name))
}

// isEmbedded reports whether a page of another site asks for more than to go here (Fetch Metadata): a script, an image, a
// frame.
func isEmbedded(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	if site == "" || site == "same-origin" || site == "none" {
		return false
	}
	return r.Header.Get("Sec-Fetch-Mode") != "navigate" || r.Header.Get("Sec-Fetch-Dest") != "document"
}

// LoopbackHosts are the names under which a console that listens on loopback is reached, by itself or through
// kubectl port-forward.
func LoopbackHosts() []string { return []string{"localhost", "127.0.0.1", "::1"} }
