package app

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

// runImport runs the command and returns its exit code and what it wrote.
func runImport(args ...string) (code int, manifests, report string) {
	var out, err bytes.Buffer
	code = Main(append([]string{"import", "wso2"}, args...), &out, &err)
	return code, out.String(), err.String()
}

func fixture(name string) string { return filepath.Join("..", "importwso2", "testdata", name) }

// TestImportedServerExchanges: what is imported works: the partner's assertion becomes an access token with mapped claims.
func TestImportedServerExchanges(t *testing.T) {
	dir := t.TempDir()
	code, _, report := runImport("--namespace", "team-a", "--output", filepath.Join(dir, "wso2.yaml"), fixture("provider.xml"), fixture("client.xml"))
	if code != 0 || !strings.Contains(report, "Alias → spec.audienceAliases") {
		t.Fatalf("%d, %s", code, report)
	}
	address := serveStandalone(t, func(address string) string { return "http://" + address }, dir)
	if code, out := runCheck("--wait", "30s", "http://"+address); code != 0 {
		t.Fatal(out)
	}
	now := time.Now()
	assertion := jwttest.Compact("RS256", jwttest.RSA("wso2", 2048), `{"alg":"RS256"}`, fmt.Sprintf(
		`{"iss":"https://localhost:9444/oauth2/token","sub":"admin","aud":"https://localhost:9443/oauth2/token","iat":%d,"exp":%d,"jti":"1","groups":["purchasing","other"]}`,
		now.Unix(), now.Add(time.Minute).Unix()))
	answer := present(t, address, "_htM8KV73STHfzBO4TGbnC9iSswa", assertion)
	claims := payload(t, answer["access_token"])
	for name, want := range map[string]string{
		"sub": "team-a/partner-is:admin", "aud": "https://orders.example.com", "roles": "[buyer]", "department": "none yet",
		"client_id": "4WCCBckEpMMM5oFmC59EEtJXpzEa",
	} {
		if got := fmt.Sprint(claims[name]); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if fmt.Sprint(answer["expires_in"]) != "1800" || answer["refresh_token"] == nil {
		t.Errorf("answer is %v", answer)
	}
	if answer := present(t, address, "another-secret-that-is-long", assertion); answer["error"] != "invalid_client" {
		t.Errorf("with another secret: %v", answer)
	}
}

func present(t *testing.T, address, secret, assertion string) map[string]any {
	t.Helper()
	form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth("4WCCBckEpMMM5oFmC59EEtJXpzEa", secret)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	return object(t, resp.Body)
}

func payload(t *testing.T, token any) map[string]any {
	t.Helper()
	parts := strings.Split(fmt.Sprint(token), ".")
	if len(parts) != 3 {
		t.Fatalf("no access token: %v", token)
	}
	return object(t, base64.NewDecoder(base64.RawURLEncoding, strings.NewReader(parts[1])))
}

func object(t *testing.T, r io.Reader) map[string]any {
	t.Helper()
	var o map[string]any
	if err := json.NewDecoder(r).Decode(&o); err != nil {
		t.Fatal(err)
	}
	return o
}

// TestImportExits: what ends with which code, and what is written then.
func TestImportExits(t *testing.T) {
	dir := t.TempDir()
	broken := filepath.Join(dir, "broken.xml")
	if err := os.WriteFile(broken, []byte("<IdentityProvider>"), 0o600); err != nil {
		t.Fatal(err)
	}
	none := filepath.Join(dir, "none.xml")
	if err := os.WriteFile(none, []byte("<IdentityProvider><IdentityProviderName>x</IdentityProviderName></IdentityProvider>"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		args      []string
		code      int
		manifests bool
		report    string
	}{
		"good":               {[]string{"--namespace", "a", fixture("provider-jwks.xml")}, 0, true, "carried over:"},
		"good and strict":    {[]string{"--namespace", "a", "--strict", fixture("provider-jwks.xml")}, 0, true, "carried over:"},
		"lost":               {[]string{"--namespace", "a", fixture("provider.xml")}, 0, true, "lost:"},
		"lost and strict":    {[]string{"--namespace", "a", "--strict", fixture("provider.xml")}, 1, true, "something is lost"},
		"refused":            {[]string{"--namespace", "a", none, fixture("provider-jwks.xml")}, 1, true, "not every object could be made"},
		"broken":             {[]string{"--namespace", "a", fixture("provider-jwks.xml"), broken}, 1, false, "broken.xml: it is not XML"},
		"no namespace":       {[]string{fixture("provider-jwks.xml")}, 1, false, "--namespace is required"},
		"bad namespace":      {[]string{"--namespace", "A B", fixture("provider-jwks.xml")}, 1, false, "are not valid"},
		"no file":            {[]string{"--namespace", "a", "missing.xml"}, 1, false, "read file"},
		"output that exists": {[]string{"--namespace", "a", "--output", broken, fixture("provider-jwks.xml")}, 1, false, "exists"},
		"audience":           {[]string{"--namespace", "a", "--audience", "https://x.example.com", none}, 1, false, "no usable key"},
	} {
		t.Run(name, func(t *testing.T) {
			code, manifests, report := runImport(tc.args...)
			if code != tc.code || (manifests != "") != tc.manifests || !strings.Contains(report, tc.report) {
				t.Errorf("%d\n%s\n%s", code, manifests, report)
			}
		})
	}
}
