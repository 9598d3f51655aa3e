package fetch

import (
	"net/http"
	"testing"
	"time"
)

func TestFreshFor(t *testing.T) {
	const most = (1 << 31) * time.Second
	for name, tc := range map[string]struct {
		control []string
		age     []string
		want    time.Duration
	}{
		"max-age":                 {[]string{"max-age=60"}, nil, time.Minute},
		"among others":            {[]string{"public, max-age=60, must-revalidate"}, nil, time.Minute},
		"capitals and spaces":     {[]string{" Public ,\tMax-Age=60 "}, nil, time.Minute},
		"two lines":               {[]string{"public", "max-age=60"}, nil, time.Minute},
		"quoted":                  {[]string{`max-age="60"`}, nil, time.Minute},
		"leading zeros":           {[]string{"max-age=0060"}, nil, time.Minute},
		"less age":                {[]string{"max-age=60"}, []string{"20"}, 40 * time.Second},
		"twice the same":          {[]string{"max-age=60, max-age=60"}, nil, time.Minute},
		"in a quoted argument":    {[]string{`private="a, no-store, max-age=5", max-age=60`}, nil, time.Minute},
		"escaped quote":           {[]string{`x="a\", max-age=5", max-age=60`}, nil, time.Minute},
		"empty elements":          {[]string{",,max-age=60,,"}, nil, time.Minute},
		"large":                   {[]string{"max-age=4294967296"}, nil, most},
		"larger than an integer":  {[]string{"max-age=99999999999999999999999"}, nil, most},
		"nothing":                 {nil, nil, 0},
		"empty":                   {[]string{""}, nil, 0},
		"age alone":               {nil, []string{"5"}, 0},
		"zero":                    {[]string{"max-age=0"}, nil, 0},
		"as old as that":          {[]string{"max-age=60"}, []string{"60"}, 0},
		"older":                   {[]string{"max-age=60"}, []string{"61"}, 0},
		"very old":                {[]string{"max-age=60"}, []string{"99999999999999999999999"}, 0},
		"odd age":                 {[]string{"max-age=60"}, []string{"x"}, 0},
		"negative age":            {[]string{"max-age=60"}, []string{"-60"}, 0},
		"no-store":                {[]string{"no-store, max-age=60"}, nil, 0},
		"no-store after":          {[]string{"max-age=60", "No-Store"}, nil, 0},
		"no-cache":                {[]string{"max-age=60, no-cache"}, nil, 0},
		"no-cache for a field":    {[]string{`max-age=60, no-cache="Set-Cookie"`}, nil, 0},
		"conflict":                {[]string{"max-age=60, max-age=61"}, nil, 0},
		"negative":                {[]string{"max-age=-1"}, nil, 0},
		"signed":                  {[]string{"max-age=+1"}, nil, 0},
		"fraction":                {[]string{"max-age=1.5"}, nil, 0},
		"no number":               {[]string{"max-age=x"}, nil, 0},
		"no value":                {[]string{"max-age"}, nil, 0},
		"no value but a sign":     {[]string{"max-age="}, nil, 0},
		"space before the value":  {[]string{"max-age= 60"}, nil, 0},
		"space before the sign":   {[]string{"max-age =60"}, nil, 0},
		"half quoted":             {[]string{`max-age="60`}, nil, 0},
		"quote left open":         {[]string{`max-age=60, private="x, no-store`}, nil, 0},
		"a quote for a number":    {[]string{`max-age=""`}, nil, 0},
		"other digits":            {[]string{"max-age=６０"}, nil, 0},
		"for shared caches":       {[]string{"s-maxage=60"}, nil, 0},
		"semicolons":              {[]string{"public; max-age=60"}, nil, 0},
		"one good, one bad value": {[]string{"max-age=60, max-age=x"}, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			h := http.Header{"Cache-Control": tc.control, "Age": tc.age}
			if got := freshFor(h); got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}

// FuzzFreshFor: no header makes a lifetime that is negative or beyond what RFC 9111 §1.2.2 has.
func FuzzFreshFor(f *testing.F) {
	f.Add("public, max-age=60", "5")
	f.Add(`private="a,\"b", max-age="99999999999999999999"`, "")
	f.Fuzz(func(t *testing.T, control, age string) {
		if got := freshFor(http.Header{"Cache-Control": {control}, "Age": {age}}); got < 0 || got > maxAge*time.Second || got%time.Second != 0 {
			t.Errorf("%s", got)
		}
	})
}
