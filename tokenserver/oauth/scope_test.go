package oauth

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseScope(t *testing.T) {
	longest := strings.Repeat("s", maxScopeTokenBytes)
	for name, tc := range map[string]struct {
		scope  string
		want   []string
		reason Reason
	}{
		"one":                    {"read", []string{"read"}, ""},
		"several, in order":      {"write read", []string{"write", "read"}, ""},
		"every character":        {"!#$%&'()*+,-./0:;<=>?@A[]^_`a{|}~", []string{"!#$%&'()*+,-./0:;<=>?@A[]^_`a{|}~"}, ""},
		"longest":                {longest, []string{longest}, ""},
		"J-04 empty":             {"", nil, ""},
		"J-04 repeated":          {"read read", []string{"read"}, ""},
		"J-04 repeated, apart":   {"read write read", []string{"read", "write"}, ""},
		"J-04 differ in case":    {"read Read", []string{"read", "Read"}, ""},
		"J-04 leading space":     {" read", nil, ReasonMalformedScope},
		"J-04 trailing space":    {"read ", nil, ReasonMalformedScope},
		"J-04 two spaces":        {"read  write", nil, ReasonMalformedScope},
		"J-04 space only":        {" ", nil, ReasonMalformedScope},
		"J-04 tab":               {"read\twrite", nil, ReasonMalformedScope},
		"J-04 no-break space":    {"read\u00a0write", nil, ReasonMalformedScope},
		"A-18 line end":          {"read\r\nSet-Cookie:x=1", nil, ReasonMalformedScope},
		"J-05 quotation mark":    {`re"ad`, nil, ReasonMalformedScope},
		"J-05 backslash":         {`re\ad`, nil, ReasonMalformedScope},
		"J-05 non-ASCII":         {"lesen-ü", nil, ReasonMalformedScope},
		"J-05 invalid UTF-8":     {"re\xffad", nil, ReasonMalformedScope},
		"J-05 DEL":               {"re\x7fad", nil, ReasonMalformedScope},
		"J-05 NUL":               {"read\x00", nil, ReasonMalformedScope},
		"J-05 one byte too long": {longest + "s", nil, ReasonMalformedScope},
		"J-05 10 kB":             {strings.Repeat("s", 10_000), nil, ReasonMalformedScope},
		"J-05 one bad of many":   {`read "write"`, nil, ReasonMalformedScope},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseScope(tc.scope)
			if reasonOf(err) != tc.reason {
				t.Errorf("reason is %q, want %q", reasonOf(err), tc.reason)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("scope tokens (-want +got):\n%s", diff)
			}
		})
	}
}
