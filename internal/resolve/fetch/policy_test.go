package fetch

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

func TestCheckURLAccepts(t *testing.T) {
	for _, raw := range []string{
		"https://idp.example", "https://idp.example/", "https://idp.example:8443/keys?a=b&c", "HTTPS://IDP.Example/.well-known/jwks.json",
		"https://idp.example./", "https://a_b.example/", "https://xn--bcher-kva.example/", "https://1.2.3.example/", "https://0x.example/", "https://svc.example/",
		"https://5.5.5.5/", "https://[2a00::5]:8443/", "https://[::ffff:5.5.5.5]/", "https://localhost.example/", "https://idp.example/a%20b", "https://idp.example:65535",
		"https://login.microsoftonline.com/common/discovery/v2.0/keys", "https://www.googleapis.com/oauth2/v3/certs", "https://a.0x1g/",
		"https://idp.example/" + strings.Repeat("a", MaxURLBytes-20), "https://" + strings.Repeat("a", 63) + ".example/",
	} {
		if err := (Policy{}).CheckURL(raw); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

// Each row is refused with a sentence of which say is a part.
func TestCheckURLRefuses(t *testing.T) {
	for raw, say := range map[string]string{
		"":                                                  "is empty",
		"idp.example/keys":                                  "not of scheme https",
		"//idp.example/keys":                                "not of scheme https",
		"http://idp.example":                                "--allow-insecure-key-urls",
		"file:///etc/passwd":                                "not of scheme https",
		"gopher://idp.example":                              "not of scheme https",
		"unix:///run/docker":                                "not of scheme https",
		"ftp://idp.example":                                 "not of scheme https",
		"javascript:alert(1)":                               "not of scheme https",
		"https:idp.example/keys":                            "no host",
		"https:///keys":                                     "no host",
		"https://:443/keys":                                 "no host",
		"https://?x":                                        "no host",
		"https://user@idp.example/":                         "user name or password",
		"https://user:pass@idp.example/":                    "user name or password",
		"https://@idp.example/":                             "user name or password",
		"https://idp.example@169.254.169.254/":              "user name or password",
		"https://idp.example/#":                             "fragment",
		"https://idp.example/#keys":                         "fragment",
		"https://idp.example/ keys":                         "a space",
		" https://idp.example/":                             "a space",
		"https://idp.example/\n":                            "a space",
		"https://idp.example/\x7f":                          "a space",
		"https://idp.example/ä":                             "not ASCII",
		"https://bücher.example/":                           "not ASCII",
		"https://idp。example/":                              "not ASCII",
		"https://①②⑦.0.0.1/":                                "not ASCII",
		`https:\\idp.example\`:                              "backslash",
		`https://idp.example\@10.0.0.1/`:                    "backslash",
		"https://idp.example:0/":                            "port",
		"https://idp.example:65536/":                        "port",
		"https://idp.example:99999999999/":                  "port",
		"https://idp.example:/":                             "port",
		"https://idp.example:x/":                            "malformed",
		"https://idp.example:-1/":                           "malformed",
		"https://[::1/":                                     "malformed",
		"https://idp.example/%zz":                           "malformed",
		"https://%31%32%37.0.0.1/":                          "malformed",
		"https://idp%2eexample/":                            "malformed",
		"https://idp.example%00.evil/":                      "malformed",
		"https://idp..example/":                             "neither a name",
		"https://.idp.example/":                             "neither a name",
		"https://idp.example../":                            "neither a name",
		"https://./":                                        "neither a name",
		"https://idp$example/":                              "neither a name",
		"https://idp%e3%80%82example/":                      "neither a name",
		"https://a,b.example/":                              "neither a name",
		"https://" + strings.Repeat("a", 64) + ".example/":  "neither a name",
		"https://" + strings.Repeat("a.", 124) + "example/": "neither a name",
		"https://idp.example/" + strings.Repeat("a", 2029):  "longer than 2048",
		"https://2130706433/":                               "odd spelling",
		"https://0x7f000001/":                               "odd spelling",
		"https://0X7F000001/":                               "odd spelling",
		"https://017700000001/":                             "odd spelling",
		"https://127.1/":                                    "odd spelling",
		"https://127.0.1/":                                  "odd spelling",
		"https://0177.0.0.1/":                               "odd spelling",
		"https://127.0.0.01/":                               "odd spelling",
		"https://0x7f.0.0.1/":                               "odd spelling",
		"https://127.0.0.0x1/":                              "odd spelling",
		"https://127.0.0.0x/":                               "odd spelling",
		"https://127.0.0.1./":                               "odd spelling",
		"https://5.5.5.5./":                                 "odd spelling",
		"https://256.0.0.1/":                                "odd spelling",
		"https://1.2.3.4.5/":                                "odd spelling",
		"https://0/":                                        "odd spelling",
		"https://idp.example.1/":                            "odd spelling",
		"https://127.0.0.1/":                                "127.0.0.1 in the URL is not public",
		"https://0.0.0.0/":                                  "0.0.0.0 in the URL is not public",
		"https://169.254.169.254/":                          "--allow-key-fetch-from",
		"https://[::]/":                                     "is not public",
		"https://[::1]:10250/":                              "is not public",
		"https://[fd00:ec2::254]/":                          "is not public",
		"https://[::ffff:127.0.0.1]/":                       "is not public",
		"https://[::ffff:7f00:1]/":                          "is not public",
		"https://[0:0:0:0:0:ffff:a9fe:a9fe]/":               "is not public",
		"https://[fe80::1]/":                                "is not public",
		"https://[fe80::1%25eth0]/":                         "zone",
		"https://[2a00::5%25eth0]/":                         "zone",
		"https://localhost/":                                "--allow-key-fetch-from",
		"https://LocalHost:8443/":                           "not a public name",
		"https://localhost./":                               "not a public name",
		"https://a.localhost/":                              "not a public name",
		"https://localhost.localdomain/":                    "not a public name",
		"https://keycloak/":                                 "not a public name",
		"https://keycloak.sso.svc/":                         "not a public name",
		"https://keycloak.sso.SVC./":                        "not a public name",
		"https://kubernetes.default.svc.cluster.local/":     "not a public name",
		"https://10-0-0-1.ns.pod.cluster.local/":            "not a public name",
		"https://printer.local/":                            "not a public name",
		"https://metadata.google.internal/":                 "not a public name",
		"https://[idp.example]/":                            "",
		"https://[5.5.5.5]/":                                "",
		"https://[v1.fe80]/":                                "",
		"https://[]/":                                       "",
	} {
		e, ok := errors.AsType[*Error]((Policy{}).CheckURL(raw))
		if !ok {
			t.Errorf("%q was accepted", raw)
			continue
		}
		checkMessage(t, e, raw)
		if e.Problem != URLNotAllowed || !strings.Contains(e.Message, say) {
			t.Errorf("%q: %+v", raw, e)
		}
		if strings.Contains(e.Message, "pass@") {
			t.Errorf("%q: %s", raw, e.Message)
		}
	}
}

// What each part of a policy opens, and nothing else.
func TestPolicyOpens(t *testing.T) {
	private := Policy{AllowedNetworks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}}
	insecure := Policy{AllowHTTP: true}
	for name, tc := range map[string]struct {
		policy Policy
		urls   []string
		want   bool
	}{
		"private":          {private, []string{"https://10.1.2.3/", "https://[::ffff:10.1.2.3]/", "https://[fd00::1]/", "https://keycloak.sso.svc/", "https://localhost/", "https://idp.internal/", "https://5.5.5.5"}, true},
		"not private":      {private, []string{"https://11.example.1/", "https://192.168.0.1/", "https://127.0.0.1/", "https://[::1]/", "https://[fe80::1]/", "https://10.1/", "http://10.1.2.3/"}, false},
		"insecure":         {insecure, []string{"http://idp.example/", "https://idp.example/"}, true},
		"not for insecure": {insecure, []string{"http://10.0.0.1/", "http://localhost/", "ftp://idp.example/", "http://u@idp.example/"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, raw := range tc.urls {
				if err := tc.policy.CheckURL(raw); (err == nil) != tc.want {
					t.Errorf("%s: %v", raw, err)
				}
			}
		})
	}
}

// The networks are those at the time of New.
func TestNewKeepsPolicy(t *testing.T) {
	networks := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	f := New(Policy{AllowedNetworks: networks})
	networks[0] = netip.MustParsePrefix("127.0.0.0/8")
	if f.policy.CheckURL("https://10.0.0.1") != nil || f.policy.CheckURL("https://127.0.0.1") == nil {
		t.Error("changed from outside")
	}
}

// The first and last address of every network that is not public, and their neighbours, which are or which belong to
// another one.
func TestPermits(t *testing.T) {
	for network, neighbours := range map[string][2]bool{
		"0.0.0.0/8":        {false, true},
		"10.0.0.0/8":       {true, true},
		"100.64.0.0/10":    {true, true},
		"127.0.0.0/8":      {true, true},
		"168.63.129.16/32": {true, true},
		"169.254.0.0/16":   {true, true},
		"172.16.0.0/12":    {true, true},
		"192.0.0.0/24":     {true, true},
		"192.0.2.0/24":     {true, true},
		"192.88.99.0/24":   {true, true},
		"192.168.0.0/16":   {true, true},
		"198.18.0.0/15":    {true, true},
		"198.51.100.0/24":  {true, true},
		"203.0.113.0/24":   {true, true},
		"224.0.0.0/4":      {true, false},
		"240.0.0.0/4":      {false, false},
		"::/3":             {false, true},
		"2001::/23":        {true, true},
		"2001:db8::/32":    {true, true},
		"2002::/16":        {true, true},
		"3fff::/20":        {true, true},
		"4000::/2":         {true, false},
		"8000::/1":         {false, false},
	} {
		t.Run(network, func(t *testing.T) { checkNetwork(t, netip.MustParsePrefix(network), neighbours) })
	}
	for _, addr := range []string{"224.0.0.1", "255.255.255.255", "ff02::1", "64:ff9b::808:808", "fe80::1", "fd00::1"} {
		if (Policy{}).permits(netip.MustParseAddr(addr)) {
			t.Errorf("%s is permitted", addr)
		}
	}
	if (Policy{}).permits(netip.Addr{}) {
		t.Error("no address is permitted")
	}
}

func checkNetwork(t *testing.T, network netip.Prefix, neighbours [2]bool) {
	t.Helper()
	first, last := network.Addr(), lastOf(network)
	// There is nothing before 0.0.0.0 and after the last address, and an invalid one is not permitted.
	if got := [2]bool{(Policy{}).permits(first.Prev()), (Policy{}).permits(last.Next())}; got != neighbours {
		t.Errorf("neighbours %v", got)
	}
	for _, addr := range []netip.Addr{first, last} {
		if (Policy{}).permits(addr) || addr.Is4() && (Policy{}).permits(netip.AddrFrom16(addr.As16())) {
			t.Errorf("%s is permitted", addr)
		}
		if !(Policy{AllowedNetworks: []netip.Prefix{network}}).permits(addr) {
			t.Errorf("%s is not permitted in its network", addr)
		}
	}
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	last, _ := netip.AddrFromSlice(b)
	return last
}

// FuzzCheckURL: what is accepted is an https URL of a public host to package net too, without anything around it.
func FuzzCheckURL(f *testing.F) {
	for _, seed := range []string{
		"", "https://idp.example/keys?x#y", "http://idp.example", "https://u:p@idp.example", "https://127.1", "https://0x7f000001:443/", "https://[::ffff:10.0.0.1]/",
		"https://[fe80::1%25eth0]", "https://5.5.5.5:65535", "https://a.svc", "https://localhost.", "file:///etc/passwd", "https://%31.example", "https://①.example",
	} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, raw string, insecure bool) {
		p := Policy{AllowHTTP: insecure}
		if err := p.CheckURL(raw); err != nil {
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Problem != URLNotAllowed {
				t.Fatalf("%T %v", err, err)
			}
			checkMessage(t, e, raw)
			return
		}
		u := checkAccepted(t, raw)
		if u.Scheme != "https" && !(insecure && u.Scheme == "http") {
			t.Fatalf("accepted %q", raw)
		}
		if again := p.CheckURL(u.String()); again != nil {
			t.Fatalf("%q was accepted, and %q was not: %v", raw, u, again)
		}
	})
}

func checkAccepted(t *testing.T, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil || u.User != nil || u.Fragment != "" || u.Opaque != "" || len(raw) > MaxURLBytes {
		t.Fatalf("accepted %q: %v", raw, err)
	}
	name := strings.ToLower(u.Hostname())
	if ip := net.ParseIP(name); ip != nil {
		if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() {
			t.Fatalf("accepted %q", raw)
		}
	} else if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" || !strings.Contains(name, ".") {
		t.Fatalf("accepted %q", raw)
	}
	return u
}
