package clientauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"
)

// However credentials are printed, the secret is not in it: neither as text nor as bytes in hexadecimal or decimal.
func TestCredentialsDoNotPrintTheSecret(t *testing.T) {
	c := Credentials{untrustedID: "c1", secret: secret, assertion: secret, method: MethodSecretPost}
	type holder struct {
		C Credentials
		P *Credentials
	}
	values := map[string]any{
		"value": c, "pointer": &c, "field": holder{c, &c}, "slice": []Credentials{c}, "map": map[string]Credentials{"c": c}, "any": []any{c},
	}
	for name, v := range values {
		t.Run(name, func(t *testing.T) {
			for verb := rune('A'); verb <= 'z'; verb++ {
				for _, flags := range []string{"", "+", "#", " ", "0", "-", "9.99"} {
					if verb == 'p' || verb == 'w' { // fmt calls no method for them, but go vet refuses them here
						continue
					}
					expectNoSecret(t, "%"+flags+string(verb), fmt.Sprintf("%"+flags+string(verb), v))
				}
			}
			expectNoSecret(t, "print", fmt.Sprint(v))
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			expectNoSecret(t, "json", string(b))
			var text, structured bytes.Buffer
			slog.New(slog.NewTextHandler(&text, nil)).Info("message", "credentials", v)
			slog.New(slog.NewJSONHandler(&structured, nil)).Info("message", "credentials", v)
			expectNoSecret(t, "slog text", text.String())
			expectNoSecret(t, "slog JSON", structured.String())
		})
	}
	if want := "client_secret_post of c1"; c.String() != want || fmt.Sprint(c) != want {
		t.Errorf("printed as %q and %q, want %q", c.String(), fmt.Sprint(c), want)
	}
}

func expectNoSecret(t *testing.T, how, printed string) {
	t.Helper()
	lower := strings.ToLower(printed)
	var decimals []string
	for _, b := range []byte(secret) {
		decimals = append(decimals, strconv.Itoa(int(b)))
	}
	for _, s := range []string{
		secret, fmt.Sprintf("%x", secret), fmt.Sprintf("% x", secret), strings.Join(decimals, " "),
	} {
		if strings.Contains(lower, s) {
			t.Errorf("%s prints the secret: %s", how, printed)
		}
	}
}

// Refusals hold no secret either, with whatever they wrap.
func TestRefusalsDoNotPrintTheSecret(t *testing.T) {
	snapshot := world(unchanged)
	for name, try := range map[string]func() error{
		"two methods": func() error {
			_, err := FromRequest(header(plain("c1", secret)), form(t, body("c1", secret)))
			return err
		},
		"bare percent": func() error {
			_, err := FromRequest(header(plain("c1", secret+"%")), form(t, nil))
			return err
		},
		"unknown client": func() error {
			_, err := authenticate(snapshot, secretOf("c2", secret, MethodSecretPost), "")
			return err
		},
		"wrong secret": func() error {
			_, err := authenticate(snapshot, secretOf("c1", secret+"x", MethodSecretPost), "")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := try()
			if err == nil {
				t.Fatal("no refusal")
			}
			for ; err != nil; err = errors.Unwrap(err) {
				expectNoSecret(t, "error", fmt.Sprintf("%+v %#v", err, err))
			}
		})
	}
}
