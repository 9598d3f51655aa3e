package jose

import (
	"math/big"
	"sync"
)

// A modulus that anybody can factor is no secret's. Looked for is what broken generators and broken copies leave behind, and what
// takes microseconds. A modulus that is a prime, or a higher power of one, is not looked for: that takes milliseconds for each key,
// and only who means to gives such a key away.

// maxSmallFactor: NIST SP 800-89 §5.3.3 wants no factor below. One in six moduli with a wrong bit has none.
const maxSmallFactor = 752

// smallPrimes is the product of the odd ones.
var smallPrimes = sync.OnceValue(func() *big.Int { //nolint:gochecknoglobals // Made once, and never changed.
	product := big.NewInt(1)
	for p := int64(3); p < maxSmallFactor; p += 2 {
		if prime := big.NewInt(p); prime.ProbablyPrime(0) { // It is exact for small ones.
			product.Mul(product, prime)
		}
	}
	return product
})

// hasSmallFactor reports whether a small odd prime divides a modulus.
func hasSmallFactor(modulus *big.Int) bool {
	return new(big.Int).GCD(nil, nil, smallPrimes(), modulus).Cmp(big.NewInt(1)) != 0
}

// fermatRounds: a hundred find all keys of CVE-2022-26320, and none whose primes were chosen well: of those, half of the bits
// differ.
const fermatRounds = 100

// hasCloseFactors reports whether a modulus is a² − b² with an a little above its root (Fermat's method), which gives away both of
// its factors. It does for a square, too.
func hasCloseFactors(modulus *big.Int) bool {
	a := new(big.Int).Sqrt(modulus)
	rest := new(big.Int).Mul(a, a)
	if rest.Cmp(modulus) == 0 {
		return true
	}
	a.Add(a, big.NewInt(1))
	rest.Mul(a, a).Sub(rest, modulus)
	for range fermatRounds {
		if isSquare(rest) {
			return true
		}
		// (a+1)² = a² + 2a + 1
		rest.Add(rest, a).Add(rest, a).Add(rest, big.NewInt(1))
		a.Add(a, big.NewInt(1))
	}
	return false
}

// isSquare looks at remainders first, which is quicker than the root: one number in six hundred has those of a square by all of
// these divisors.
func isSquare(n *big.Int) bool {
	remainder := new(big.Int).Mod(n, big.NewInt(16*9*5*7*11*13*17*19*23)).Int64()
	for _, divisor := range [...]int64{16, 9, 5, 7, 11, 13, 17, 19, 23} {
		if !isRemainderOfSquare(remainder%divisor, divisor) {
			return false
		}
	}
	root := new(big.Int).Sqrt(n)
	return root.Mul(root, root).Cmp(n) == 0
}

func isRemainderOfSquare(remainder, divisor int64) bool {
	for x := range divisor {
		if x*x%divisor == remainder {
			return true
		}
	}
	return false
}
