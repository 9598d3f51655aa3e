package resolve

import (
	"encoding/json"
	"fmt"

	"github.com/grantor-dev/grantor/tokenserver/jose"
)

// JWKS reads the members of a JWK Set, each the JSON text of one JWK (RFC 7517 §5). Two keys with one kid are both kept:
// an assertion that names the kid is verified by either.
func JWKS(keys [][]byte) Result {
	var r Result
	if len(keys) > MaxJWKS {
		r.skip(0, "jwks.keys", problem(ProblemTooMany, "it holds %d keys: leave at most %d, those that sign now or soon", len(keys), MaxJWKS))
		return r
	}
	for i, text := range keys {
		r.addJWK(i, fmt.Sprintf("jwks.keys[%d]", i), text)
	}
	return r
}

func (r *Result) addJWK(index int, entry string, text []byte) {
	if kid := untrustedKeyID(text); kid != "" {
		entry += fmt.Sprintf(" (kid %s)", kid)
	}
	key, err := jose.ParseJWK(text)
	if err != nil {
		r.skip(index, entry, err)
		return
	}
	r.add(Key{Public: key, Index: index, Entry: entry})
}

// untrustedKeyID returns the kid of a JWK that may be refused later, for naming it.
func untrustedKeyID(text []byte) string {
	var named struct {
		KeyID string `json:"kid"`
	}
	if json.Unmarshal(text, &named) != nil {
		return ""
	}
	return printable(named.KeyID)
}
