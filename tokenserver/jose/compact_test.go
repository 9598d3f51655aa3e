package jose

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

func TestParseCompact(t *testing.T) {
	type result struct {
		Header                    Header
		Payload, Input, Signature string
	}
	head := func(text string) string { return jwttest.Part(text) + ".cA.cw" }
	parsed := func(text string, h Header) result {
		return result{Header: h, Payload: "p", Input: jwttest.Part(text) + ".cA", Signature: "s"}
	}
	const full = `{"alg":"ES256","typ":"application/AT+JWT","cty":"JWT","kid":"k","x5t":"one","x5t#S256":"two","x":null}`
	long := `{"x":"` + strings.Repeat("x", 7000) + `"}`
	for name, tc := range map[string]struct {
		text string
		want result
		err  error
	}{
		"every parameter":           {head(full), parsed(full, Header{"ES256", "at+jwt", "jwt", "k", "one", "two"}), nil},
		"no parameter":              {head(`{}`), parsed(`{}`, Header{}), nil},
		"names are compared as is":  {head(`{"Alg":"x","KID":"x","X5T":"x"}`), parsed(`{"Alg":"x","KID":"x","X5T":"x"}`, Header{}), nil},
		"type without a short form": {head(`{"typ":"application/"}`), parsed(`{"typ":"application/"}`, Header{Type: "application/"}), nil},
		"header too long":           {head(long), result{}, ErrTooLarge},
		"text too long":             {head(`{}`) + strings.Repeat("A", MaxCompactBytes), result{}, ErrTooLarge},
		"empty":                     {"", result{}, ErrNotCompact},
		"two parts":                 {"e30.cA", result{}, ErrNotCompact},
		"four parts":                {"e30.cA.cw.cw", result{}, ErrNotCompact},
		"five parts":                {"e30.cA.cw.cw.cw", result{}, ErrEncrypted},
		"five empty parts":          {"....", result{}, ErrEncrypted},
		"six parts":                 {"e30.cA.cw.cw.cw.cw", result{}, ErrNotCompact},
		"empty header":              {".cA.cw", result{}, ErrNotCompact},
		"empty payload":             {"e30..cw", result{}, ErrNotCompact},
		"empty signature":           {"e30.cA.", result{}, ErrNotCompact},
		"standard alphabet":         {"e30.cA.+/+/", result{}, ErrNotCompact},
		"padding":                   {"e30.cA.cw==", result{}, ErrNotCompact},
		"line end":                  {"e30.cA\n.cw", result{}, ErrNotCompact},
		"unused bits":               {"e30.cA.cx", result{}, ErrNotCompact},
		"header no object":          {head(`[]`), result{}, ErrHeader},
		"header twice":              {head(`{}{}`), result{}, ErrHeader},
		"parameter twice":           {head(`{"x":1,"x":1}`), result{}, ErrHeader},
		"alg no string":             {head(`{"alg":1}`), result{}, ErrHeader},
		"typ no string":             {head(`{"typ":1}`), result{}, ErrHeader},
		"cty no string":             {head(`{"cty":1}`), result{}, ErrHeader},
		"kid no string":             {head(`{"kid":1}`), result{}, ErrHeader},
		"x5t no string":             {head(`{"x5t":1}`), result{}, ErrHeader},
		"x5t#S256 no string":        {head(`{"x5t#S256":1}`), result{}, ErrHeader},
		"crit":                      {head(`{"crit":["x"]}`), result{}, ErrCritical},
		"b64":                       {head(`{"b64":true}`), result{}, ErrCritical},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := ParseCompact(tc.text)
			if !errors.Is(err, tc.err) {
				t.Fatalf("error = %v, want %v", err, tc.err)
			}
			if err != nil {
				return
			}
			got := result{c.UntrustedHeader, string(c.UntrustedPayload), string(c.SigningInput), string(c.Signature)}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("compact JWS (-want +got):\n%s", diff)
			}
		})
	}
}

// TestHeaderLimits: every parameter that counts is bounded, to the byte.
func TestHeaderLimits(t *testing.T) {
	for name, limit := range map[string]int{"alg": 32, "typ": 128, "cty": 128, "kid": 256, "x5t": 256, "x5t#S256": 256} {
		t.Run(name, func(t *testing.T) {
			for length, want := range map[int]error{limit: nil, limit + 1: ErrHeader} {
				header := jwttest.Object{}.Set(name, jwttest.Quote(strings.Repeat("x", length))).String()
				if _, err := ParseCompact(jwttest.Part(header) + ".cA.cw"); !errors.Is(err, want) {
					t.Errorf("%d bytes: error = %v, want %v", length, err, want)
				}
			}
		})
	}
}

// TestCompactLimits: the whole text and the header are bounded, to the byte.
func TestCompactLimits(t *testing.T) {
	part := func(length int) string { return strings.Repeat("A", length) }
	const rest = len("e30..AAA")
	for name, tc := range map[string]struct {
		text string
		want error
	}{
		"longest header": {part(maxHeaderText) + ".AA.AA", ErrHeader},
		"longer header":  {part(maxHeaderText+1) + ".AA.AA", ErrTooLarge},
		"longest text":   {"e30." + part(MaxCompactBytes-rest) + ".AAA", nil},
		"longer text":    {"e30." + part(MaxCompactBytes-rest) + ".AAAA", ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ParseCompact(tc.text); !errors.Is(err, tc.want) {
				t.Errorf("error = %v, want %v", err, tc.want)
			}
		})
	}
}
