package assertion

import (
	"crypto"
	"crypto/elliptic"
	"slices"
	"strings"
	"sync"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/claimrules"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// The vocabulary of the rows.

// all applies several changes that make one defect together.
func all(changes ...change) change {
	return func(a *attempt) {
		for _, c := range changes {
			c(a)
		}
	}
}

func nothing() change { return func(*attempt) {} }

// header sets header parameters: names and values in turn, values as JSON text.
func header(pairs ...string) change {
	return func(a *attempt) {
		for p := range slices.Chunk(pairs, 2) {
			a.header = a.header.Set(p[0], p[1])
		}
	}
}

func withoutHeader(name string) change { return func(a *attempt) { a.header = a.header.Delete(name) } }

// claim sets claims: names and values in turn, values as JSON text.
func claim(pairs ...string) change {
	return func(a *attempt) {
		for p := range slices.Chunk(pairs, 2) {
			a.claims = a.claims.Set(p[0], p[1])
		}
	}
}

func withoutClaim(name string) change { return func(a *attempt) { a.claims = a.claims.Delete(name) } }

// repeated adds a member to the claims even when it is there; the name is JSON text.
func repeated(name, value string) change {
	return func(a *attempt) { a.claims = append(slices.Clone(a.claims), jwttest.Member{Name: name, Value: value}) }
}

// payload replaces the payload by a text.
func payload(text string) change { return func(a *attempt) { a.payload = &text } }

// payloadOf replaces the payload by a text made of the claims' text.
func payloadOf(f func(claims string) string) change {
	return func(a *attempt) { payload(f(a.claims.String()))(a) }
}

// headerText replaces the header by a text, whatever it is.
func headerText(text string) change {
	return func(a *attempt) {
		a.edit = func(t string) string {
			_, rest, _ := strings.Cut(t, ".")
			return jwttest.Resign(a.alg, a.key, jwttest.Part(text)+"."+rest)
		}
	}
}

// signed signs with another algorithm and key than the provider expects; the header says what it said.
func signed(alg string, key any) change { return func(a *attempt) { a.alg, a.key = alg, key } }

// signedAs is signed, and the header says so.
func signedAs(alg string, key any) change {
	return all(signed(alg, key), header("alg", jwttest.Quote(alg)))
}

// text replaces the whole assertion.
func text(s string) change { return edit(func(string) string { return s }) }

// edit changes the finished text.
func edit(f func(text string) string) change { return func(a *attempt) { a.edit = f } }

// parts changes the three parts of the finished text, and signs again when asked to.
func parts(resign bool, f func(p []string)) change {
	return func(a *attempt) {
		a.edit = func(t string) string {
			p := strings.Split(t, ".")
			f(p)
			t = strings.Join(p, ".")
			if resign {
				t = jwttest.Resign(a.alg, a.key, t)
			}
			return t
		}
	}
}

// signature changes the bytes of the signature.
func signature(f func(sig []byte) []byte) change {
	return func(a *attempt) {
		a.edit = func(t string) string {
			input := t[:strings.LastIndexByte(t, '.')]
			return input + "." + jwttest.Part(string(f(jwttest.Sign(a.alg, a.key, []byte(input)))))
		}
	}
}

// trusting changes the provider.
func trusting(f func(p *trust.Provider)) change { return func(a *attempt) { f(a.provider) } }

// client changes the client.
func client(f func(c *trust.Client)) change { return func(a *attempt) { f(a.client) } }

// beside adds another provider to the store.
func beside(p *trust.Provider) change { return func(a *attempt) { a.others = append(a.others, p) } }

// attacker is a key that nobody trusts.
func attacker() crypto.Signer { return jwttest.RSA("attacker", 2048) }

// sized pads the assertion, in an ignored claim and in white space of the header, to exactly the given length.
func sized(length int) change {
	return func(a *attempt) {
		a.edit = func(t string) string {
			for headerPad := range 3 {
				h := a.header.String() + strings.Repeat(" ", headerPad)
				missing := (length - len(t)) * 3 / 4
				for pad := missing - 24; pad <= missing; pad++ {
					sized := jwttest.Compact(a.alg, a.key, h, a.claims.Set("pad", jwttest.Quote(strings.Repeat("x", pad))).String())
					if len(sized) == length {
						return sized
					}
				}
			}
			panic("no padding makes this length")
		}
	}
}

// providers are the keys of providers in the namespace of the client.
func providers(names ...string) []trust.ObjectKey {
	keys := []trust.ObjectKey{}
	for _, name := range names {
		keys = append(keys, trust.ObjectKey{Namespace: "ns-a", Name: name})
	}
	return keys
}

// federated makes the attempt a client assertion that the provider signs for the workload of the client.
func federated() change {
	return func(a *attempt) {
		a.purpose = asClient
		a.client.Authentication = trust.AuthenticationFederated
		a.client.Workload = trust.Workload{Provider: a.provider.Key, Subject: "alice"}
		a.claims = a.claims.Set("aud", jwttest.Quote(ownIssuer))
	}
}

// privateKey makes the attempt a client assertion that the client signs.
func privateKey() change {
	return func(a *attempt) {
		a.purpose = asClient
		key := jwttest.EC("client c1", elliptic.P256())
		a.client.Authentication, a.client.Keys = trust.AuthenticationPrivateKey, []*jose.PublicKey{public(key)}
		a.alg, a.key = "ES256", key
		a.header = a.header.Set("alg", `"ES256"`)
		a.claims = a.claims.Set("iss", `"c1"`).Set("sub", `"c1"`).Set("aud", jwttest.Quote(ownIssuer))
	}
}

// ruled gives the provider rules.
func ruled(r claimrules.Rules) change {
	return trusting(func(p *trust.Provider) { p.Rules = must(compiler().Compile(r)) })
}

// compiler is made once: it takes time.
var compiler = sync.OnceValue(func() *claimrules.Compiler { return must(claimrules.NewCompiler()) })

func p256() elliptic.Curve { return elliptic.P256() }
