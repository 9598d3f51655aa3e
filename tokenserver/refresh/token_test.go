package refresh

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/tokenserver/state"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// M-01: each token of a family is one step of it.
func TestSteps(t *testing.T) {
	token, end := New(grant(), noon.Add(700*time.Millisecond)), grant().End
	family := token.Family().ID()
	want := []state.Step{{Family: family, Number: 0, Issued: noon, Until: end}}
	got := []state.Step{token.Step()}
	for i := range 3 {
		token = token.Next(noon.Add(time.Duration(i+1)*time.Minute + 900*time.Millisecond))
		want = append(want, state.Step{Family: family, Number: uint32(i + 1), Issued: noon.Add(time.Duration(i+1) * time.Minute), Until: end})
		got = append(got, token.Step())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(grant(), token.Grant()); diff != "" {
		t.Errorf("the grant changes along the way (-want +got):\n%s", diff)
	}
}

// M-04, M-10: a token is of one client, as one object.
func TestIsOf(t *testing.T) {
	for name, tc := range map[string]struct {
		client *trust.Client
		want   bool
	}{
		"the client":       {&trust.Client{UID: uid, ID: "team-a.app"}, true},
		"M-10 made anew":   {&trust.Client{UID: "other", ID: "team-a.app"}, false},
		"M-04 another":     {&trust.Client{UID: "other", ID: "other"}, false},
		"with another id":  {&trust.Client{UID: uid, ID: "other"}, false},
		"nobody":           {nil, false},
		"without identity": {&trust.Client{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := New(grant(), noon).IsOf(tc.client); got != tc.want {
				t.Errorf("is of it: %t", got)
			}
		})
	}
}

// O-02: the jti of an access token names its family, and nothing else does.
func TestFamilyOf(t *testing.T) {
	family := New(grant(), noon).Family()
	name := family.String()
	for jti, want := range map[string]bool{
		family.JWTID("x"):               true,
		name + ".":                      true,
		name + ".a.b":                   true,
		name:                            false,
		"":                              false,
		".":                             false,
		"." + name:                      false,
		name[1:] + ".x":                 false,
		name + "A.x":                    false,
		"!" + name[1:] + ".x":           false,
		name[:21] + "\n.x":              false,
		name[:21] + "=.x":               false,
		strings.Repeat("A", 22):         false,
		"AAAAAAAAAAAAAAAAAAAAAB.x":      false, // trailing bits
		"\n" + name[:21] + ".x":         false,
		strings.Repeat("\r", 22) + ".x": false,
	} {
		t.Run(jti, func(t *testing.T) {
			got, ok := FamilyOf(jti)
			if ok != want || ok && got != family {
				t.Errorf("got %v, %t", got, ok)
			}
		})
	}
}

// Families are told apart, and what stands for one in a store is pinned: other versions of the server look there too.
func TestFamilyID(t *testing.T) {
	seen := map[state.ID]bool{}
	for range 10_000 {
		f := New(grant(), noon).Family()
		if seen[f.ID()] || f == (Family{}) {
			t.Fatalf("family %s comes twice", f)
		}
		seen[f.ID()] = true
	}
	f := Family{1, 2, 3}
	const want = "040f0275681e25e347180e90204aeca5f81d62e6447c42a0e178e43db4958cda"
	if id := f.ID(); hex.EncodeToString(id[:]) != want {
		t.Errorf("the id is %x, want %s", id, want)
	}
	if got := f.Digest(); got != want[:32] {
		t.Errorf("logs have %s, want %s", got, want[:32])
	}
}

// nothing prints what a token holds.
func TestTokenPrints(t *testing.T) {
	token := New(grant(), noon)
	for _, verb := range []string{"%v", "%+v", "%s", "%q"} {
		text := fmt.Sprintf(verb, token) + fmt.Sprintf(verb, &token) + fmt.Sprintf(verb, []Token{token})
		for _, secret := range []string{"lice", uid, token.family.String()} {
			if strings.Contains(text, secret) {
				t.Errorf("%s prints %q: %s", verb, secret, text)
			}
		}
	}
}
