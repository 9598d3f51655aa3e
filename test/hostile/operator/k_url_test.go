package operator

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// hosts are hosts of URLs that must not be fetched from, in all spellings that somebody's parser or resolver takes.
func hosts() []string {
	return []string{
		"169.254.169.254", "127.0.0.1", "127.0.0.1:10250", "127.9.9.9", "10.0.0.1", "172.31.0.1", "192.168.1.1", "100.100.100.200", "192.0.0.192",
		"168.63.129.16", "198.18.0.1", "240.0.0.1", "192.0.2.1", "203.0.113.1", "0.0.0.0", "255.255.255.255", "224.0.0.1",
		// Numbers that inet_aton takes for addresses.
		"2130706433", "0x7f000001", "0x7F000001", "017700000001", "0177.0.0.1", "0x7f.0.0.1", "0x7f.1", "127.1", "127.0.1", "0", "0x0", "00000000",
		"2852039166", "0xa9fea9fe", "0xa9.0xfe.0xa9.0xfe", "0251.0376.0251.0376", "169.254.43518", "169.16689662", "169.254.169.0xfe", "4294967295", "169.254.169.254.", "127.0.0.1.",
		"127.000.000.001", "0000127.0.0.1", "127.0.0.1.0", "256.256.256.256", "425.510.425.510", "18446744071562067969",
		// IPv6.
		"[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[0000:0000:0000:0000:0000:0000:0000:0001]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:a9fe:a9fe]",
		"[::ffff:169.254.169.254]", "[::ffff:10.0.0.1]", "[::ffff:0:169.254.169.254]", "[::169.254.169.254]", "[::127.0.0.1]", "[fd00:ec2::254]", "[FD00:EC2::254]", "[fd20:ce::254]", "[fe80::1]", "[fe80::1%25lo]",
		"[fec0::1]", "[ff02::1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b::169.254.169.254]", "[64:ff9b:1::a9fe:a9fe]", "[2002:a9fe:a9fe::1]", "[2001::1]", "[2001:db8::1]", "[100::1]", "[::ffff:0x7f.1]", "[127.0.0.1]", "::1", "[::1", "[v1.x]",
		// Names.
		"localhost", "LOCALHOST", "localhost.", "a.localhost", "localhost.localdomain", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.", "Kubernetes.Default.SVC.Cluster.Local", "metadata", "metadata.google.internal",
		// What parsers disagree about.
		"good.test@169.254.169.254", "good.test:8443@169.254.169.254", ":@127.0.0.1", "169.254.169.254@good.test", "good.test\\@169.254.169.254", "169.254.169.254\\.good.test", "169.254.169.254#@good.test", "169.254.169.254?@good.test", "good.test@169.254.169.254@good.test",
		"127.0.0.1%00.good.test", "127.0.0.1%2f.good.test", "127.0.0.1%0d%0aHost:x", "127.0.0.1:80:443", "127.0.0.1:", "127.0.0.1:0443", "127.0.0.1:+443", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:http", " 127.0.0.1", "127.0.0.1 ", "127.0.0.1\t", "127.0.0.1\n", "127.0.0.1\r\nHost: x",
		"①②⑦.⓪.⓪.①", "１２７.０.０.１", "127。0。0。1", "ｌocalhost", "loc\u00adalhost", "localhost\u200b", "", ".", "..", "*", "%31%32%37.0.0.1", "127%2e0%2e0%2e1",
	}
}

// urls are whole URLs of that kind.
func urls() []string {
	return []string{
		"file:///etc/passwd", "file://localhost/etc/passwd", "file:/etc/passwd", "/etc/passwd", "../jwks", "gopher://127.0.0.1:443/_GET", "unix:///var/run/docker.sock",
		"http+unix://%2Fvar%2Frun%2Fdocker.sock/", "ftp://127.0.0.1/", "dict://127.0.0.1:443/x", "ldap://127.0.0.1/", "jar:https://127.0.0.1!/", "data:application/json,{}", "javascript:alert(1)",
		"//169.254.169.254/", "169.254.169.254", "169.254.169.254/latest", "https:169.254.169.254", "https:/169.254.169.254/", "https:///169.254.169.254/", "https:////169.254.169.254/", "https://", "https:", ":", "HTTPS://127.0.0.1/", "hTTp://127.0.0.1/",
		"https\t://127.0.0.1/", " https://127.0.0.1/", "https://127.0.0.1/\x00", "view-source:https://127.0.0.1/", "https:\\\\127.0.0.1\\", "netdoc:///etc/passwd", "ws://127.0.0.1/", "wss://127.0.0.1/", "h2c://127.0.0.1/", "https+insecure://127.0.0.1/",
	}
}

func urlRows() []row {
	return []row{
		{id: "K-09", name: "ssrf-direct", run: directURLs, bulk: true},
		{id: "K-09", name: "ssrf-discovery-and-client", run: elsewhereURLs, bulk: true},
		{id: "K-09", name: "ssrf-second-order", run: secondOrderURLs, bulk: true},
		{id: "K-09", name: "no-port-scan", run: portScan},
		{id: "K-12", name: "jwks-http-plain", run: plainHTTP},
	}
}

// everyURL is all of that, with both schemes.
func everyURL() []string {
	all := urls()
	for _, host := range hosts() {
		all = append(all, "https://"+host+"/jwks")
	}
	for _, host := range hosts()[:70] {
		all = append(all, "http://"+host+"/latest/meta-data/")
	}
	return all
}

// internalNames makes the names of clusters and clouds known to the DNS.
func internalNames(w *world) {
	for _, name := range []string{"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"} {
		w.zone.set(name, []string{"10.96.0.1"})
	}
	for _, name := range []string{"localhost", "a.localhost", "localhost.localdomain"} {
		w.zone.set(name, []string{"127.0.0.1", "::1"})
	}
	for _, name := range []string{"metadata", "metadata.google.internal"} {
		w.zone.set(name, []string{"169.254.169.254"})
	}
}

// urlCase is an object with a URL that must not be fetched.
type urlCase struct {
	object          object
	kind, condition string
	url             string
}

// checkRefused creates objects: the schema refuses each, or its condition does.
func (tn *tenant) checkRefused(cases []urlCase) {
	tn.t.Helper()
	var created []urlCase
	for _, c := range cases {
		if !tn.refusedOr(c.object) {
			created = append(created, c)
		}
	}
	for _, c := range created {
		name, _ := c.object["metadata"].(object)["name"].(string)
		message := tn.waitReason(c.kind, name, c.condition, v1alpha1.ReasonURLNotAllowed)
		if len(message) > 1024 || strings.ContainsFunc(message, func(r rune) bool { return r < ' ' || r > '~' }) {
			tn.t.Errorf("%q: the message is odd: %s", c.url, message)
		}
	}
	if len(created) == 0 || len(created) == len(cases) {
		tn.t.Errorf("%d of %d URLs come past the schema: then this tests only one of schema and operator", len(created), len(cases))
	}
}

func directURLs(t *testing.T, w *world) {
	internalNames(w)
	tn := w.tenant(t)
	var cases []urlCase
	for i, url := range everyURL() {
		o := tn.provider(fmt.Sprintf("p%d", i), remote(url))
		cases = append(cases, urlCase{o, kindProvider, v1alpha1.ConditionKeysReady, url})
	}
	tn.checkRefused(cases)
}

// sample is one URL of every kind.
func sample() []string {
	all := []string{"file:///etc/passwd", "unix:///var/run/docker.sock", "http://good.test/"}
	for _, host := range []string{"169.254.169.254", "127.0.0.1:10250", "2130706433", "0x7f.1", "[::1]", "[::ffff:10.0.0.1]", "[fd00:ec2::254]", "localhost", "kubernetes.default.svc", "good.test@10.0.0.1", "0.0.0.0"} {
		all = append(all, "https://"+host, "https://"+host+"/jwks")
	}
	return all
}

// elsewhereURLs are URLs in the other fields that lead to a fetch: of a discovery document, of an issuer, of a client.
func elsewhereURLs(t *testing.T, w *world) {
	internalNames(w)
	tn := w.tenant(t)
	var cases []urlCase
	for i, url := range sample() {
		discovery := object{"discovery": object{"url": url, "caConfigMapRef": object{"name": "ca"}}}
		issuer := object{"issuer": url, "discovery": object{"caConfigMapRef": object{"name": "ca"}}}
		auth := object{"spec": object{"authentication": object{"privateKeyJWT": remote(url)}}}
		cases = append(
			cases,
			urlCase{tn.provider(fmt.Sprintf("discovery%d", i), discovery), kindProvider, v1alpha1.ConditionKeysReady, url},
			urlCase{tn.provider(fmt.Sprintf("issuer%d", i), issuer), kindProvider, v1alpha1.ConditionKeysReady, url},
			urlCase{tn.object(kindClient, fmt.Sprintf("client%d", i), auth), kindClient, v1alpha1.ConditionCredentialsReady, url},
		)
	}
	tn.checkRefused(cases)
}

// secondOrderURLs come in a discovery document that may be fetched.
func secondOrderURLs(t *testing.T, w *world) {
	internalNames(w)
	tn := w.tenant(t)
	all := append(everyURL(), "/jwks", "jwks", "?x", "#", "")
	if w.host == allowedHost {
		all = sample() // The flag of this configuration changes nothing about the rest.
	}
	for i, url := range all {
		name := fmt.Sprintf("p%d", i)
		page := w.site.page(text(asJSON(object{"issuer": tn.issuer(name), "jwks_uri": url})))
		tn.create(tn.provider(name, object{"discovery": object{"url": w.url(page), "caConfigMapRef": object{"name": "ca"}}}))
	}
	for i, url := range all {
		reason := tn.waitKeys(fmt.Sprintf("p%d", i), v1alpha1.ReasonURLNotAllowed, v1alpha1.ReasonInvalidKeyMaterial)
		odd := url == "" || strings.ContainsAny(url, "\t\r\n\x00") // No string of a document holds them.
		if odd != (reason == v1alpha1.ReasonInvalidKeyMaterial) {
			t.Errorf("%q: reason %s", url, reason)
		}
	}
}

// portScan: what is said of an address that is refused does not depend on what listens there.
func portScan(t *testing.T, w *world) {
	tn := w.tenant(t)
	w.zone.set("scan.evil.test", []string{"10.0.0.1"})
	for i, host := range []string{"127.0.0.1", "[::1]", "169.254.169.254", "scan.evil.test"} {
		var said []string
		for j, port := range []string{"443", "9"} { // one that is open, and one that is not
			name := fmt.Sprintf("p%d-%d", i, j)
			tn.create(tn.provider(name, remote("https://"+host+":"+port+"/")))
			said = append(said, tn.waitReason(kindProvider, name, v1alpha1.ConditionKeysReady, v1alpha1.ReasonURLNotAllowed))
		}
		if said[0] != said[1] {
			t.Errorf("%s: the open port says %q, the closed one %q", host, said[0], said[1])
		}
	}
}

// plainHTTP is refused where the same host may be fetched from by https.
func plainHTTP(t *testing.T, w *world) {
	tn := w.tenant(t)
	page := w.site.page(text(jwks(jwk("", tn.keyOf("https").Public(), nil))))
	tn.create(tn.provider("https", remote(w.url(page))))
	tn.waitReady("https")
	plain := "http" + strings.TrimPrefix(w.url(page), "https")
	tn.create(tn.provider("http", remote(plain)))
	tn.waitReason(kindProvider, "http", v1alpha1.ConditionReady, v1alpha1.ReasonURLNotAllowed)
	tn.wait(tn.by("http", "ES256", "", tn.keyOf("https")), http.StatusBadRequest)
	if n := len(page.seen()); n != 1 {
		t.Errorf("%d requests, want that by https alone", n)
	}
}

func addressRows() []row {
	return []row{
		{id: "K-x01", name: "name-of-a-forbidden-address", run: forbiddenNames},
		{id: "K-x02", name: "dns-rebinding", run: rebinding, long: true},
		{id: "K-x03", name: "only-the-configured-network", run: configuredNetwork},
	}
}

// forbiddenNames resolve to one forbidden address, to several, or to one beside a right one.
func forbiddenNames(t *testing.T, w *world) {
	tn := w.tenant(t)
	good := map[string]string{publicHost: publicAddress, allowedHost: allowedAddress}[w.host]
	answers := map[string][]string{
		"mixed4": {"10.0.0.1", "127.0.0.1", "169.254.169.254"}, "mixed6": {"::1", "fd00:ec2::254"}, "both": {"10.0.0.1", "::1"},
		"unspecified": {"0.0.0.0"}, "unspecified6": {"::"}, "mapped": {"::ffff:169.254.169.254"},
	}
	for i, address := range forbidden() {
		answers[fmt.Sprintf("n%d", i)] = []string{address}
	}
	for name, addresses := range answers {
		host := name + "." + tn.namespace + ".evil.test"
		w.zone.set(host, addresses)
		for _, port := range []string{"443", sitePort} {
			tn.create(tn.provider(name+"-"+port, remote("https://"+net.JoinHostPort(host, port)+"/jwks")))
		}
	}
	for name := range maps.Keys(answers) {
		for _, port := range []string{"443", sitePort} {
			message := tn.waitReason(kindProvider, name+"-"+port, v1alpha1.ConditionReady, v1alpha1.ReasonURLNotAllowed)
			for word := range strings.FieldsFuncSeq(message, func(r rune) bool { return strings.ContainsRune(` "[](),`, r) }) {
				if addr, err := netip.ParseAddr(word); err == nil {
					t.Errorf("the message tells the address %s: %s", addr, message)
				}
			}
		}
	}
	// One that has a right address too may work, and is never looked for elsewhere.
	page := w.site.page(text(jwks(jwk("", tn.keyOf("half").Public(), nil))))
	w.zone.set("half.good.test", []string{"169.254.169.254", good})
	tn.create(tn.provider("half", remote("https://half.good.test:"+sitePort+page.path)))
	tn.waitKeys("half", v1alpha1.ReasonURLNotAllowed, v1alpha1.ReasonKeysReady)
}

// rebinding: a name that was right at first, and is not any more when its keys are fetched again or a redirect is followed.
func rebinding(t *testing.T, w *world) {
	tn := w.tenant(t)
	good := map[string]string{publicHost: publicAddress, allowedHost: allowedAddress}[w.host]
	host := "rebind" + tn.namespace + ".good.test"
	w.zone.set(host, []string{good}, []string{"169.254.169.254", "::1"})
	page := w.site.page(text(jwks(jwk("", tn.keyOf("idp").Public(), nil))))
	tn.create(tn.provider("idp", often("https://"+host+":"+sitePort+page.path)))
	tn.waitReady("idp")

	hop := "hop" + tn.namespace + ".good.test"
	w.zone.set(hop, []string{good}, []string{"127.0.0.1"})
	redirect := w.site.page(func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, page.path, http.StatusFound) })
	tn.create(tn.provider("hop", remote("https://"+hop+":"+sitePort+redirect.path)))
	tn.waitReason(kindProvider, "hop", v1alpha1.ConditionReady, v1alpha1.ReasonURLNotAllowed)

	tn.waitReasonWithin(patience, kindProvider, "idp", v1alpha1.ConditionKeysReady, v1alpha1.ReasonFetchFailing)
	if n := w.zone.count(host); n < 2 {
		t.Errorf("the name was looked up %d times, so that nothing was tested", n)
	}
	tn.now(tn.fresh("idp"), http.StatusOK)
}

// configuredNetwork: what may be fetched from is what the flags of the operator say, no more and no less.
func configuredNetwork(t *testing.T, w *world) {
	tn := w.tenant(t)
	page := w.site.page(text(jwks(jwk("", tn.keyOf("idp").Public(), nil))))
	for name, host := range map[string]string{"public": publicHost, "public-ip": publicAddress, "allowed": allowedHost, "allowed-ip": allowedAddress} {
		tn.create(tn.provider(name, remote("https://"+host+":"+sitePort+page.path)))
		want := v1alpha1.ReasonReady
		if strings.HasPrefix(name, "allowed") && w.host == publicHost {
			want = v1alpha1.ReasonURLNotAllowed
		}
		tn.waitReason(kindProvider, name, v1alpha1.ConditionReady, want)
		if want == v1alpha1.ReasonReady {
			tn.wait(tn.by(name, "ES256", "", tn.keyOf("idp")), http.StatusOK)
		}
	}
	if seen := len(page.seen()); w.host == publicHost && seen != 2 {
		t.Errorf("%d requests, want those by the public address alone", seen)
	}
}
