package fetch

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// forbidden are addresses that a host name must not lead to, of every kind.
func forbidden() []string {
	return []string{
		"127.0.0.1", "127.255.255.254", "0.0.0.0", "169.254.169.254", "10.0.0.1", "172.31.255.254", "192.168.1.1", "100.100.100.200",
		"192.0.0.192", "168.63.129.16", "198.19.255.254", "240.0.0.1", "192.0.2.1", "198.51.100.1", "203.0.113.1", "192.88.99.1",
		"::1", "::", "fd00:ec2::254", "fd20:ce::254", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "2002:a00:1::1", "2001::1", "2001:db8::1",
		"3fff::1", "fec0::1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::10.0.0.1",
	}
}

// A name that resolves to such an address is refused before a packet leaves; with its network allowed it is reached, which
// shows that the trap works.
func TestAddressOfName(t *testing.T) {
	for _, address := range forbidden() {
		t.Run(address, func(t *testing.T) {
			addr := netip.MustParseAddr(address)
			if !addr.Unmap().IsUnspecified() && !addr.Unmap().IsLoopback() {
				assign(t, address)
			}
			tr := newTrap(t, ":0")
			z := newZone(t, map[string][][]string{host + ".": {{address}}})
			r := Request{URL: "http://" + net.JoinHostPort(host, portOf(tr)) + "/latest/meta-data/"}
			if e := refused(t, newFetcher(Policy{AllowHTTP: true}, z), r); e.Problem != AddressNotAllowed {
				t.Errorf("%+v", e)
			}
			if n := tr.hits(t); n != 0 {
				t.Errorf("%d connections", n)
			}
			network := netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen())
			got, err := newFetcher(Policy{AllowHTTP: true, AllowedNetworks: []netip.Prefix{network}}, z).Get(t.Context(), r)
			if err != nil || string(got.Body) != leak {
				t.Errorf("allowed: %q, %v", got.Body, err)
			}
			if n := tr.hits(t); n != 1 {
				t.Errorf("allowed: %d connections", n)
			}
		})
	}
}

// An address in the URL is refused without asking the network, and reached once its network is allowed.
func TestAddressInURL(t *testing.T) {
	for _, address := range forbidden() {
		t.Run(address, func(t *testing.T) {
			addr := netip.MustParseAddr(address)
			if !addr.Unmap().IsUnspecified() && !addr.Unmap().IsLoopback() {
				assign(t, address)
			}
			tr := newTrap(t, ":0")
			r := Request{URL: "http://" + net.JoinHostPort(address, portOf(tr)) + "/"}
			if e := refused(t, New(Policy{AllowHTTP: true}), r); e.Problem != URLNotAllowed {
				t.Errorf("%+v", e)
			}
			if n := tr.hits(t); n != 0 {
				t.Errorf("%d connections", n)
			}
			network := netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen())
			if _, err := New(Policy{AllowHTTP: true, AllowedNetworks: []netip.Prefix{network}}).Get(t.Context(), r); err != nil {
				t.Errorf("allowed: %v", err)
			}
			if n := tr.hits(t); n != 1 {
				t.Errorf("allowed: %d connections", n)
			}
		})
	}
}

// The address is judged where the connection is made, even if the URL was not.
func TestDialChecksLiterals(t *testing.T) {
	tr := newTrap(t, ":0")
	for _, address := range forbidden() {
		if addr := netip.MustParseAddr(address).Unmap(); !addr.IsUnspecified() && !addr.IsLoopback() {
			assign(t, address)
		}
		a := &attempt{fetcher: New(Policy{AllowHTTP: true})}
		conn, err := a.dial(t.Context(), "tcp", net.JoinHostPort(address, portOf(tr)))
		if err == nil {
			_ = conn.Close()
			t.Errorf("%s was dialed", address)
		}
		if !a.refused {
			t.Errorf("%s: %v", address, err)
		}
	}
	if n := tr.hits(t); n != 0 {
		t.Errorf("%d connections", n)
	}
}

// What package net hands over is an address; anything else is refused.
func TestCheckAddressFailsClosed(t *testing.T) {
	for _, address := range []string{"", "idp.example:443", "5.5.5.5", "5.5.5.5:x", "[2a00::5%lo]:443", "[fe80::1%lo]:443", "/run/docker.sock"} {
		f := New(Policy{AllowedNetworks: []netip.Prefix{netip.MustParsePrefix("::/0")}})
		if err := (&attempt{fetcher: f}).checkAddress(t.Context(), "tcp", address, nil); err == nil {
			t.Errorf("%q was accepted", address)
		}
	}
}

// The second answer of the DNS is as good as the first: every connection is judged.
func TestRebinding(t *testing.T) {
	const metadata = "169.254.169.254"
	assign(t, metadata)
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hop" {
			http.Redirect(w, r, "/keys", http.StatusFound)
		}
	})
	tr := newTrap(t, net.JoinHostPort(metadata, s.port))
	rebound := func(answers ...[]string) { s.zone.set(host+".", answers) }

	t.Run("between two fetches", func(t *testing.T) {
		rebound([]string{public4}, []string{metadata})
		if _, err := s.fetcher.Get(t.Context(), s.request()); err != nil {
			t.Fatal(err)
		}
		if e := refusedOnce(t, s.fetcher, s.request()); e.Problem != AddressNotAllowed {
			t.Errorf("%+v", e)
		}
	})
	t.Run("between two hops", func(t *testing.T) {
		rebound([]string{public4}, []string{metadata})
		r := s.request()
		r.URL = strings.Replace(r.URL, "/keys", "/hop", 1)
		if e := refusedOnce(t, s.fetcher, r); e.Problem != AddressNotAllowed {
			t.Errorf("%+v", e)
		}
	})
	t.Run("both at once", func(t *testing.T) {
		rebound([]string{metadata, public4})
		if _, err := s.fetcher.Get(t.Context(), s.request()); err != nil {
			t.Error(err)
		}
	})
	t.Run("in both families", func(t *testing.T) {
		rebound([]string{metadata, "::ffff:" + metadata, "fd00:ec2::254"})
		if e := refused(t, s.fetcher, s.request()); e.Problem != AddressNotAllowed {
			t.Errorf("%+v", e)
		}
	})
	if n := tr.hits(t); n != 0 {
		t.Errorf("%d connections", n)
	}
}

func (z *zone) set(name string, answers [][]string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.answers[name] = answers
	clear(z.asked)
}

func TestRedirects(t *testing.T) {
	const metadata = "169.254.169.254"
	assign(t, metadata)
	tr := newTrap(t, ":0")
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		to := r.URL.Query().Get("to")
		if to == "long" {
			to = "/" + strings.Repeat("a", MaxURLBytes)
		}
		if to != "" {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
		}
		_, _ = w.Write([]byte(leak + r.URL.Path))
	})
	s.zone.set("other.example.", [][]string{{metadata}})
	s.zone.set("public.example.", [][]string{{public4}})
	self := strings.TrimSuffix(s.request().URL, "/keys")
	// The trap is at another port: an allowed redirect to it would be seen.
	s.fetcher.policy = Policy{AllowHTTP: true, AllowedNetworks: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}}
	for name, tc := range map[string]struct {
		to   string
		body string
		want Problem
	}{
		"relative":                 {to: "/moved", body: leak + "/moved"},
		"relative with a fragment": {to: "/moved#top", body: leak + "/moved"},
		"same origin":              {to: self + "/moved", body: leak + "/moved"},
		"same origin in capitals":  {to: strings.ToUpper(self) + "/moved", body: leak + "/moved"},
		"metadata":                 {to: "http://" + metadata + ":" + portOf(tr) + "/latest", want: Redirected},
		"name of metadata":         {to: "https://other.example:" + portOf(tr) + "/", want: Redirected},
		"another public host":      {to: "https://public.example:" + s.port + "/", want: Redirected},
		"another port":             {to: "https://" + host + ":" + portOf(tr) + "/", want: Redirected},
		"the default port":         {to: "https://" + host + "/", want: Redirected},
		"plain http":               {to: strings.Replace(self, "https:", "http:", 1), want: Redirected},
		"user in the URL":          {to: strings.Replace(self, "//", "//u:p@", 1) + "/moved", want: Redirected},
		"file":                     {to: "file:///etc/passwd", want: Redirected},
		"without scheme":           {to: "//" + metadata + ":" + portOf(tr) + "/", want: Redirected},
		"too long":                 {to: "long", want: Redirected},
		"not a URL":                {to: ":", want: InvalidResponse},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.request()
			r.URL += "?to=" + escape(tc.to)
			if tc.want != "" {
				if e := refused(t, s.fetcher, r); e.Problem != tc.want {
					t.Errorf("%+v", e)
				}
				return
			}
			if got, err := s.fetcher.Get(t.Context(), r); err != nil || string(got.Body) != tc.body {
				t.Errorf("%q, %v", got.Body, err)
			}
		})
	}
	if n := tr.hits(t); n != 0 {
		t.Errorf("%d connections", n)
	}
	for name := range s.zone.questions() {
		if name != host+"." {
			t.Errorf("asked for %s", name)
		}
	}
}

// Three redirects are followed and the fourth is not; every hop is a connection of its own.
func TestRedirectChains(t *testing.T) {
	paths := make(chan string, 100)
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		paths <- r.URL.Path
		if n := len(r.URL.Path); n > len("/") {
			w.Header().Set("Location", r.URL.Path[:n-1])
			w.WriteHeader(http.StatusTemporaryRedirect)
		}
		if r.URL.Path == "/" && r.URL.RawQuery == "loop" {
			w.Header().Set("Location", "/?loop")
			w.WriteHeader(http.StatusFound)
		}
	})
	for path, want := range map[string]struct {
		problem  Problem
		requests int
	}{
		"/123":   {requests: 4},
		"/1234":  {problem: Redirected, requests: 4},
		"/?loop": {problem: Redirected, requests: 4},
	} {
		r := s.request()
		r.URL = strings.TrimSuffix(r.URL, "/keys") + path
		_, err := s.fetcher.Get(t.Context(), r)
		if want.problem == "" && err != nil || want.problem != "" && !isProblem(err, want.problem) {
			t.Errorf("%s: %v", path, err)
		}
		if n := len(paths); n != want.requests {
			t.Errorf("%s: %d requests", path, n)
		}
		for len(paths) > 0 {
			<-paths
		}
	}
}

// Names are asked for as they stand, without the search domains of the machine; a name of the cluster is not.
func TestAbsolute(t *testing.T) {
	for given, want := range map[string]string{
		"a.com": "a.com.", "A.com.": "a.com.", "keycloak.sso.svc": "keycloak.sso.svc", "keycloak": "keycloak", "localhost": "localhost",
		"10.0.0.1": "10.0.0.1", "2a00::5": "2a00::5",
	} {
		if got := absolute(given); got != want {
			t.Errorf("%s: %s, want %s", given, got, want)
		}
	}
	z := newZone(t, nil)
	if e := refused(t, newFetcher(Policy{}, z), Request{URL: "https://missing.example/"}); e.Problem != Unreachable || !strings.Contains(e.Message, "cannot be resolved") {
		t.Errorf("%+v", e)
	}
	if asked := z.questions(); len(asked) != 1 || !asked["missing.example."] {
		t.Errorf("asked for %v", asked)
	}
}

// A fetch that its caller gave up is the caller's affair.
func TestCancelled(t *testing.T) {
	s := newSite(t, func(http.ResponseWriter, *http.Request) {})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.fetcher.Get(ctx, s.request())
	checkCancelled(t, err)
}
