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
		entry := fmt.Sprintf("jwks.keys[%d]", i)
		if kid := untrustedKeyID(text); kid != "" {
			entry += fmt.Sprintf(" (kid %s)", kid)
		}
		key, err := jose.ParseJWK(text)
		if err != nil {
			r.skip(i, entry, err)
			continue
		}
		r.add(Key{Public: key, Index: i, Entry: entry})
	}
	return r
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
