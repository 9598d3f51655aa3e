package tokenserver

import (
	"crypto/elliptic"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// declared is how much a store holds, in namespaces of a hundred providers or fewer.
type declared struct{ providers, clients int }

func (d declared) namespace(i int) string {
	return fmt.Sprintf("tenant-%03d", i%max(1, d.providers/100))
}

func (declared) issuer(i int) string { return fmt.Sprintf("https://idp-%05d.example.com", i) }

func (d declared) client(i int) trust.ObjectKey {
	return trust.ObjectKey{Namespace: d.namespace(i), Name: fmt.Sprintf("app-%06d", i)}
}

// objects makes all of them, each provider with a key object of its own.
func (d declared) objects(f *fixture) (providers []*trust.Provider, clients []*trust.Client) {
	key := jwttest.EC(idpA, elliptic.P256()).Public()
	for i := range d.providers {
		p := provider("a", d.issuer(i))
		p.Key = trust.ObjectKey{Namespace: d.namespace(i), Name: fmt.Sprintf("idp-%05d", i)}
		p.SubjectPrefix = p.DefaultSubjectPrefix()
		p.Keys = []*jose.PublicKey{must(jose.NewPublicKey(key))}
		providers = append(providers, p)
	}
	for i := range d.clients {
		k := d.client(i)
		c := f.client(k.Namespace + "." + k.Name)
		c.Key, c.Providers = k, nil
		clients = append(clients, c)
	}
	return providers, clients
}

// calls are requests of clients all over the store.
func (d declared) calls(f *fixture, n int) (calls []call) {
	const stride = 7919 // It divides no size.
	key := jwttest.EC(idpA, elliptic.P256())
	namespaces := max(1, d.providers/100)
	for i := range n {
		who := i * stride % d.clients
		issuer := d.issuer((who%namespaces + i*namespaces) % d.providers)
		k := d.client(who)
		assertion := jwttest.Compact("ES256", key, `{"alg":"ES256","typ":"JWT"}`, f.claims(issuer, strconv.Itoa(i)).String())
		calls = append(calls, f.call(k.Namespace+"."+k.Name, assertion))
	}
	return calls
}

// BenchmarkDeclared is the whole handler, asked by as many clients as there are, where hardly anything and where very much is
// declared. hack/bench-profile.sh makes the profile of docs/performance.md of it.
func BenchmarkDeclared(b *testing.B) {
	for name, d := range map[string]declared{"one": {1, 1}, "all": {10_000, 100_000}} {
		b.Run(name, func(b *testing.B) {
			f := newFixture(b, func(c *Config) {
				c.Audit = slog.New(slog.NewJSONHandler(discard{}, nil))
				c.Replay = &renumbered{Store: c.Replay}
			})
			providers, clients := d.objects(f)
			f.store.Update(func(tx *trust.Tx) {
				tx.ReplaceProviders("", providers)
				tx.ReplaceClients("", clients)
			})
			var headers []http.Header
			var bodies []string
			for _, c := range d.calls(f, 20_000) {
				headers, bodies = append(headers, c.header), append(bodies, c.form.Encode())
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				w, r := httptest.NewRecorder(), ask(http.MethodPost, PathToken, bodies[i%len(bodies)])
				r.Header = headers[i%len(bodies)]
				f.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Fatal(w.Body)
				}
			}
		})
	}
}
