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
		"as many as there is room": {kinds(144), true},
		"too many":                 {kinds(145), false},
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
		"long part":                {`{"` + strings.Repeat("k", 128) + `":"1"}`, false},
		"part of some length":      {`{"` + strings.Repeat("k", 127) + `":"1"}`, true},
		"broken text":              {"{\"\xff\":\"1\"}", false},
		"long":                     {`{}` + strings.Repeat(" ", 16<<10-1), false},
		"of some length":           {`{}` + strings.Repeat(" ", 16<<10-2), true},
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
		if got := l.Has(KindOAuthClients, "team-a", version); got != want {
			t.Errorf("%q: %v", version, got)
		}
		if l.Has(KindSigningKeys, "", version) || Loaded(nil).Has(KindOAuthClients, "team-a", version) {
			t.Errorf("%q: loaded without having been loaded", version)
		}
	}
}

// A namespace that is followed by itself is loaded as far as it is, whatever another one is.
func TestUpTo(t *testing.T) {
	some := Loaded{"oauthclients/team-a": 7, "oauthclients/team-b": 9}
	all := Loaded{KindOAuthClients: 5}
	for name, tc := range map[string]struct {
		loaded          Loaded
		kind, namespace string
		want            uint64
	}{
		"one of some":       {some, KindOAuthClients, "team-a", 7},
		"another":           {some, KindOAuthClients, "team-b", 9},
		"not followed":      {some, KindOAuthClients, "team-c", 0},
		"another kind":      {some, KindIdentityProviders, "team-a", 0},
		"all of some":       {some, KindOAuthClients, "", 0},
		"one of all":        {all, KindOAuthClients, "team-a", 5},
		"name like a part":  {some, "oauthclients/team-a", "", 7},
		"nothing is loaded": {nil, KindOAuthClients, "team-a", 0},
	} {
		if got := tc.loaded.UpTo(tc.kind, tc.namespace); got != tc.want {
			t.Errorf("%s: %d", name, got)
		}
	}
}

// All namespaces that can be named, with the longest names and versions, fit into the Lease.
func TestLoadedOfAllNamespacesFits(t *testing.T) {
	l := Loaded{KindSigningKeys: 1<<64 - 1, KindDigestKey: 1<<64 - 1}
	for i := range MaxWatchedNamespaces {
		namespace := fmt.Sprintf("%063d", i)
		l[Part(KindIdentityProviders, namespace)], l[Part(KindOAuthClients, namespace)] = 1<<64-1, 1<<64-1
	}
	text, err := l.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseLoaded(text)
	if diff := cmp.Diff(l, got); diff != "" || err != nil {
		t.Errorf("%d bytes: %v %s", len(text), err, diff)
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
