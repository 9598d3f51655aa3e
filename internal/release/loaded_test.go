package release

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLoaded(t *testing.T) {
	l := Loaded{KindIdentityProviders: 123, KindOAuthClients: 130, KindSigningKeys: 7, KindDigestKey: 1<<64 - 1}
	text, err := l.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"digest-key":"18446744073709551615","identityproviders":"123","oauthclients":"130","signing-keys":"7"}`
	if text != want {
		t.Errorf("text %s", text)
	}
	got, err := ParseLoaded(text)
	if diff := cmp.Diff(l, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	if text, err := Loaded(nil).Marshal(); text != "{}" || err != nil {
		t.Errorf("nothing is %s, error %v", text, err)
	}
}

func TestParseLoaded(t *testing.T) {
	kinds := func(n int) string {
		var members []string
		for i := range n {
			members = append(members, fmt.Sprintf(`"k%d":"1"`, i))
		}
		return "{" + strings.Join(members, ",") + "}"
	}
	for name, tc := range map[string]struct {
		text string
		good bool
	}{
		"nothing":                  {`{}`, true},
		"a kind to come":           {`{"fruits":"1"}`, true},
		"as many as there is room": {kinds(16), true},
		"too many":                 {kinds(17), false},
		"empty":                    {``, false},
		"null":                     {`null`, false},
		"a list":                   {`[]`, false},
		"cut":                      {`{"oauthclients":"1"`, false},
		"more":                     {`{}{}`, false},
		"a number":                 {`{"oauthclients":1}`, false},
		"null version":             {`{"oauthclients":null}`, false},
		"empty version":            {`{"oauthclients":""}`, false},
		"zero":                     {`{"oauthclients":"0"}`, false},
		"leading zero":             {`{"oauthclients":"01"}`, false},
		"signed":                   {`{"oauthclients":"+1"}`, false},
		"negative":                 {`{"oauthclients":"-1"}`, false},
		"space":                    {`{"oauthclients":" 1"}`, false},
		"hexadecimal":              {`{"oauthclients":"0x1"}`, false},
		"underscore":               {`{"oauthclients":"1_0"}`, false},
		"too large":                {`{"oauthclients":"18446744073709551616"}`, false},
		"twice":                    {`{"oauthclients":"1","oauthclients":"2"}`, false},
		"kind without name":        {`{"":"1"}`, false},
		"long kind":                {`{"` + strings.Repeat("k", 64) + `":"1"}`, false},
		"kind of some length":      {`{"` + strings.Repeat("k", 63) + `":"1"}`, true},
		"broken text":              {"{\"\xff\":\"1\"}", false},
		"long":                     {`{}` + strings.Repeat(" ", 1023), false},
		"of some length":           {`{}` + strings.Repeat(" ", 1022), true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseLoaded(tc.text)
			if (err == nil) != tc.good || (got != nil) != tc.good {
				t.Errorf("%v, error %v", got, err)
			}
		})
	}
}

func TestHas(t *testing.T) {
	l := Loaded{KindOAuthClients: 100}
	for version, want := range map[string]bool{
		"99": true, "100": true, "101": false, "9": true, "1000": false, "": false, "x": false, "0": false, "099": false, "-1": false,
	} {
		if got := l.Has(KindOAuthClients, version); got != want {
			t.Errorf("%q: %v", version, got)
		}
		if l.Has(KindSigningKeys, version) || Loaded(nil).Has(KindOAuthClients, version) {
			t.Errorf("%q: loaded without having been loaded", version)
		}
	}
}

func TestKindOfSecret(t *testing.T) {
	for name, want := range map[string]string{
		SigningKeysSecretName: KindSigningKeys, DigestKeySecretName: KindDigestKey, "another": "", "": "", "signing-keys": "",
	} {
		if got, ok := KindOfSecret(name); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v", name, got, ok)
		}
	}
}

func FuzzParseLoaded(f *testing.F) {
	f.Add(`{"oauthclients":"130","signing-keys":"7"}`)
	f.Add(`{"oauthclients":"01"}`)
	f.Fuzz(func(t *testing.T, text string) {
		l, err := ParseLoaded(text)
		if err != nil {
			return
		}
		again, err := l.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		same, err := ParseLoaded(again)
		if diff := cmp.Diff(l, same); diff != "" || err != nil {
			t.Error(err, diff)
		}
	})
}
