package assertion

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// RFC 8693 §4.4: who a may_act names. What cannot be understood names nobody, and refuses nothing where nobody asks.
func TestMayAct(t *testing.T) {
	nobody := &Party{}
	for value, want := range map[string]*Party{
		``:                              nil,
		`{"sub":"a"}`:                   {Subject: "a"},
		`{"sub":"a","iss":"i"}`:         {Issuer: "i", Subject: "a"},
		`{"sub":"a","email":["x"]}`:     {Subject: "a"},
		`{"iss":"i"}`:                   {Issuer: "i"},
		`{"s\u0075b":"a"}`:              {Subject: "a"},
		`{"Sub":"a"}`:                   nobody,
		`{}`:                            nobody,
		`null`:                          nobody,
		`"a"`:                           nobody,
		`["a"]`:                         nobody,
		`true`:                          nobody,
		`{"sub":""}`:                    nobody,
		`{"sub":null}`:                  nobody,
		`{"sub":["a"]}`:                 nobody,
		`{"sub":1}`:                     nobody,
		`{"sub":"a","iss":""}`:          nobody,
		`{"sub":"a","iss":1}`:           nobody,
		`{"sub":"a","sub":"b"}`:         nobody,
		`{"sub":"a","s\u0075b":"b"}`:    nobody,
		`{"sub":"a\u0000"}`:             nobody,
		`[{"sub":"a"}]`:                 nobody,
		`{"sub":"` + long(513) + `"}`:   nobody,
		`{"sub":"` + long(512) + `"}`:   {Subject: long(512)},
		`{"act":{"sub":"a"},"iss":"i"}`: {Issuer: "i"},
	} {
		t.Run(value, func(t *testing.T) {
			change := nothing()
			if value != "" {
				change = claim("may_act", value)
			}
			p := present(accepted, change)
			v, _, err := p.verify(NewVerifier(ownIssuer, ownTenants), p.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, v.Claims().MayAct()); diff != "" {
				t.Errorf("may_act (-want +got):\n%s", diff)
			}
		})
	}
}

func long(n int) string { return strings.Repeat("s", n) }
