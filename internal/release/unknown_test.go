package release

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
)

func TestUnknownKeys(t *testing.T) {
	at := time.Date(2026, 5, 1, 14, 0, 0, 123456789, time.FixedZone("", 7200))
	keys := []UnknownKey{
		{KindIdentityProviders, types.NamespacedName{Namespace: "team-a", Name: "partner"}, at},
		{KindOAuthClients, types.NamespacedName{Namespace: "team-a", Name: "partner"}, at},
		{KindOAuthClients, types.NamespacedName{Namespace: strings.Repeat("n", 63), Name: strings.Repeat("a.", 126) + "b"}, at},
	}
	text, err := MarshalUnknownKeys(keys)
	if err != nil {
		t.Fatal(err)
	}
	if want := `[{"provider":"team-a/partner","at":"2026-05-01T12:00:00.123456789Z"},{"client":"team-a/partner","at":"2026-05-01T12:00:00.123456789Z"},`; !strings.HasPrefix(text, want) {
		t.Errorf("text %s", text)
	}
	got, err := ParseUnknownKeys(text)
	if diff := cmp.Diff(keys, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

// The largest list that can be written can be read.
func TestUnknownKeysFit(t *testing.T) {
	at := time.Date(2026, 5, 1, 14, 0, 0, 123456789, time.UTC)
	var keys []UnknownKey
	for range MaxUnknownKeys {
		keys = append(keys, UnknownKey{KindIdentityProviders, types.NamespacedName{Namespace: strings.Repeat("n", 63), Name: strings.Repeat("a", 63) + strings.Repeat(".a", 95)}, at})
	}
	text, err := MarshalUnknownKeys(keys)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseUnknownKeys(text); err != nil {
		t.Error(err)
	}
}

func TestParseUnknownKeys(t *testing.T) {
	entries := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(`{"provider":"a/p%d","at":"2026-05-01T12:00:00Z"}`, i))
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	provider := func(name string) string {
		return fmt.Sprintf(`[{"provider":%q,"at":"2026-05-01T12:00:00Z"}]`, name)
	}
	for name, tc := range map[string]struct {
		text string
		good bool
	}{
		"none":                   {`[]`, true},
		"one":                    {entries(1), true},
		"as many as may be":      {entries(MaxUnknownKeys), true},
		"too many":               {entries(MaxUnknownKeys + 1), false},
		"empty":                  {``, false},
		"an object":              {`{}`, false},
		"cut":                    {`[{"provider":"a/b"`, false},
		"more":                   {`[][]`, false},
		"another member":         {`[{"provider":"a/b","at":"2026-05-01T12:00:00Z","x":1}]`, false},
		"a member twice":         {`[{"provider":"a/b","provider":"a/b","at":"2026-05-01T12:00:00Z"}]`, false},
		"a client":               {`[{"client":"a/b","at":"2026-05-01T12:00:00Z"}]`, true},
		"client alone":           {`[{"client":"b","at":"2026-05-01T12:00:00Z"}]`, false},
		"client and provider":    {`[{"provider":"a/b","client":"a/b","at":"2026-05-01T12:00:00Z"}]`, false},
		"one name in two":        {`[{"provider":"a/","client":"b","at":"2026-05-01T12:00:00Z"}]`, false},
		"without provider":       {`[{"at":"2026-05-01T12:00:00Z"}]`, false},
		"without time":           {`[{"provider":"a/b"}]`, false},
		"another time":           {`[{"provider":"a/b","at":"yesterday"}]`, false},
		"null":                   {`[null]`, false},
		"provider alone":         {provider("b"), false},
		"provider without name":  {provider("a/"), false},
		"name without namespace": {provider("/b"), false},
		"two slashes":            {provider("a/b/c"), false},
		"upper case":             {provider("a/B"), false},
		"dots in the namespace":  {provider("a.b/c"), false},
		"dots in the name":       {provider("a/b.c"), true},
		"control characters":     {provider("a/b\x00"), false},
		"long namespace":         {provider(strings.Repeat("a", 64) + "/b"), false},
		"long name":              {provider("a/" + strings.Repeat("b", 254)), false},
		"long":                   {`[]` + strings.Repeat(" ", MaxUnknownKeys*maxUnknownKeyBytes), false},
		"deep":                   {strings.Repeat("[", 10000), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := ParseUnknownKeys(tc.text); (err == nil) != tc.good {
				t.Errorf("%v, error %v", got, err)
			}
		})
	}
}

func TestUnknownKeyOfAnotherKind(t *testing.T) {
	if text, err := MarshalUnknownKeys([]UnknownKey{{KindDigestKey, types.NamespacedName{Namespace: "a", Name: "b"}, time.Now()}}); err == nil {
		t.Errorf("wrote %s", text)
	}
}

func FuzzParseUnknownKeys(f *testing.F) {
	f.Add(`[{"provider":"team-a/partner","at":"2026-05-01T12:00:00.123456789Z"}]`)
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := ParseUnknownKeys(text)
		if err != nil {
			return
		}
		if len(keys) > MaxUnknownKeys {
			t.Errorf("%d entries", len(keys))
		}
		for _, k := range keys {
			if strings.ContainsAny(k.Of.String(), "\x00 \n") || k.At.IsZero() {
				t.Errorf("%+v", k)
			}
		}
	})
}
