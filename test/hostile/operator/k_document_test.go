package operator

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// badAnswers are answers with status 200 that are no JWK Set with keys, and answers with another status.
func badAnswers(good string) map[string]http.HandlerFunc {
	all := map[string]http.HandlerFunc{}
	for name, body := range map[string]string{
		"no-keys": `{"keys":[]}`, "empty-object": `{}`, "list": `[]`, "null": `null`, "html": "<!doctype html><title>Sign in</title>",
		"nothing": "", "space": " \n", "nul": "\x00\x00", "true": "true", "string": `"keys"`, "keys-null": `{"keys":null}`, "keys-object": `{"keys":{}}`,
		"keys-string": `{"keys":"x"}`, "key-null": `{"keys":[null]}`, "key-string": `{"keys":["x"]}`, "key-list": `{"keys":[[]]}`, "key-empty": `{"keys":[{}]}`,
		"twice": `{"keys":[],"keys":` + good[len(`{"keys":`):], "cut": good[:len(good)-2], "two": good + good, "garbage-after": good + "x", "bom": "\ufeff" + good,
		"utf16": "\xfe\xff\x00{\x00}", "not-utf8": strings.Replace(good, `"EC"`, "\"E\xc3\"", 1), "deep": strings.Repeat("[", 100_000), "deep-keys": `{"keys":` + strings.Repeat("[", 100_000),
		"case": strings.Replace(good, `"keys"`, `"Keys"`, 1), "single-quotes": strings.ReplaceAll(good, `"`, `'`), "comment": "/**/" + good, "jwt": "eyJhbGciOiJub25lIn0.e30.",
		"pem": "-----BEGIN PUBLIC KEY-----\n", "xml": "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><x>&a;</x>", "yaml": "keys:\n- kty: EC\n",
	} {
		all[name] = text(body)
	}
	for _, code := range []int{201, 203, 204, 206, 300, 304, 400, 401, 403, 404, 407, 410, 418, 429, 500, 502, 503, 504, 599, 999} {
		all[fmt.Sprintf("status-%d", code)] = status(code, good)
	}
	all["gzip"] = func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(rw)
		_, _ = z.Write([]byte(good))
		_ = z.Close()
	}
	all["closed"] = func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	all["short"] = func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Length", "100000")
		_, _ = rw.Write([]byte(good))
	}
	return all
}

func documentRows() []row {
	return []row{
		{id: "K-03", name: "jwks-empty-at-first", run: badAtFirst, bulk: true},
		{id: "K-03", name: "jwks-empty-later", run: badLater, long: true},
		{id: "K-03", name: "jwks-status-says-nothing-of-the-body", run: bodyInStatus},
	}
}

// badAtFirst: without a good answer there are no keys, and no assertion is accepted, signed or not.
func badAtFirst(t *testing.T, w *world) {
	tn := w.tenant(t)
	key := tn.keyOf("any")
	answers := badAnswers(jwks(jwk("", key.Public(), nil)))
	for name, answer := range answers {
		tn.create(tn.provider(name, remote(w.url(w.site.page(answer)))))
	}
	for name := range answers {
		tn.waitKeys(name, v1alpha1.ReasonInvalidKeyMaterial, v1alpha1.ReasonFetchFailed)
		p, err := w.providerOf(t.Context(), tn.namespace, name)
		if err != nil {
			t.Fatal(err)
		}
		if p.Status.Trust != nil {
			t.Errorf("%s: the status trusts %+v", name, p.Status.Trust)
		}
	}
	for _, name := range []string{"no-keys", "null", "html", "nothing", "status-404", "twice"} {
		tn.wait(tn.by(name, "ES256", "", key), http.StatusBadRequest)
		tn.now(tn.unsigned(name), http.StatusBadRequest)
	}
}

// unsigned makes assertions with alg none.
func (tn *tenant) unsigned(provider string) func() string {
	return func() string {
		signed := strings.Split(tn.by(provider, "ES256", "", ecKey("any"))(), ".")
		return base64url([]byte(`{"alg":"none"}`)) + "." + signed[1] + "."
	}
}

// badLater: the last good keys work for maxStale, and then none.
func badLater(t *testing.T, w *world) {
	tn := w.tenant(t)
	good := jwks(jwk("", tn.keyOf("any").Public(), nil))
	bad := badAnswers(good)
	names := []string{"no-keys", "null", "html", "nothing", "status-404", "status-500", "closed", "keys-null", "key-string"}
	pages := map[string]*page{}
	for _, name := range names {
		pages[name] = w.site.page(text(good))
		source := often(w.url(pages[name]))
		source["jwksURI"].(object)["maxStale"] = "20s" //nolint:forcetypeassert,errcheck // It is one.
		tn.create(tn.provider(name, source))
	}
	for _, name := range names {
		tn.waitReady(name)
		tn.wait(tn.by(name, "ES256", "", tn.keyOf("any")), http.StatusOK)
		pages[name].set(bad[name])
	}
	kept := 0
	for _, name := range names {
		if tn.waitKeys(name, v1alpha1.ReasonFetchFailing, v1alpha1.ReasonKeysStale) == v1alpha1.ReasonFetchFailing {
			kept++
			tn.now(tn.unsigned(name), http.StatusBadRequest)
		}
		if kept == 1 {
			tn.now(tn.by(name, "ES256", "", tn.keyOf("any")), http.StatusOK)
		}
	}
	if kept == 0 {
		t.Error("no last good keys were kept")
	}
	for _, name := range names {
		tn.waitReasonWithin(patience, kindProvider, name, v1alpha1.ConditionReady, v1alpha1.ReasonKeysStale)
		tn.wait(tn.by(name, "ES256", "", tn.keyOf("any")), http.StatusBadRequest)
	}
	pages[names[0]].set(text(good)) // It is not for ever.
	tn.waitReasonWithin(patience, kindProvider, names[0], v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	tn.wait(tn.by(names[0], "ES256", "", tn.keyOf("any")), http.StatusOK)
}

// bodyInStatus: who may write objects learns nothing of what a URL answers.
func bodyInStatus(t *testing.T, w *world) {
	const inside = "INSIDE-4711-of-the-answer"
	w.remember(inside)
	tn := w.tenant(t)
	answers := map[string]http.HandlerFunc{
		"body": text(inside), "json": text(`{"` + inside + `":"` + inside + `"}`), "kty": text(`{"keys":[{"kty":"` + inside + `"}]}`),
		"crv": text(`{"keys":[{"kty":"EC","crv":"` + inside + `","x":"` + inside + `","y":"AA"}]}`), "error": status(500, inside),
		"header": func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Location", "https://"+inside+"/")
			rw.Header().Set("WWW-Authenticate", inside)
			rw.WriteHeader(http.StatusFound)
		},
	}
	for name, answer := range answers {
		tn.create(tn.provider(name, remote(w.url(w.site.page(answer)))))
	}
	for name := range answers {
		tn.waitKeys(name, v1alpha1.ReasonInvalidKeyMaterial, v1alpha1.ReasonFetchFailed, v1alpha1.ReasonUnsupportedKey)
	}
}

func sizeRows() []row { return []row{{id: "K-05", name: "jwks-huge", run: huge, alone: true}} }

// maxSent is what may leave the server for a document of 1 MiB at most: the buffers of both ends come on top.
const maxSent = 16 << 20

// huge documents end a fetch as soon as they are too large, and leave nothing in the memory of the operator.
func huge(t *testing.T, w *world) {
	const size = 300 << 20
	var sent atomic.Int64
	write := func(rw io.Writer, most int64, chunk string) {
		for n := int64(0); n < most; {
			written, err := io.WriteString(rw, chunk)
			n += int64(written)
			sent.Add(int64(written))
			if err != nil {
				return
			}
		}
	}
	spaces := strings.Repeat(" ", 64<<10)
	answers := map[string]http.HandlerFunc{
		"announced": func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Length", fmt.Sprint(size))
			write(rw, size, spaces)
		},
		"chunked": func(rw http.ResponseWriter, _ *http.Request) { write(rw, size, spaces) },
		"endless": func(rw http.ResponseWriter, _ *http.Request) { write(rw, 1<<50, spaces) },
		"endless-keys": func(rw http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(rw, `{"keys":[`)
			write(rw, 1<<50, strings.Repeat(`{"kty":"EC"},`, 1000))
		},
		"bomb": func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(rw)
			write(z, size/4, spaces)
			_ = z.Close()
		},
		"headers": func(rw http.ResponseWriter, _ *http.Request) {
			for i := range 4000 {
				rw.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("x", 1000))
			}
		},
	}
	tn := w.tenant(t)
	before, start := w.memory(t), time.Now()
	for name, answer := range answers {
		tn.create(tn.provider(name, remote(w.url(w.site.page(answer)))))
	}
	for name := range answers {
		tn.waitReasonWithin(slow(15*time.Second), kindProvider, name, v1alpha1.ConditionReady, v1alpha1.ReasonFetchFailed)
	}
	if took := time.Since(start); took > slow(10*time.Second) {
		t.Errorf("the fetches took %s", took)
	}
	if n := sent.Load() - size/4; n > int64(len(answers))*maxSent {
		t.Errorf("%d bytes were taken from the server", n)
	}
	bound := int64(20 << 20)
	if raceDetector {
		bound *= 5
	}
	eventually(t, 20*time.Second, func(context.Context) error {
		if grown := w.memory(t) - before; grown > bound {
			return fmt.Errorf("the operator holds %d bytes more", grown)
		}
		return nil
	})
}

func slowRows() []row {
	return []row{
		{id: "K-06", name: "jwks-slow-headers", run: slowOthers, alone: true},
		{id: "K-07", name: "jwks-slow-body", run: slowGivesUp, long: true},
	}
}

// slowAnswers are those that never end.
func slowAnswers(done <-chan struct{}) map[string]http.HandlerFunc {
	drip := func(rw http.ResponseWriter, r *http.Request, part string) {
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				_, _ = io.WriteString(rw, part)
				_ = http.NewResponseController(rw).Flush()
			case <-r.Context().Done():
				return
			case <-done:
				return
			}
		}
	}
	return map[string]http.HandlerFunc{
		"headers": func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-r.Context().Done():
			case <-done:
			}
		},
		"body": func(rw http.ResponseWriter, r *http.Request) { drip(rw, r, " ") },
		"announced": func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Length", "100000")
			drip(rw, r, "{")
		},
		"redirects": func(rw http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(4 * time.Second):
				http.Redirect(rw, r, r.URL.Path, http.StatusFound)
			case <-done:
			}
		},
	}
}

func closing(t *testing.T) <-chan struct{} {
	t.Helper()
	done := make(chan struct{})
	t.Cleanup(func() { close(done) })
	return done
}

// slowGivesUp: a fetch ends after ten seconds, however little comes meanwhile.
func slowGivesUp(t *testing.T, w *world) {
	tn := w.tenant(t)
	answers := slowAnswers(closing(t))
	start := time.Now()
	for name, answer := range answers {
		tn.create(tn.provider(name, remote(w.url(w.site.page(answer)))))
	}
	for name := range answers {
		tn.wait(tn.fresh(name), http.StatusBadRequest)
		message := tn.waitReasonWithin(slow(13*time.Second), kindProvider, name, v1alpha1.ConditionReady, v1alpha1.ReasonFetchFailed)
		if !strings.Contains(message, "took too long") {
			t.Errorf("%s: %s", name, message)
		}
	}
	if took := time.Since(start); took < 9*time.Second {
		t.Errorf("it took %s, so that nothing was slow", took)
	}
}

// slowOthers: while many fetches of one tenant hang, exchanges take no longer, and the keys of others are fetched at once.
func slowOthers(t *testing.T, w *world) {
	before := w.latency(t)
	tn := w.tenant(t)
	done := closing(t)
	for i := range 6 {
		for name, answer := range slowAnswers(done) {
			tn.create(tn.provider(fmt.Sprintf("%s%d", name, i), remote(w.url(w.site.page(answer)))))
		}
	}
	tn.waitReason(kindProvider, "headers0", v1alpha1.ConditionReady, v1alpha1.ReasonPending)
	other := w.tenant(t)
	other.create(other.provider("idp", remote(w.url(w.site.page(text(jwks(jwk("", other.keyOf("idp").Public(), nil))))))))
	other.waitReady("idp")
	other.wait(other.fresh("idp"), http.StatusOK)
	during := w.latency(t)
	if during > 2*before+slow(50*time.Millisecond) {
		t.Errorf("99 of 100 exchanges took %s before, and %s meanwhile", before, during)
	}
	tn.now(tn.fresh("headers0"), http.StatusBadRequest)
}

// latency is how long 99 of 100 exchanges of the healthy tenant take at most, the best of some tries: others use this
// machine too.
func (w *world) latency(t *testing.T) time.Duration {
	t.Helper()
	best := time.Hour
	for range 3 {
		var slowest, second time.Duration
		for range 100 {
			a, err := w.healthy.post(t.Context(), 0, w.healthy.fresh("idp")())
			if err != nil || a.status != http.StatusOK {
				t.Fatal(errors.Join(err, fmt.Errorf("status %d", a.status)))
			}
			if a.took > slowest {
				slowest, second = a.took, slowest
			} else {
				second = max(second, a.took)
			}
		}
		best = min(best, second)
	}
	return best
}
