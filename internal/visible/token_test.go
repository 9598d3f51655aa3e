package visible

import "testing"

func TestWithoutTokens(t *testing.T) {
	const jwt = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl"
	const short = "eyJh… (a token, which is not repeated)"
	for message, want := range map[string]string{
		"":                                  "",
		"open " + jwt + ": no such file":    "open " + short + ": no such file",
		`unknown command "` + jwt + `" for`: `unknown command "` + short + `" for`,
		jwt + ", " + jwt:                    short + ", " + short,
		"/tmp/" + jwt:                       "/tmp/" + short,
		// A header with a space or a line break before its first name, and a token that was copied over several lines.
		"eyAiYWxnIjoibm9uZSJ9.e30.c2lnbmF0dXJl":                                "eyAi… (a token, which is not repeated)",
		"ewogImFsZyI6Im5vbmUifQ.e30.c2lnbmF0dXJl":                              "ewog… (a token, which is not repeated)",
		"open eyJhbGciOiJFUzI1NiJ9\n.eyJzdWIiOiJhbGljZSJ9\r\n.c2lnbmF0dXJl: x": "open " + short + ": x",
		`"eyJhbGciOiJFUzI1NiJ9\n.eyJzdWIiOiJhbGljZSJ9\r\n.c2lnbmF0dXJl": x`:    `"` + short + `": x`,
		"https://eye-hospital.example.com/realms/everybody: no such host":      "https://eye-hospital.example.com/realms/everybody: no such host",
		"identity provider team-a/eyewear-and-everything-else is not there":    "identity provider team-a/eyewear-and-everything-else is not there",
		"eyJ is short": "eyJ is short",
	} {
		if got := WithoutTokens(message); got != want {
			t.Errorf("%q is shown as %q, want %q", message, got, want)
		}
	}
}
