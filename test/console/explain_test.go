package console

import (
	"context"
	"crypto/elliptic"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

// signed is an assertion of team-a's workloads, changed.
func signed(change func(jwttest.Object) jwttest.Object) string {
	now := time.Now().Unix()
	claims := jwttest.Object{}.Add("iss", `"https://workloads.team-a.test"`).Add("sub", `"alice"`).Add("aud", jwttest.Quote(grantor.Issuer)).
		Add("iat", fmt.Sprint(now)).Add("exp", fmt.Sprint(now+60)).Add("jti", jwttest.Quote(fmt.Sprint(time.Now().UnixNano())))
	return jwttest.Compact("ES256", jwttest.EC("team-a", elliptic.P256()), `{"alg":"ES256","kid":"2026-01"}`, change(claims).String())
}

func unchanged(o jwttest.Object) jwttest.Object { return o }

// paste fills the form in the browser, sends it, and returns what is wrong with the page.
func paste(ctx context.Context, console, assertion, client string) ([]string, error) {
	if _, err := chrome.visit(ctx, console+"/explain", screens[0]); err != nil {
		return nil, err
	}
	fill := fmt.Sprintf(`document.querySelector('#assertion').value = %s; document.querySelector('#client').value = %s`, jwttest.Quote(assertion), jwttest.Quote(client))
	if err := chrome.evaluate(ctx, fill, nil); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := chrome.await(ctx, func() error { return chrome.evaluate(ctx, `document.querySelector('form.paste button').click()`, nil) }); err != nil {
		return nil, err
	}
	return chrome.judge(ctx)
}

// TestExplain: an assertion that is pasted is judged, and goes nowhere else.
func TestExplain(t *testing.T) {
	p, console := started(t, "console-explain", "--issuer", grantor.Issuer)
	inspect(t, "explain", console+"/explain", "Explain an assertion")
	good := signed(unchanged)
	for name, tc := range map[string]struct {
		assertion, client string
		shows             []string
	}{
		"accepted":  {good, "team-a/app", []string{"Accepted", "alice", "team-a/workloads", "Signature"}},
		"no-client": {good, "", []string{"none named", "team-a/app"}},
		"by-id":     {good, "team-a.app", []string{"Accepted", "team-a/app"}},
		"lines":     {good[:40] + "\n  " + good[40:90] + "\r\n" + good[90:], "team-a/app", []string{"Accepted"}},
		"audience":  {signed(func(o jwttest.Object) jwttest.Object { return o.Set("aud", `"https://elsewhere.test"`) }), "team-a/app", []string{"Refused", "audience_mismatch", "invalid_grant", "What to do", "https://elsewhere.test"}},
		"expired":   {signed(func(o jwttest.Object) jwttest.Object { return o.Set("exp", "1700000000").Set("iat", "1699999940") }), "team-a/app", []string{"Refused", "expired"}},
		"unknown":   {signed(func(o jwttest.Object) jwttest.Object { return o.Set("iss", `"https://unknown.test"`) }), "team-a/app", []string{"Refused", "none trusts this issuer"}},
		"almost":    {signed(func(o jwttest.Object) jwttest.Object { return o.Set("iss", `"https://workloads.team-a.test/"`) }), "team-a/app", []string{"Refused"}},
		"forged":    {good[:len(good)-20] + strings.Repeat("A", 20), "team-a/app", []string{"Refused", "signature_invalid"}},
		"switched":  {good, "team-b/off", []string{"Refused"}},
		"hostile": {signed(func(o jwttest.Object) jwttest.Object {
			return o.Set("sub", jwttest.Quote("</td><script>window.pwned=1</script>\u202eabc"))
		}), "team-a/app", []string{"</td><script>window.pwned=1</script>"}},
		"nonsense":    {"not.an.assertion", "team-a/app", []string{"Refused"}},
		"nobody":      {good, "team-a/nobody", []string{"No client that is shown here"}},
		"long-client": {good, strings.Repeat("x", 600), []string{"No client that is shown here"}},
	} {
		t.Run(name, func(t *testing.T) {
			problems, err := paste(t.Context(), console, tc.assertion, tc.client)
			if err != nil {
				t.Fatal(err)
			}
			for _, problem := range problems {
				t.Error(problem)
			}
			inspectShown(t, "explain-"+name, tc.shows...)
			notKept(t, tc.assertion)
			var title string
			if err := chrome.evaluate(t.Context(), "document.title", &title); err != nil || !strings.Contains(title, ": Explain an assertion") {
				t.Errorf("the title %q does not say what came out, %v", title, err)
			}
		})
	}
	p.Stop()
	notLogged(t, p.Log, append(strings.Split(good, "."), "alice", "workloads.team-a")...)
}

// inspectShown looks at the page that is shown on every screen, without asking for it again.
func inspectShown(t *testing.T, name string, shows ...string) {
	t.Helper()
	for _, s := range screens {
		if err := chrome.look(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		problems, err := chrome.judge(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range problems {
			t.Errorf("%s: %s", s, p)
		}
		keep(t, name+"-"+s.String())
	}
	if err := chrome.look(t.Context(), screens[0]); err != nil {
		t.Fatal(err)
	}
	text, err := chrome.text(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range shows {
		if !strings.Contains(text, want) {
			t.Errorf("does not show %q, but:\n%s", want, text)
		}
	}
}

// notLogged: a log holds none of the texts.
func notLogged(t *testing.T, file string, texts ...string) {
	t.Helper()
	log, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		if strings.Contains(string(log), text) {
			t.Errorf("the log holds %s", text)
		}
	}
}

// notKept: neither the page nor its address holds the signature, or the assertion.
func notKept(t *testing.T, assertion string) {
	t.Helper()
	var page, address string
	if err := chrome.evaluate(t.Context(), "document.documentElement.outerHTML", &page); err != nil {
		t.Fatal(err)
	}
	if err := chrome.evaluate(t.Context(), "location.href", &address); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(address, "/explain") {
		t.Errorf("the address is %s", address)
	}
	parts := strings.Split(strings.Join(strings.Fields(assertion), ""), ".")
	if len(parts) == 3 && len(parts[2]) > 20 && (strings.Contains(page, parts[2]) || strings.Contains(page, parts[1])) {
		t.Error("the page holds a part of the assertion")
	}
}

// TestExplainForm: the form is taken from the body, whole and once, from our own page.
func TestExplainForm(t *testing.T) {
	_, console := started(t, "console-form")
	good := url.Values{"assertion": {signed(unchanged)}, "client": {"team-a/app"}}
	for name, tc := range map[string]struct {
		query, body string
		change      func(*http.Request)
		want        int
		says        string
	}{
		"as it is meant":        {"", good.Encode(), func(*http.Request) {}, http.StatusOK, "Accepted"},
		"a scope too wide":      {"", good.Encode() + "&scope=everything", func(*http.Request) {}, http.StatusOK, "scope_not_allowed"},
		"two scopes":            {"", good.Encode() + "&scope=a&scope=b", func(*http.Request) {}, http.StatusBadRequest, "not the form"},
		"in the URL":            {"?" + good.Encode(), "", func(*http.Request) {}, http.StatusBadRequest, "must not be in a URL"},
		"in both":               {"?x", good.Encode(), func(*http.Request) {}, http.StatusBadRequest, "must not be in a URL"},
		"of another type":       {"", good.Encode(), func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, http.StatusBadRequest, "not the form"},
		"without a type":        {"", good.Encode(), func(r *http.Request) { r.Header.Del("Content-Type") }, http.StatusBadRequest, "not the form"},
		"twice":                 {"", good.Encode() + "&assertion=a", func(*http.Request) {}, http.StatusBadRequest, "not the form"},
		"two clients":           {"", good.Encode() + "&client=a", func(*http.Request) {}, http.StatusBadRequest, "not the form"},
		"a field that is not":   {"", good.Encode() + "&x=y", func(*http.Request) {}, http.StatusBadRequest, "not the form"},
		"nothing":               {"", "assertion=&client=", func(*http.Request) {}, http.StatusBadRequest, "Paste an assertion"},
		"no field":              {"", "", func(*http.Request) {}, http.StatusBadRequest, "not the form"},
		"broken":                {"", "assertion=%zz", func(*http.Request) {}, http.StatusBadRequest, "not the form"},
		"too long":              {"", "assertion=" + strings.Repeat("a", 1<<20), func(*http.Request) {}, http.StatusBadRequest, "longer than a token server reads"},
		"a little too long":     {"", "assertion=" + strings.Repeat("a", 70<<10), func(*http.Request) {}, http.StatusBadRequest, "longer than a token server reads"},
		"from a page of others": {"", good.Encode(), func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, http.StatusForbidden, ""},
		"from another origin":   {"", good.Encode(), func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, http.StatusForbidden, ""},
		"to another name":       {"", good.Encode(), func(r *http.Request) { r.Host = "evil.example" }, http.StatusMisdirectedRequest, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, console+"/explain"+tc.query, strings.NewReader(tc.body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			tc.change(r)
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = res.Body.Close() }()
			body, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != tc.want || !strings.Contains(string(body), tc.says) {
				t.Errorf("%d, want %d and %q:\n%.2000s", res.StatusCode, tc.want, tc.says, body)
			}
			if res.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("it may be kept: %q", res.Header.Get("Cache-Control"))
			}
		})
	}
	// Who follows a link with an assertion in it is told what has happened.
	if _, body := get(t, console+"/explain?assertion=a.b.c", func(*http.Request) {}); !strings.Contains(body, "must not be in a URL") {
		t.Error("nobody is told that the URL is no place for it")
	}
}
