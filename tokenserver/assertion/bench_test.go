package assertion

import "testing"

func BenchmarkVerify(b *testing.B) {
	vr := NewVerifier(ownIssuer, ownTenants)
	for name, change := range map[string]change{
		"RS256": usingB("b1"), "ES256": usingB("b2"), "EdDSA": usingB("b3"),
		"refused before the signature": all(usingB("b1"), claim("iss", `"https://fake.test"`)),
	} {
		b.Run(name, func(b *testing.B) {
			p := present(accepted, change)
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := p.verify(vr, p.text); (err == nil) != (len(name) == 5) {
					b.Fatal(err)
				}
			}
		})
	}
}
