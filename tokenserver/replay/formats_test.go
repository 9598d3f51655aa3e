package replay

import (
	"encoding/hex"
	"testing"

	"github.com/grantor-dev/grantor/tokenserver/assertion"
)

// F20, H-22: an assertion has the same id in every version that shares a store, so that it is used once among all of them.
// The ids were computed by other means: SHA-256 over the parts, each with a zero byte after it.
func TestFormatOfIDs(t *testing.T) {
	once := assertion.Once{Key: "key", Issuer: "https://idp.example.com", JWTID: "1"}
	for kind, want := range map[string]string{
		ofAssertion:       "b98dde3ee4585b64d8740ce0f0ec0ffb499b80ab365198f1226822edde3452ad",
		ofClientAssertion: "d9421e75cfb394993c3426bf33787fa3a3a425c20ea0aea45521b7fdb3d5aa70",
	} {
		t.Run("F20 "+kind, func(t *testing.T) {
			if got := id(kind, once); hex.EncodeToString(got[:]) != want {
				t.Errorf("the id is %x, and was %s", got, want)
			}
		})
	}
}
