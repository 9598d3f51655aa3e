package hostile

import (
	"crypto"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" // a digest that is asked for by name
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

// tamper changes the payload and keeps the signature.
func tamper(va, from, to string) string {
	parts := strings.Split(va, ".")
	payload := unpart(parts[1])
	changed := strings.Replace(payload, from, to, 1)
	if changed == payload {
		panic("nothing to tamper with")
	}
	return parts[0] + "." + jwttest.Part(changed) + "." + parts[2]
}

func flip(s string) string {
	if s[0] == 'A' {
		return "B" + s[1:]
	}
	return "A" + s[1:]
}

func algorithmNone() []variant {
	var all []variant
	for _, alg := range []string{`"none"`, `"None"`, `"NONE"`, `"nOnE"`, `""`, "null", `"no\u006ee"`, `"none "`} {
		edit := func(va string) *request {
			parts := strings.Split(va, ".")
			return exchange(jwttest.Part(`{"alg":`+alg+`,"typ":"JWT"}`) + "." + parts[1] + ".")
		}
		all = append(all,
			variant{alg + " without signature", func() *request { return edit(assertion()) }},
			variant{alg + " with a signature", func() *request {
				va := assertion()
				r := exchange(edit(va).assertion + va[strings.LastIndexByte(va, '.')+1:])
				return r
			}},
			variant{alg + " correctly signed", func() *request { return exchange(assertion(header("alg", alg))) }},
		)
	}
	return all
}

// hmacWithPublicKey: HS256 with what everybody knows of A's key.
func hmacWithPublicKey() []variant {
	public := jwttest.RSA("idp-a", 2048).Public()
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		panic(err)
	}
	pkcs1 := x509.MarshalPKCS1PublicKey(&jwttest.RSA("idp-a", 2048).PublicKey)
	block, _ := pem.Decode([]byte(certificateOfA()))
	publicPEM := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}))
	return hmacWith(
		certificateOfA(), strings.TrimSpace(certificateOfA()), publicPEM, strings.TrimSpace(publicPEM), strings.ReplaceAll(publicPEM, "\n", "\r\n"),
		string(pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: pkcs1})), string(block.Bytes), string(spki), string(pkcs1),
		text(jwk("", public, nil)), string(jwttest.RSA("idp-a", 2048).N.Bytes()), modulus(jwttest.RSA("idp-a", 2048)), jwttest.RSA("idp-a", 2048).N.String(),
	)
}

// hmacWith are R0 with assertions under HMAC with the keys.
func hmacWith(keys ...string) []variant {
	m := map[string]changes{}
	for i, key := range keys {
		for _, alg := range []string{"HS256", "HS384", "HS512"} {
			m[fmt.Sprint(alg, " ", i)] = changes{by(alg, []byte(key))}
		}
		m[fmt.Sprint("HS256 as RS256 ", i)] = changes{signed("HS256", []byte(key))}
	}
	return presented(m)
}

// psychic: r and s of 0, 1, n-1 and n, and other signatures that verify where ranges are not looked at (CVE-2022-21449).
func psychic() []variant {
	n := elliptic.P256().Params().N
	one := big.NewInt(1)
	numbers := []*big.Int{big.NewInt(0), one, new(big.Int).Sub(n, one), n, new(big.Int).Add(n, one), elliptic.P256().Params().P}
	signatures := []string{"", "\x00", strings.Repeat("\x00", 63), strings.Repeat("\x00", 65), strings.Repeat("\x00", 128), strings.Repeat("\xff", 64), "0\x06\x02\x01\x00\x02\x01\x00"}
	for _, r := range numbers {
		for _, s := range numbers {
			signatures = append(signatures, string(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)))
		}
	}
	var all []variant
	for i, signature := range signatures {
		all = append(all, variant{fmt.Sprint(i), func() *request {
			va := assertion(fromB())
			return exchange(va[:strings.LastIndexByte(va, '.')+1] + jwttest.Part(signature))
		}})
	}
	return all
}

// paddings: RSA signatures whose block is not exactly what RFC 8017 §9.2 says, made with A's real key.
func paddings() []variant {
	prefix := map[crypto.Hash]string{ //nolint:exhaustive // Those that are used below.
		crypto.SHA256: "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20",
		crypto.SHA1:   "\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14",
	}
	digest := func(input string, h crypto.Hash) string {
		d := h.New()
		d.Write([]byte(input))
		return string(d.Sum(nil))
	}
	padded := func(first, info string) string {
		return first + strings.Repeat("\xff", 256-len(first)-1-len(info)) + "\x00" + info
	}
	blocks := map[string]func(input string) string{
		"SHA-1": func(in string) string { return padded("\x00\x01", prefix[crypto.SHA1]+digest(in, crypto.SHA1)) },
		"no NULL": func(in string) string {
			return padded("\x00\x01", "\x30\x2f\x30\x0b"+prefix[crypto.SHA256][4:15]+"\x04\x20"+digest(in, crypto.SHA256))
		},
		"bare digest": func(in string) string { return padded("\x00\x01", digest(in, crypto.SHA256)) },
		"type 2":      func(in string) string { return padded("\x00\x02", prefix[crypto.SHA256]+digest(in, crypto.SHA256)) },
		"type 0":      func(in string) string { return padded("\x00\x00", prefix[crypto.SHA256]+digest(in, crypto.SHA256)) },
		"garbage behind": func(in string) string {
			return "\x00\x01" + strings.Repeat("\xff", 8) + "\x00" + prefix[crypto.SHA256] + digest(in, crypto.SHA256) + strings.Repeat("x", 194)
		},
		"garbage in padding": func(in string) string {
			b := padded("\x00\x01", prefix[crypto.SHA256]+digest(in, crypto.SHA256))
			return b[:50] + "\xfe" + b[51:]
		},
		"no separator": func(in string) string {
			return strings.Replace(padded("\x00\x01", prefix[crypto.SHA256]+digest(in, crypto.SHA256)), "\x00\x30", "\xff\x30", 1)
		},
		"digest of less": func(in string) string {
			return padded("\x00\x01", prefix[crypto.SHA256]+digest(in[:len(in)-1], crypto.SHA256))
		},
	}
	key := jwttest.RSA("idp-a", 2048)
	return append(ordered(blocks, func(block func(string) string) *request {
		return exchange(withSignature(assertion(), func(input string, _ []byte) []byte {
			return new(big.Int).Exp(new(big.Int).SetBytes([]byte(block(input))), key.D, key.N).FillBytes(make([]byte, 256))
		}))
	}), edited(map[string]func(string) string{
		"signature plus modulus": func(string) string { return plusModulus() },
		"leading zero": func(va string) string {
			return withSignature(va, func(_ string, s []byte) []byte { return append([]byte{0}, s...) })
		},
		"trailing zero": func(va string) string {
			return withSignature(va, func(_ string, s []byte) []byte { return append(s, 0) })
		},
		"zero": func(va string) string {
			return withSignature(va, func(string, []byte) []byte { return make([]byte, 256) })
		},
		"one": func(va string) string {
			return withSignature(va, func(string, []byte) []byte { return append(make([]byte, 255), 1) })
		},
		"modulus minus one": func(va string) string {
			return withSignature(va, func(string, []byte) []byte { return new(big.Int).Sub(key.N, big.NewInt(1)).Bytes() })
		},
	})...)
}

// withSignature replaces the signature by one made of the signing input and the right one.
func withSignature(va string, forge func(input string, signature []byte) []byte) string {
	i := strings.LastIndexByte(va, '.')
	return va[:i+1] + base64url(forge(va[:i], []byte(unpart(va[i+1:]))))
}

// plusModulus is an assertion whose signature is the right one plus the modulus, where that has no more bytes.
func plusModulus() string {
	n := jwttest.RSA("idp-a", 2048).N
	for {
		fits := false
		va := withSignature(assertion(), func(_ string, s []byte) []byte {
			sum := new(big.Int).Add(new(big.Int).SetBytes(s), n)
			fits = sum.BitLen() <= 2048
			return sum.Bytes()
		})
		if fits {
			return va
		}
	}
}

// inASN1 writes an ECDSA signature as X.509 does.
func inASN1(va string) string {
	return withSignature(va, func(_ string, s []byte) []byte {
		der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(s[:32]), new(big.Int).SetBytes(s[32:])})
		if err != nil {
			panic(err)
		}
		return der
	})
}

// unpart decodes a part of a compact JWS.
func unpart(part string) string {
	b, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// signPSS signs with a salt of any length.
func signPSS(key *rsa.PrivateKey, input string, salt int) []byte {
	digest := sha256.Sum256([]byte(input))
	signature, err := rsa.SignPSS(rand.Reader, key, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: salt})
	if err != nil {
		panic(err)
	}
	return signature
}
