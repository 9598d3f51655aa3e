package jwttest

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/big"
	"sync"
)

// rsaKeys holds the RSA keys that were made, by name and size.
//
//nolint:gochecknoglobals // RSA keys are slow to make, so each is made once a process.
var rsaKeys struct {
	sync.Mutex
	made map[string]*rsa.PrivateKey
}

// RSA returns an RSA key of the given size with the exponent 65537.
func RSA(name string, bits int) *rsa.PrivateKey {
	rsaKeys.Lock()
	defer rsaKeys.Unlock()
	if rsaKeys.made == nil {
		rsaKeys.made = map[string]*rsa.PrivateKey{}
	}
	id := fmt.Sprint("RSA ", bits, " ", name)
	if rsaKeys.made[id] == nil {
		rsaKeys.made[id] = makeRSA(id, bits)
	}
	return rsaKeys.made[id]
}

func makeRSA(id string, bits int) *rsa.PrivateKey {
	const exponent = 65537
	one, e := big.NewInt(1), big.NewInt(exponent)
	for try := 0; ; try++ {
		p, q := prime(fmt.Sprint(id, " p", try), bits/2), prime(fmt.Sprint(id, " q", try), bits-bits/2)
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		d := new(big.Int).ModInverse(e, phi)
		if d == nil || p.Cmp(q) == 0 {
			continue
		}
		key := &rsa.PrivateKey{
			PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: exponent}, D: d, Primes: []*big.Int{p, q},
		}
		key.Precompute()
		return key
	}
}

// prime returns the first prime of the stream whose two highest bits are set, so that a product of two has full length.
func prime(seed string, bits int) *big.Int {
	n := new(big.Int).SetBytes(stream(seed, (bits+7)/8))
	n.SetBit(n, bits, 0).SetBit(n, bits-1, 1).SetBit(n, bits-2, 1).SetBit(n, 0, 1)
	rest := make([]int64, sieveSize) // of n, by every small odd number: cheaper than a test of a number without a chance
	for i := range rest {
		rest[i] = new(big.Int).Mod(n, big.NewInt(int64(2*i+3))).Int64()
	}
	for delta := int64(0); ; delta += 2 {
		hopeless := func() bool {
			for i, r := range rest {
				if (r+delta)%int64(2*i+3) == 0 {
					return true
				}
			}
			return false
		}
		if hopeless() {
			continue
		}
		if p := new(big.Int).Add(n, big.NewInt(delta)); p.ProbablyPrime(1) {
			return p
		}
	}
}

// sieveSize is the number of odd numbers that are tried as divisors.
const sieveSize = 1000

// EC returns an ECDSA key on the curve.
func EC(name string, curve elliptic.Curve) *ecdsa.PrivateKey {
	params := curve.Params()
	scalar := stream("EC "+params.Name+" "+name, (params.BitSize+7)/8)
	scalar[0], scalar[1] = 0, 0 // less than the order of any curve
	key, err := ecdsa.ParseRawPrivateKey(curve, scalar)
	if err != nil {
		panic(err)
	}
	return key
}

// Ed25519 returns an Ed25519 key.
func Ed25519(name string) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(stream("Ed25519 "+name, ed25519.SeedSize))
}

// stream returns n bytes that depend on the seed only.
func stream(seed string, n int) []byte {
	var out []byte
	for i := uint32(0); len(out) < n; i++ {
		block := sha256.Sum256(binary.BigEndian.AppendUint32([]byte("grantor test key "+seed+" "), i))
		out = append(out, block[:]...)
	}
	return out[:n]
}
