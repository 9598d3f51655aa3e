package jose

import "math/big"

// hasROCA reports whether a modulus has the fingerprint of CVE-2017-15361 (ROCA): a power of 65537 modulo each of these
// primes. Keys made by the affected chips can be factored. A good key looks like one once in some hundred million.
func hasROCA(modulus *big.Int) bool {
	rest := new(big.Int)
	for _, p := range []int64{11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157} {
		wanted := rest.Mod(modulus, big.NewInt(p)).Int64()
		if !isPowerOf(65537%p, wanted, p) {
			return false
		}
	}
	return true
}

// isPowerOf reports whether n is a power of base modulo the prime p.
func isPowerOf(base, n, p int64) bool {
	for power, i := int64(1), int64(0); i < p; i++ {
		if power == n {
			return true
		}
		power = power * base % p
	}
	return false
}
