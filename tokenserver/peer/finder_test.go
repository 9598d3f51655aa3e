package peer

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// finder trusts some proxies.
func finder(t testing.TB, header string) *Finder {
	t.Helper()
	var proxies []netip.Prefix
	for _, p := range []string{"10.0.0.0/8", "fd00::/8", "192.0.2.7/32", "fe80::/10"} {
		proxies = append(proxies, netip.MustParsePrefix(p))
	}
	f, err := NewFinder(proxies, header)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

type row struct {
	remote string
	lines  []string
	caller string
}

func (r row) check(t *testing.T, header string) {
	t.Helper()
	request := &http.Request{RemoteAddr: r.remote, Header: http.Header{header: r.lines}}
	got := finder(t, header).Find(request)
	if got.Caller.String() != r.caller {
		t.Errorf("the caller is %s, want %s", got.Caller, r.caller)
	}
}

const trusted, stranger = "10.0.0.1:1234", "203.0.113.5:1234"

func TestXForwardedFor(t *testing.T) {
	for name, tc := range map[string]row{
		"no header":                    {trusted, nil, "10.0.0.1"},
		"one":                          {trusted, []string{"198.51.100.1"}, "198.51.100.1"},
		"spoofed by a stranger":        {stranger, []string{"198.51.100.1"}, "203.0.113.5"},
		"stranger claims a proxy":      {stranger, []string{"10.0.0.9"}, "203.0.113.5"},
		"spoofed through a proxy":      {trusted, []string{"1.1.1.1, 198.51.100.1"}, "198.51.100.1"},
		"spoofed line":                 {trusted, []string{"1.1.1.1", "198.51.100.1"}, "198.51.100.1"},
		"spoofed proxy":                {trusted, []string{"1.1.1.1, 10.0.0.9, 198.51.100.1"}, "198.51.100.1"},
		"two proxies":                  {trusted, []string{"198.51.100.1, 10.0.0.2"}, "198.51.100.1"},
		"two proxies, two lines":       {trusted, []string{"198.51.100.1", "10.0.0.2"}, "198.51.100.1"},
		"three of both kinds":          {trusted, []string{"1.1.1.1, 198.51.100.1, fd00::2,192.0.2.7"}, "198.51.100.1"},
		"proxies alone":                {trusted, []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		"garbage of a caller":          {trusted, []string{"garbage, 198.51.100.1"}, "198.51.100.1"},
		"garbage of a proxy":           {trusted, []string{"198.51.100.1, garbage"}, "10.0.0.1"},
		"garbage after a proxy":        {trusted, []string{"198.51.100.1, unknown, 10.0.0.2"}, "10.0.0.2"},
		"empty":                        {trusted, []string{""}, "10.0.0.1"},
		"comma":                        {trusted, []string{"198.51.100.1,"}, "10.0.0.1"},
		"empty line last":              {trusted, []string{"198.51.100.1", ""}, "10.0.0.1"},
		"port":                         {trusted, []string{"198.51.100.1:4711"}, "198.51.100.1"},
		"port of a proxy":              {trusted, []string{"198.51.100.1, 10.0.0.2:80"}, "198.51.100.1"},
		"IPv6":                         {trusted, []string{"2001:db8::1"}, "2001:db8::1"},
		"IPv6 in brackets":             {trusted, []string{"[2001:db8::1]"}, "2001:db8::1"},
		"IPv6 with port":               {trusted, []string{"[2001:db8::1]:443"}, "2001:db8::1"},
		"IPv6 written long":            {trusted, []string{"2001:0DB8:0:0:0:0:0:1"}, "2001:db8::1"},
		"zone":                         {trusted, []string{"fe80::1%eth0, 2001:db8::1%" + strings.Repeat("x", 20)}, "2001:db8::1"},
		"zone of a proxy":              {trusted, []string{"198.51.100.1, fe80::1%eth0"}, "198.51.100.1"},
		"proxy with a zone":            {"[fe80::1%eth0]:1", []string{"198.51.100.1"}, "198.51.100.1"},
		"long zone":                    {trusted, []string{"2001:db8::1%" + strings.Repeat("x", 100)}, "10.0.0.1"},
		"mapped":                       {trusted, []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		"mapped proxy":                 {"[::ffff:10.0.0.1]:1", []string{"198.51.100.1, ::ffff:10.0.0.2"}, "198.51.100.1"},
		"tabs":                         {trusted, []string{"\t198.51.100.1\t"}, "198.51.100.1"},
		"CIDR":                         {trusted, []string{"198.51.100.0/24"}, "10.0.0.1"},
		"octal":                        {trusted, []string{"010.0.0.1"}, "10.0.0.1"},
		"decimal":                      {trusted, []string{"3325256705"}, "10.0.0.1"},
		"name":                         {trusted, []string{"localhost"}, "10.0.0.1"},
		"quoted":                       {trusted, []string{`"198.51.100.1"`}, "10.0.0.1"},
		"half a bracket":               {trusted, []string{"[2001:db8::1"}, "10.0.0.1"},
		"1 MB":                         {trusted, []string{strings.Repeat("1.1.1.1,", 1<<17) + "198.51.100.1"}, "198.51.100.1"},
		"1 MB of one":                  {trusted, []string{strings.Repeat("1", 1<<20)}, "10.0.0.1"},
		"many proxies":                 {trusted, []string{"198.51.100.1" + strings.Repeat(",10.0.0.2", 31)}, "198.51.100.1"},
		"too many proxies":             {trusted, []string{"198.51.100.1" + strings.Repeat(",10.0.0.2", 32)}, "10.0.0.2"},
		"no address of the connection": {"pipe", []string{"198.51.100.1"}, "invalid IP"},
		"IPv6 of the connection":       {"[2001:db8::7]:1", []string{"198.51.100.1"}, "2001:db8::7"},
	} {
		t.Run(name, func(t *testing.T) { tc.check(t, HeaderXForwardedFor) })
	}
}

func TestForwarded(t *testing.T) {
	for name, tc := range map[string]row{
		"one":                    {trusted, []string{"for=198.51.100.1"}, "198.51.100.1"},
		"spoofed by a stranger":  {stranger, []string{"for=198.51.100.1"}, "203.0.113.5"},
		"all parameters":         {trusted, []string{`by=10.0.0.1;for=198.51.100.1;host=x;proto=https`}, "198.51.100.1"},
		"case":                   {trusted, []string{"FOR=198.51.100.1;Proto=http"}, "198.51.100.1"},
		"spaces":                 {trusted, []string{" for=1.1.1.1 ,\tfor=198.51.100.1 ; proto=http "}, "198.51.100.1"},
		"quoted":                 {trusted, []string{`for="198.51.100.1:4711"`}, "198.51.100.1"},
		"IPv6":                   {trusted, []string{`for="[2001:db8::1]:4711"`}, "2001:db8::1"},
		"escaped":                {trusted, []string{`for="\1\98.51.100.1"`}, "198.51.100.1"},
		"spoofed element":        {trusted, []string{"for=1.1.1.1, for=198.51.100.1"}, "198.51.100.1"},
		"spoofed line":           {trusted, []string{"for=1.1.1.1", "for=198.51.100.1"}, "198.51.100.1"},
		"spoofed within quotes":  {trusted, []string{`for=198.51.100.1;host="x, for=1.1.1.1;a="`}, "198.51.100.1"},
		"open quote, then proxy": {trusted, []string{`for="1.1.1.1, for=198.51.100.1`}, "10.0.0.1"},
		"open quote, other line": {trusted, []string{`for="1.1.1.1`, "for=198.51.100.1"}, "198.51.100.1"},
		"open escape":            {trusted, []string{`for="1.1.1.1\`}, "10.0.0.1"},
		"two for":                {trusted, []string{"for=198.51.100.1;for=1.1.1.1"}, "10.0.0.1"},
		"unknown":                {trusted, []string{"for=198.51.100.1, for=unknown"}, "10.0.0.1"},
		"hidden":                 {trusted, []string{"for=_SEVKISEK"}, "10.0.0.1"},
		"no for":                 {trusted, []string{"for=198.51.100.1, proto=http"}, "10.0.0.1"},
		"empty":                  {trusted, []string{""}, "10.0.0.1"},
		"no value":               {trusted, []string{"for="}, "10.0.0.1"},
		"no parameter":           {trusted, []string{"198.51.100.1"}, "10.0.0.1"},
		"no name":                {trusted, []string{"=198.51.100.1"}, "10.0.0.1"},
		"space around =":         {trusted, []string{"for = 198.51.100.1"}, "10.0.0.1"},
		"IPv6 without quotes":    {trusted, []string{"for=[2001:db8::1]"}, "10.0.0.1"},
		"text after a quote":     {trusted, []string{`for="1.1.1.1"x`}, "10.0.0.1"},
		"quote within a token":   {trusted, []string{`for=1.1.1.1;x=a"b"`}, "10.0.0.1"},
		"empty parameters":       {trusted, []string{";;for=198.51.100.1;;"}, "198.51.100.1"},
		"two proxies":            {trusted, []string{"for=198.51.100.1, for=10.0.0.2"}, "198.51.100.1"},
		"1 MB":                   {trusted, []string{strings.Repeat("for=1.1.1.1,", 1<<16) + "for=198.51.100.1"}, "198.51.100.1"},
		"1 MB of quotes":         {trusted, []string{`for="` + strings.Repeat(`\"`, 1<<19)}, "10.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) { tc.check(t, HeaderForwarded) })
	}
}

// A proxy that writes one header passes on the other: what stands there is the caller's.
func TestTheOtherHeaderDoesNotCount(t *testing.T) {
	for header, other := range map[string]string{HeaderXForwardedFor: HeaderForwarded, HeaderForwarded: HeaderXForwardedFor} {
		value := map[string]string{HeaderXForwardedFor: "1.1.1.1", HeaderForwarded: "for=1.1.1.1"}[other]
		r := &http.Request{RemoteAddr: trusted, Header: http.Header{other: {value}}}
		if got := finder(t, header).Find(r); got.Caller.String() != "10.0.0.1" || got.Unheard {
			t.Errorf("%s counts where %s should: %+v", other, header, got)
		}
	}
}

func TestProxyAndUnheard(t *testing.T) {
	for name, tc := range map[string]struct {
		remote, header string
		proxy          string
		unheard        bool
	}{
		"trusted":                  {trusted, HeaderXForwardedFor, "10.0.0.1", false},
		"trusted, nothing said":    {trusted, "X-Other", "10.0.0.1", false},
		"stranger":                 {stranger, "X-Other", "invalid IP", false},
		"stranger speaks":          {stranger, HeaderXForwardedFor, "invalid IP", true},
		"stranger speaks RFC 7239": {stranger, HeaderForwarded, "invalid IP", true},
	} {
		r := &http.Request{RemoteAddr: tc.remote, Header: http.Header{tc.header: {"198.51.100.1"}}}
		if got := finder(t, HeaderXForwardedFor).Find(r); got.Proxy.String() != tc.proxy || got.Unheard != tc.unheard {
			t.Errorf("%s: %+v", name, got)
		}
	}
	r := &http.Request{RemoteAddr: trusted, Header: http.Header{HeaderXForwardedFor: {"198.51.100.1"}}}
	if got := (&Finder{}).Find(r); got.Caller.String() != "10.0.0.1" || !got.Unheard {
		t.Errorf("who trusts nobody gets %+v", got)
	}
}

// B-17: behind a proxy that nobody has named, callers are told apart by what it appends, and by nothing where one is named.
func TestUntrustedClaim(t *testing.T) {
	for name, tc := range map[string]struct {
		finder *Finder
		header string
		lines  []string
		want   string
	}{
		"one":                   {&Finder{}, HeaderXForwardedFor, []string{"198.51.100.1"}, "198.51.100.1"},
		"the last one":          {&Finder{}, HeaderXForwardedFor, []string{"1.1.1.1, 198.51.100.1"}, "198.51.100.1"},
		"the last line":         {&Finder{}, HeaderXForwardedFor, []string{"1.1.1.1", "198.51.100.1"}, "198.51.100.1"},
		"garbage":               {&Finder{}, HeaderXForwardedFor, []string{"198.51.100.1, x"}, "invalid IP"},
		"none":                  {&Finder{}, HeaderXForwardedFor, nil, "invalid IP"},
		"the other header":      {&Finder{}, HeaderForwarded, []string{"for=198.51.100.1"}, "invalid IP"},
		"where others are told": {finder(t, HeaderXForwardedFor), HeaderXForwardedFor, []string{"198.51.100.1"}, "invalid IP"},
	} {
		r := &http.Request{RemoteAddr: stranger, Header: http.Header{tc.header: tc.lines}}
		if got := tc.finder.Find(r); got.UntrustedClaim.String() != tc.want || got.Caller.String() != "203.0.113.5" {
			t.Errorf("%s: %+v, want the claim %s", name, got, tc.want)
		}
	}
}

func TestNewFinderRefuses(t *testing.T) {
	for network, ok := range map[string]bool{
		"10.0.0.0/8": true, "0.0.0.0/1": true, "fd00::/8": true, "192.0.2.7/32": true,
		"0.0.0.0/0": false, "::/0": false, "::ffff:10.0.0.0/104": false,
	} {
		if _, err := NewFinder([]netip.Prefix{netip.MustParsePrefix(network)}, HeaderXForwardedFor); (err == nil) != ok {
			t.Errorf("%s: %v", network, err)
		}
	}
	if _, err := NewFinder([]netip.Prefix{{}}, HeaderForwarded); err == nil {
		t.Error("a network that is none is accepted")
	}
	if _, err := NewFinder(nil, "X-Real-Ip"); err == nil {
		t.Error("another header is accepted")
	}
}

// FuzzFind: whatever is sent, the address is one that was sent or the proxy's own, and never anybody's of a stranger.
func FuzzFind(f *testing.F) {
	f.Add("198.51.100.1, 10.0.0.2")
	f.Add(`for="[2001:db8::1]:1";host="a,b"`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, header := range []string{HeaderXForwardedFor, HeaderForwarded} {
			r := &http.Request{RemoteAddr: trusted, Header: http.Header{header: {text}}}
			if got := finder(t, header).Find(r); !got.Caller.IsValid() || got.Caller.Zone() != "" || got.Caller.Is4In6() {
				t.Errorf("%q gives %v", text, got.Caller)
			}
			r.RemoteAddr = stranger
			if got := finder(t, header).Find(r); got.Caller.String() != "203.0.113.5" {
				t.Errorf("a stranger with %q is %v", text, got.Caller)
			}
		}
	})
}
