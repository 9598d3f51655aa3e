package assertion

import (
	"fmt"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

// forcedTypes: C-26: every header parameter and claim that counts, set to every type that it could be confused with.
func forcedTypes() map[string]row {
	values := []string{"null", "true", "false", `"jwt_tool"`, "0", "[]", "{}"}
	rows := map[string]row{}
	for _, name := range []string{"alg", "typ", "kid", "cty", "x5t", "x5t#S256", "crit", "b64"} {
		for _, value := range values {
			want := oauth.ReasonHeaderMalformed
			switch {
			case name == "crit" || name == "b64":
				want = oauth.ReasonHeaderCritical
			case value != `"jwt_tool"`:
			case name == "alg":
				want = oauth.ReasonAlgorithmNotAllowed
			case name == "typ":
				want = oauth.ReasonTypeNotAccepted
			case name == "cty":
				want = oauth.ReasonNested
			case name == "kid":
				want = oauth.ReasonNoMatchingKey
			default: // a thumbprint that fits no certificate is no reason: the signature decides
				want = accepted
			}
			rows[fmt.Sprintf("C-26 header %s %s", name, value)] = row{want, all(usingB("b1"), header(name, value))}
		}
	}
	texts := map[string]oauth.Reason{
		"iss": oauth.ReasonProviderUnknown, "aud": oauth.ReasonAudienceMismatch, "sub": accepted, "jti": accepted,
	}
	numbers := map[string]oauth.Reason{
		"exp": oauth.ReasonExpired, "iat": oauth.ReasonLifetimeTooLong, "nbf": accepted,
	}
	for _, name := range []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti"} {
		for _, value := range values {
			want := oauth.ReasonClaimsMalformed
			if reason, ok := texts[name]; ok && value == `"jwt_tool"` {
				want = reason
			}
			if reason, ok := numbers[name]; ok && value == "0" {
				want = reason
			}
			rows[fmt.Sprintf("C-26 claim %s %s", name, value)] = row{want, claim(name, value)}
		}
	}
	return rows
}
