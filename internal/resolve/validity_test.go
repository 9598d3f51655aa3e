package resolve

import (
	"encoding/asn1"
	"math/big"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// RFC 5280 §4.1.2.5.2 ends with the year 9999, in UTC.
func TestCertificatesOfYearsThatCannotBeWritten(t *testing.T) {
	const first, last = "00010101000000Z", "99991231235959Z"
	good, bad := keys("P-256"), skipped("PEM block 1 (CN=odd): malformed")
	for name, tc := range map[string]struct {
		notBefore, notAfter string
		want                outcome
	}{
		"first to last":            {first, last, good},
		"offset within the years":  {"00010101000000-0100", "99991231235959+0100", good},
		"ends after the last":      {first, "99991231235959-0100", bad},
		"begins after the last":    {"99991231235959-0100", last, bad},
		"begins before the first":  {"00010101000000+0100", last, bad},
		"begins in the year 0":     {"00000101000000Z", last, bad},
		"begins in the year -1":    {"00000101000000+0100", last, bad},
		"ends before the first":    {first, "00010101000000+0100", bad},
		"both are out of the span": {"00000101000000+0100", "99991231235959-0100", bad},
	} {
		t.Run(name, func(t *testing.T) {
			r := Certificates(block("CERTIFICATE", withValidity(t, certificate(fixtures().ec, named("odd")), tc.notBefore, tc.notAfter)))
			if diff := cmp.Diff(tc.want, outcomeOf(r)); diff != "" {
				t.Error(diff)
			}
			checkSkipped(t, r)
		})
	}
}

// withValidity puts two texts of GeneralizedTime into a certificate. Its signature is not made anew, for nobody looks at it.
func withValidity(t *testing.T, der []byte, notBefore, notAfter string) []byte {
	t.Helper()
	type tbs struct {
		Version                int `asn1:"explicit,tag:0"`
		Serial                 *big.Int
		Algorithm, Issuer      asn1.RawValue
		Validity               struct{ NotBefore, NotAfter asn1.RawValue }
		Subject, PublicKeyInfo asn1.RawValue
	}
	var c struct {
		TBS                  tbs
		Algorithm, Signature asn1.RawValue
	}
	if _, err := asn1.Unmarshal(der, &c); err != nil {
		t.Fatal(err)
	}
	c.TBS.Validity.NotBefore = asn1.RawValue{Tag: asn1.TagGeneralizedTime, Bytes: []byte(notBefore)}
	c.TBS.Validity.NotAfter = asn1.RawValue{Tag: asn1.TagGeneralizedTime, Bytes: []byte(notAfter)}
	return must(asn1.Marshal(c))
}
