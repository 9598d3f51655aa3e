package strictjson

import (
	"encoding/json"
	"testing"
	"time"
)

func seeds(f *testing.F) {
	f.Helper()
	for _, seed := range []string{
		`{}`, `{"a":1,"b":"x","c":[1,{"a":null}],"d":true}`, `{"a":1,"\u0061":2}`, `{"a":{"b":1,"b":2}}`, `[]`, `null`, ``, ` `, `{`,
		`{"a":1}{}`, `{"a":"\ud800"}`, "{\"a\":\"\xff\"}", "\xef\xbb\xbf{}", `{"a":"[[[["}`, `{"a":[[[[]]]]}`, `{"a":"\\","b":"\""}`,
		`{"aud":["a","b"],"exp":1780315200.5,"iat":1e9}`, `{"a":-0,"b":1e400}`, `]]]]{"a":1}`,
	} {
		f.Add([]byte(seed))
	}
}

// FuzzObject: what is accepted is an object to encoding/json too, with the same members, each name once.
func FuzzObject(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		got := map[string]string{}
		err := Object(data, func(name string, v Value) error {
			if _, twice := got[name]; twice {
				t.Fatalf("name %q twice", name)
			}
			got[name] = string(v)
			return nil
		})
		if err != nil {
			return
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatalf("accepted %q, which is no object: %v", data, err)
		}
		if len(want) != len(got) {
			t.Fatalf("%d members, want %d", len(got), len(want))
		}
		for name, value := range want {
			if got[name] != string(value) {
				t.Fatalf("member %q = %s, want %s", name, got[name], value)
			}
		}
	})
}

// FuzzValue: what String, StringOrList and NumericDate return of a value is what encoding/json reads there.
func FuzzValue(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		_ = Object(data, func(_ string, v Value) error {
			checkValue(t, v)
			return nil
		})
	})
}

func checkValue(t *testing.T, v Value) {
	t.Helper()
	var want any
	if err := json.Unmarshal([]byte(v), &want); err != nil && json.Valid([]byte(v)) {
		want = json.Number(v) // out of the range of float64
	} else if err != nil {
		t.Fatalf("visited %q: %v", v, err)
	}
	if s, err := v.String(64); err == nil && (s != want || s == "" || len(s) > 64) {
		t.Fatalf("String of %s = %q", v, s)
	}
	if list, err := v.StringOrList(8); err == nil {
		checkList(t, list, want)
	}
	if at, err := v.NumericDate(); err == nil {
		f, ok := want.(float64)
		if diff := at.Sub(time.Unix(int64(f), 0)); !ok || diff < 0 || diff >= time.Second || f < 0 || at.UTC().Year() > 9999 {
			t.Fatalf("NumericDate of %s = %v", v, at)
		}
	}
}

func checkList(t *testing.T, got []string, value any) {
	t.Helper()
	want, isList := value.([]any)
	if !isList {
		want = []any{value}
	}
	if len(got) != len(want) || len(got) == 0 {
		t.Fatalf("StringOrList = %q, want %v", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("StringOrList = %q, want %v", got, want)
		}
	}
}
