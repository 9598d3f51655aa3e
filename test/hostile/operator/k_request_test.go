package operator

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

func requestRows() []row {
	return []row{
		{id: "K-08", name: "jwks-redirect-other-host", run: redirects, bulk: true},
		{id: "K-11", name: "ssrf-no-token-leak", run: noCredentials, long: true},
		{id: "K-x04", name: "urls-in-keys-and-assertions", run: urlsInside},
	}
}

// redirects are followed to the same origin, a few times, and to no other.
func redirects(t *testing.T, w *world) {
	tn := w.tenant(t)
	good := w.site.page(text(jwks(jwk("", tn.keyOf("any").Public(), nil))))
	other := w.site.page(text(jwks(jwk("", tn.keyOf("any").Public(), nil))))
	w.zone.set("elsewhere.good.test", []string{map[string]string{publicHost: publicAddress, allowedHost: allowedAddress}[w.host]})
	self := w.site.page(func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, r.URL.Path, http.StatusFound) })
	bad := map[string]string{
		"loopback": "http://127.0.0.1:443/", "metadata": "http://169.254.169.254/latest/", "same-port": "https://127.0.0.1:" + sitePort + other.path, "ipv6": "https://[fd00:ec2::254]/",
		"no-scheme": "//127.0.0.1:" + sitePort + "/", "backslash": `\\127.0.0.1:` + sitePort + `\x`, "user": "https://" + w.host + ":" + sitePort + "@127.0.0.1/", "file": "file:///etc/passwd",
		"gopher": "gopher://127.0.0.1:443/_", "other-host": "https://elsewhere.good.test:" + sitePort + other.path, "other-port": "https://" + w.host + ":9443" + other.path,
		"default-port": "https://" + w.host + "/", "plain": "http://" + w.host + ":" + sitePort + other.path, "data": "data:application/json,{}", "odd": "https://[::1", "credentials": "https://a:b@" + w.host + ":" + sitePort + other.path,
		"decimal": "https://2130706433/", "address": "https://" + allowedAddress + ":" + sitePort + other.path, "loop": "LOOP", "empty": "",
	}
	codes := func(name string) []int {
		if name == "loopback" || name == "other-host" {
			return []int{301, 302, 303, 307, 308}
		}
		return []int{307}
	}
	for name, location := range bad {
		for _, code := range codes(name) {
			page := w.site.page(func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Location", location)
				rw.WriteHeader(code)
			})
			if location == "LOOP" {
				page = self
			}
			tn.create(tn.provider(fmt.Sprintf("%s-%d", name, code), remote(w.url(page))))
		}
	}
	for name, location := range map[string]string{"path": good.path, "whole": w.url(good), "fragment": good.path + "#x"} {
		tn.create(tn.provider(name, remote(w.url(w.site.page(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Location", location)
			rw.WriteHeader(http.StatusTemporaryRedirect)
		})))))
	}
	for _, name := range []string{"path", "whole", "fragment"} {
		tn.waitReady(name)
	}
	for name := range bad {
		for _, code := range codes(name) {
			tn.waitKeys(fmt.Sprintf("%s-%d", name, code), v1alpha1.ReasonFetchFailed)
		}
	}
	if n := len(other.seen()); n != 0 {
		t.Errorf("the place that redirects lead to saw %d requests", n)
	}
}

// noCredentials: a request carries nothing that says more than who makes it, also not when it is asked to, or for the second time.
func noCredentials(t *testing.T, w *world) {
	tn := w.tenant(t)
	document := jwks(jwk("", tn.keyOf("any").Public(), nil))
	answers := map[string]http.HandlerFunc{
		"plain": text(document),
		"cookies": func(rw http.ResponseWriter, r *http.Request) {
			http.SetCookie(rw, &http.Cookie{Name: "session", Value: "x", Path: "/"})
			text(document)(rw, r)
		},
		"basic":     challenge("Basic realm=x"),
		"bearer":    challenge("Bearer"),
		"negotiate": challenge("Negotiate"),
		"proxy": func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Proxy-Authenticate", "Basic")
			rw.WriteHeader(http.StatusProxyAuthRequired)
		},
	}
	pages := map[string]*page{}
	for name, answer := range answers {
		pages[name] = w.site.page(answer)
		tn.create(tn.provider(name, often(w.url(pages[name]))))
	}
	known := []string{"Accept", "Accept-Encoding", "User-Agent", "Connection"}
	for name, p := range pages {
		eventually(t, patience, func(context.Context) error {
			if n := len(p.seen()); n < 2 {
				return fmt.Errorf("%s saw %d requests so far", name, n)
			}
			return nil
		})
		for _, r := range p.seen() {
			for header := range r.Header {
				if !slices.Contains(known, header) {
					t.Errorf("%s: the request has the header %s", name, header)
				}
			}
			if r.Method != http.MethodGet || r.URL.RawQuery != "" || r.ContentLength != 0 || r.TransferEncoding != nil {
				t.Errorf("%s: the request is %s %s with %d bytes", name, r.Method, r.URL, r.ContentLength)
			}
		}
	}
}

func challenge(scheme string) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("WWW-Authenticate", scheme)
		rw.WriteHeader(http.StatusUnauthorized)
	}
}

// urlsInside: URLs in keys and in headers of assertions are not fetched by anybody.
func urlsInside(t *testing.T, w *world) {
	tn := w.tenant(t)
	there := w.site.page(text(jwks(jwk("evil", ecKey("evil").Public(), nil))))
	urls := object{"x5u": w.url(there), "jku": "https://169.254.169.254/", "jwks_uri": "https://127.0.0.1/"}
	tn.create(tn.provider("idp", remote(w.url(w.site.page(text(jwks(jwk("k", tn.keyOf("idp").Public(), urls))))))))
	tn.waitReady("idp")
	tn.wait(tn.by("idp", "ES256", "k", tn.keyOf("idp")), http.StatusOK)
	for _, url := range []string{w.url(there), "https://169.254.169.254/", "http://127.0.0.1/"} {
		for _, name := range []string{"jku", "x5u"} {
			tn.now(tn.withHeader("idp", "evil", name, `"`+url+`"`), http.StatusBadRequest)
		}
	}
	if n := len(there.seen()); n != 0 {
		t.Errorf("a URL of a key or an assertion was fetched %d times", n)
	}
}

func tlsRows() []row {
	return []row{
		{id: "K-13", name: "jwks-tls-bad", run: badTLS},
		{id: "K-13", name: "custom-ca", run: customCA},
	}
}

// badTLS: a server that cannot prove who it is gives no keys.
func badTLS(t *testing.T, w *world) {
	tn := w.tenant(t)
	document := text(jwks(jwk("", tn.keyOf("any").Public(), nil)))
	own := newAuthority("somebody's CA")
	a := w.site.authority
	self := newAuthority("127.0.0.1")
	configs := map[string]*tls.Config{
		"self-signed": {Certificates: []tls.Certificate{{Certificate: [][]byte{self.cert.Raw}, PrivateKey: self.key}}},
		"foreign-ca":  {Certificates: []tls.Certificate{own.issue(usualCertificate)}},
		"wrong-host":  {Certificates: []tls.Certificate{a.issue(func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = []string{"other.test"}, nil })}},
		"common-name": {Certificates: []tls.Certificate{a.issue(func(c *x509.Certificate) { c.Subject.CommonName, c.DNSNames, c.IPAddresses = w.host, nil, nil })}},
		"expired":     {Certificates: []tls.Certificate{a.issue(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })}},
		"early":       {Certificates: []tls.Certificate{a.issue(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) })}},
		"for-clients": {Certificates: []tls.Certificate{a.issue(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })}},
		"tls-1.1":     {Certificates: []tls.Certificate{a.issue(usualCertificate)}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11},
		"good":        {Certificates: []tls.Certificate{a.issue(usualCertificate)}},
	}
	for name, config := range configs {
		l := serveTLS(t, net.JoinHostPort(allowedAddress, "0"), document, config)
		_, port, _ := net.SplitHostPort(l.Addr().String())
		tn.create(tn.provider(name, remote("https://"+w.host+":"+port+"/jwks")))
	}
	tn.create(tn.provider("no-tls", remote("https://"+net.JoinHostPort(w.host, plainServer(t, document))+"/jwks")))
	for name := range configs {
		if name != "good" {
			tn.waitReason(kindProvider, name, v1alpha1.ConditionReady, v1alpha1.ReasonFetchFailed)
			tn.wait(tn.by(name, "ES256", "", tn.keyOf("any")), http.StatusBadRequest)
		}
	}
	tn.waitReason(kindProvider, "no-tls", v1alpha1.ConditionReady, v1alpha1.ReasonFetchFailed)
	tn.waitReady("good")
}

// plainServer serves without TLS and returns its port.
func plainServer(t *testing.T, h http.Handler) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", net.JoinHostPort(allowedAddress, "0"))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	done := make(chan struct{})
	go func() {
		_ = server.Serve(l)
		close(done)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// customCA: only what the reference holds is trusted, wherever it is, and it is looked at again when it changes.
func customCA(t *testing.T, w *world) {
	tn := w.tenant(t)
	private := string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: must(x509.MarshalECPrivateKey(ecKey("ca-key")))}))
	w.remember(strings.TrimSpace(private), strings.Split(private, "\n")[1])
	url := w.url(w.site.page(text(jwks(jwk("", tn.keyOf("any").Public(), nil)))))
	good, foreign := w.site.authority.pem, newAuthority("somebody's CA").pem
	rows := map[string]struct{ bundle, reason string }{
		"good": {good, v1alpha1.ReasonReady}, "both": {foreign + good, v1alpha1.ReasonReady}, "with-text": {"# ours\n" + good, v1alpha1.ReasonReady},
		"foreign": {foreign, v1alpha1.ReasonFetchFailed}, "garbage": {"garbage", v1alpha1.ReasonInvalidCABundle}, "space": {"\n", v1alpha1.ReasonInvalidCABundle},
		"private": {private, v1alpha1.ReasonInvalidCABundle}, "broken": {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", v1alpha1.ReasonInvalidCABundle},
		"many-begin": {strings.Repeat("-----BEGIN ", 50_000), v1alpha1.ReasonInvalidCABundle},
	}
	source := func(ref, name string) object {
		return object{"jwksURI": object{"url": url, ref: object{"name": name}, "refreshInterval": "10s"}}
	}
	for name, r := range rows {
		tn.config("map-"+name, object{"ca.crt": r.bundle})
		tn.opaque("secret-"+name, map[string]string{"ca.crt": r.bundle})
		tn.create(tn.provider("map-"+name, source("caConfigMapRef", "map-"+name)))
		tn.create(tn.provider("secret-"+name, source("caSecretRef", "secret-"+name)))
	}
	tn.create(tn.provider("none", object{"jwksURI": object{"url": url}}))
	tn.create(tn.provider("absent-map", source("caConfigMapRef", "absent")))
	tn.create(tn.provider("absent-secret", source("caSecretRef", "absent")))
	for name, r := range rows {
		tn.waitReason(kindProvider, "map-"+name, v1alpha1.ConditionReady, r.reason)
		tn.waitReason(kindProvider, "secret-"+name, v1alpha1.ConditionReady, r.reason)
	}
	tn.waitReason(kindProvider, "none", v1alpha1.ConditionReady, v1alpha1.ReasonFetchFailed)
	tn.waitReason(kindProvider, "absent-map", v1alpha1.ConditionReady, v1alpha1.ReasonConfigMapNotFound)
	tn.waitReason(kindProvider, "absent-secret", v1alpha1.ConditionReady, v1alpha1.ReasonSecretNotFound)
	tn.wait(tn.by("secret-good", "ES256", "", tn.keyOf("any")), http.StatusOK)
	tn.put("secret-good", map[string][]byte{"ca.crt": []byte("garbage")})
	tn.waitReason(kindProvider, "secret-good", v1alpha1.ConditionReady, v1alpha1.ReasonInvalidCABundle)
	tn.wait(tn.by("secret-good", "ES256", "", tn.keyOf("any")), http.StatusBadRequest)
	tn.put("secret-foreign", map[string][]byte{"ca.crt": []byte(good)})
	tn.waitReady("secret-foreign")
}
