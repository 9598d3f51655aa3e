package strictjson

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestString(t *testing.T) {
	for name, tc := range map[string]struct {
		value string
		want  string
		err   error
	}{
		"plain":             {`"abc"`, "abc", nil},
		"escaped":           {`"a\u0062\/\""`, `ab/"`, nil},
		"surrogates":        {`"\ud83d\ude00"`, "😀", nil},
		"longest":           {`"` + strings.Repeat("x", 10) + `"`, strings.Repeat("x", 10), nil},
		"longest, escaped":  {`"` + strings.Repeat(`\u0078`, 10) + `"`, strings.Repeat("x", 10), nil},
		"a byte too long":   {`"` + strings.Repeat("x", 11) + `"`, "", ErrType},
		"too long in bytes": {`"éééééé"`, "", ErrType},
		"empty":             {`""`, "", ErrType},
		"NUL":               {`"a\u0000"`, "", ErrType},
		"newline":           {`"a\nb"`, "", ErrType},
		"delete":            {`"a\u007f"`, "", ErrType},
		"next line":         {`"a\u0085"`, "", ErrType},
		"number":            {`1`, "", ErrType},
		"true":              {`true`, "", ErrType},
		"null":              {`null`, "", ErrType},
		"list":              {`["a"]`, "", ErrType},
		"object":            {`{}`, "", ErrType},
		"nothing":           {``, "", ErrType},
		"cut":               {`"a`, "", ErrType},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Value(tc.value).String(10)
			if !errors.Is(err, tc.err) || got != tc.want {
				t.Errorf("String = %q, %v, want %q, %v", got, err, tc.want, tc.err)
			}
		})
	}
}

func TestStringOrList(t *testing.T) {
	for name, tc := range map[string]struct {
		value string
		want  []string
		err   error
	}{
		"string":               {`"a"`, []string{"a"}, nil},
		"empty string":         {`""`, []string{""}, nil},
		"string, escaped":      {`"\u0061"`, []string{"a"}, nil},
		"list of one":          {`["a"]`, []string{"a"}, nil},
		"list in order":        {`["b", "a" ,"\u0061"]`, []string{"b", "a", "a"}, nil},
		"list of empty string": {`[""]`, []string{""}, nil},
		"one too many":         {`["a","b","c","d"]`, nil, ErrLimit},
		"empty list":           {`[]`, nil, ErrType},
		"list with a number":   {`["a",1]`, nil, ErrType},
		"list with null":       {`["a",null]`, nil, ErrType},
		"list with a list":     {`[["a"]]`, nil, ErrType},
		"list with an object":  {`[{"a":"b"}]`, nil, ErrType},
		"list not closed":      {`["a"`, nil, ErrType},
		"string not closed":    {`"a`, nil, ErrType},
		"number":               {`1`, nil, ErrType},
		"true":                 {`true`, nil, ErrType},
		"null":                 {`null`, nil, ErrType},
		"object":               {`{"a":"a"}`, nil, ErrType},
		"nothing":              {``, nil, ErrType},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Value(tc.value).StringOrList(3)
			if !errors.Is(err, tc.err) {
				t.Fatalf("error = %v, want %v", err, tc.err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("list (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNumericDate(t *testing.T) {
	bad := time.Time{}
	for value, want := range map[string]time.Time{
		"0":                        time.Unix(0, 0),
		"-0":                       time.Unix(0, 0),
		"1780315200":               time.Unix(1780315200, 0),
		"1780315200.0":             time.Unix(1780315200, 0),
		"1780315200.5":             time.Unix(1780315200, 5e8),
		"1780315200.999999":        time.Unix(1780315200, 999999e3),
		"17803152e2":               time.Unix(1780315200, 0),
		"1.7803152E+9":             time.Unix(1780315200, 0),
		"178031520000e-2":          time.Unix(1780315200, 0),
		"1e-400":                   time.Unix(0, 0),
		"253402300799":             time.Unix(253402300799, 0),
		"253402300799.0":           time.Unix(253402300799, 0),
		"253402300799.5":           bad,
		"253402300800":             bad,
		"-1":                       bad,
		"-0.5":                     bad,
		"-1e3":                     bad,
		"1e12":                     bad,
		"1e99":                     bad,
		"1e400":                    bad,
		"9223372036854775807":      bad,
		"9223372036854775808":      bad,
		"99999999999999999999.999": bad,
		`"1780315200"`:             bad,
		"true":                     bad,
		"null":                     bad,
		"[1]":                      bad,
		"{}":                       bad,
		"":                         bad,
		"-":                        bad,
		"1e":                       bad,
		"Inf":                      bad,
		"NaN":                      bad,
	} {
		t.Run(value, func(t *testing.T) {
			got, err := Value(value).NumericDate()
			if (err != nil) != want.IsZero() || err != nil && !errors.Is(err, ErrType) {
				t.Fatalf("NumericDate = %v, error %v, want %v", got, err, want)
			}
			if !got.Equal(want) {
				t.Errorf("NumericDate = %v, want %v", got, want)
			}
		})
	}
}
