package explain

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/controllers/trustsync"
	"github.com/grantor-dev/grantor/tokenserver"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/state"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// endpoint is a token server with the objects as they are, and its own compilation of them.
func (a *attempt) endpoint(tb testing.TB, log *reasonOf) http.Handler {
	tb.Helper()
	store := trust.NewStore()
	ring, err := keyring.Generate(noon.Add(-time.Hour))
	if err != nil {
		tb.Fatal(err)
	}
	compiler, err := trustsync.NewProviderCompiler()
	if err != nil {
		tb.Fatal(err)
	}
	providers, clients := a.objects()
	store.Update(func(tx *trust.Tx) {
		for _, o := range providers {
			if p, err := compiler.Compile(o); err == nil {
				tx.PutProvider(p)
			}
		}
		for _, o := range clients {
			if c, err := trustsync.CompileClient(o); err == nil {
				tx.PutClient(c)
			}
		}
		tx.SetRing(ring)
		tx.SetDigestKeys(keyring.NewDigestKeys(a.digest))
		tx.MarkLoaded()
	})
	memory := state.NewMemory(noon.Add(-24 * time.Hour))
	h, err := tokenserver.NewHandler(tokenserver.Config{
		Issuer: server, Trust: store, Replay: memory, Revocations: memory, Now: func() time.Time { return a.options.At },
		Audit: slog.New(log), Metrics: prometheus.NewRegistry(), DisabledGrants: a.options.DisabledGrants,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return h
}

type reasonOf struct{ reason string }

func (*reasonOf) Enabled(context.Context, slog.Level) bool { return true }

func (r *reasonOf) Handle(_ context.Context, record slog.Record) error {
	record.Attrs(func(a slog.Attr) bool {
		if a.Key == "reason" {
			r.reason = a.Value.String()
		}
		return true
	})
	return nil
}

func (r *reasonOf) WithAttrs([]slog.Attr) slog.Handler { return r }
func (r *reasonOf) WithGroup(string) slog.Handler      { return r }

// answered is what a token server answers to the client, which has the right secret.
func (a *attempt) answered(tb testing.TB, text string) (reason oauth.Reason, body map[string]any) {
	tb.Helper()
	form := url.Values{
		"grant_type": {oauth.GrantTypeJWTBearer}, "client_id": {"team-a.playground"}, "assertion": {text}, "resource": a.options.Resources,
	}
	if a.options.Scope != "" {
		form.Set("scope", a.options.Scope)
	}
	switch {
	case a.clientAssertion != "":
		form.Set("client_assertion", a.clientAssertion)
		form.Set("client_assertion_type", oauth.ClientAssertionType)
	case a.client.Spec.Authentication.Public == nil:
		form.Set("client_secret", secret)
	}
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, tokenserver.PathToken, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	log, w := &reasonOf{}, httptest.NewRecorder()
	a.endpoint(tb, log).ServeHTTP(w, r)
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		tb.Fatal(err)
	}
	if (w.Code == http.StatusOK) != (log.reason == "") {
		tb.Fatalf("status %d, reason %q", w.Code, log.reason)
	}
	return oauth.Reason(log.reason), body
}

// compare holds what is explained to what a token server answers.
func (a *attempt) compare(tb testing.TB, text string) {
	tb.Helper()
	want, body := a.answered(tb, text)
	r, err := Assertion(tb.Context(), a.world(tb), text, a.options)
	if err != nil {
		tb.Fatal(err)
	}
	if r.Reason != want || (r.Verdict == Accepted) != (want == "") || string(r.Error) != textOf(body["error"]) {
		tb.Fatalf("explained as %s for %q (%s); a token server answers %q (%v)", r.Verdict, r.Reason, r.Error, want, body["error"])
	}
	failed := r.Failures()
	if (want == "") != (len(failed) == 0) {
		tb.Fatalf("%q with failures %+v", want, failed)
	}
	of := func(c Check) bool { return c.Reason == want }
	if want != "" && !slices.ContainsFunc(failed, of) {
		tb.Fatalf("no check fails for %q: %+v", want, failed)
	}
	if want == "" && (r.Granted.Scope != textOf(body["scope"]) || float64(r.Granted.ExpiresIn) != body["expires_in"] || r.Granted.Subject == "" || len(r.Granted.Audience) == 0) {
		tb.Errorf("granted is %+v, a token server answers %v", r.Granted, body)
	}
}

func textOf(v any) string {
	s, _ := v.(string)
	return s
}

// What is explained is what a token server does: for every reason alone, and for every two of them together.
func TestExplainedIsAnswered(t *testing.T) {
	table := refusals()
	for i, one := range table {
		t.Run("alone "+string(one.reason), func(t *testing.T) {
			a := newAttempt(one.change)
			a.compare(t, a.text())
		})
		for _, other := range table[i+1:] {
			t.Run(string(one.reason)+" and "+string(other.reason), func(t *testing.T) {
				a := newAttempt(one.change, other.change)
				a.compare(t, a.text())
			})
		}
	}
}

// Whatever somebody pastes is explained as a token server answers it.
func FuzzExplainedIsAnswered(f *testing.F) {
	for _, tc := range refusals() {
		if text := newAttempt(tc.change).text(); len(text) < 20_000 {
			f.Add(text, "", 0)
		}
	}
	f.Add(newAttempt().text(), "read", 280)
	f.Add(newAttempt().text(), "read", 320)
	f.Add(newAttempt().text(), "read  x", 400)
	a := newAttempt()
	f.Fuzz(func(t *testing.T, text, scope string, later int) {
		b := *a
		b.options.Scope, b.options.At = scope, noon.Add(time.Duration(later%100_000)*time.Second)
		b.compare(t, text)
	})
}

// What cannot be judged is no verdict.
func TestUndecidable(t *testing.T) {
	nobody := func(a *attempt) { a.options.Client.Name, a.options.Client.Namespace = "", "" }
	for name, tc := range map[string]struct {
		change change
		want   error
	}{
		"no such client": {func(a *attempt) { a.options.Client.Name = "other" }, ErrNoSuchClient},
		"two providers": {all(nobody, func(a *attempt) {
			p := provider("p2", issuer, trustedKey("idp"))
			p.Namespace = "team-b"
			a.others = append(a.others, p)
		}), ErrClientNeeded},
		"client in the assertion": {all(idJAG(), nobody), ErrClientNeeded},
		"scope of nobody":         {all(nobody, func(a *attempt) { a.options.Scope = "read" }), ErrClientNeeded},
		"resource of nobody":      {all(nobody, func(a *attempt) { a.options.Resources = []string{"https://api.example.com"} }), ErrClientNeeded},
		"ID-JAG for some server":  {all(idJAG(), func(a *attempt) { a.options.Issuer = "" }), ErrIssuerNeeded},
		"resource of the server": {func(a *attempt) {
			a.client.Spec.Resources = nil
			a.options.Issuer = ""
			a.options.Resources = []string{server}
		}, ErrIssuerNeeded},
		"what cannot be an issuer": {func(a *attempt) { a.options.Issuer = "ftp://x" }, nil},
		"two providers, one chosen": {all(nobody, func(a *attempt) {
			p := provider("p2", issuer, trustedKey("idp"))
			p.Namespace = "team-b"
			a.others = append(a.others, p)
			a.options.Namespace = "team-b"
		}), errNone},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAttempt(tc.change)
			r, err := Assertion(t.Context(), a.world(t), a.text(), a.options)
			if errors.Is(tc.want, errNone) {
				if err != nil || r.Provider != "team-b/p2" {
					t.Errorf("%+v, %v", r, err)
				}
				return
			}
			if err == nil || r != nil || tc.want != nil && !errors.Is(err, tc.want) {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
}

var errNone = errors.New("none")

// TestTenants: at the issuer of a tenant are the clients of one namespace, and what any issuer of the server has signed is its own.
func TestTenants(t *testing.T) {
	at := func(tenant string) change { return func(a *attempt) { a.options.Issuer = server + "/t/" + tenant } }
	nobody := func(a *attempt) { a.options.Client.Name, a.options.Client.Namespace = "", "" }
	signedBy := func(issuer string) change {
		return all(claim("iss", `"`+issuer+`"`), func(a *attempt) { a.provider = provider("idp", issuer, trustedKey("idp")) })
	}
	for name, tc := range map[string]struct {
		change change
		want   oauth.Reason
		err    error
	}{
		"its own":               {at("team-a"), "", nil},
		"of another":            {at("team-b"), oauth.ReasonOtherTenant, nil},
		"by a domain":           {at("example.com"), "", nil},
		"of nobody":             {all(at("team-a"), nobody), "", nil},
		"of nobody, elsewhere":  {all(at("team-b"), nobody), oauth.ReasonProviderUnknown, nil},
		"of nobody, a domain":   {all(at("example.com"), nobody), "", ErrClientNeeded},
		"signed by the server":  {all(at("team-a"), signedBy(server)), oauth.ReasonSelfIssued, nil},
		"signed by a neighbour": {all(at("team-a"), signedBy(server+"/t/team-b")), oauth.ReasonSelfIssued, nil},
		"no name of a tenant":   {at("Team/a"), "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAttempt(tc.change)
			r, err := Assertion(t.Context(), a.world(t), a.text(), a.options)
			if !errors.Is(err, tc.err) || err == nil && (r.Reason != tc.want || r.Checks[0].ID == "request") {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
}

// TestWorkloadOfAnotherProvider: what keeps a client from authenticating is about its own provider, whatever is known of that of the
// assertion.
func TestWorkloadOfAnotherProvider(t *testing.T) {
	off := func(p *v1alpha1.IdentityProvider) { p.Spec.GrantEnabled = new(false) }
	r := newAttempt(byWorkload(off), claim("iss", `"https://stranger.example.com"`)).explain(t)
	if r.Reason != oauth.ReasonProviderDisabled || !strings.Contains(r.Failures()[0].Fix, "workloads") {
		t.Errorf("%+v", r)
	}
}

// TestTenantByDomain: for whom a domain is only a token server knows.
func TestTenantByDomain(t *testing.T) {
	for issuer, want := range map[string]State{server: Passed, server + "/t/team-a": Passed, server + "/t/example.com": NotLookedAt} {
		r := newAttempt(func(a *attempt) { a.options.Issuer = issuer }).explain(t)
		if c := r.Checks[0]; c.ID != "client" || c.State != want || (c.Detail == "") != (want == Passed) {
			t.Errorf("%s: %+v", issuer, c)
		}
	}
}

// TestSpansAreToldApart: what is too long by little does not look like what is wanted.
func TestSpansAreToldApart(t *testing.T) {
	for name, tc := range map[string]struct {
		change       change
		id           string
		seen, wanted string
	}{
		"lifetime":          {claim("exp", at(86_450)), "lifetime", "24h0m50s from iat to exp", "at most 24h0m0s"},
		"lifetime by hours": {claim("exp", at(90_000)), "lifetime", "25h0m from iat to exp", "at most 24h0m"},
		"lifetime allowed":  {claim("exp", at(86_400)), "lifetime", "24h0m from iat to exp", "at most 24h0m"},
		"age": {
			all(claim("iat", at(-3650)), ofProvider(func(p *v1alpha1.IdentityProvider) { p.Spec.MaxAge = "1h" })), "age",
			"iat 2026-06-01T10:59:10Z, 1h0m50s ago", "at most 1h0m0s ago",
		},
		"age by minutes": {
			all(claim("iat", at(-3900)), ofProvider(func(p *v1alpha1.IdentityProvider) { p.Spec.MaxAge = "1h" })), "age",
			"iat 2026-06-01T10:55:00Z, 1h5m ago", "at most 1h0m ago",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newAttempt(tc.change).explain(t)
			c := r.Checks[slices.IndexFunc(r.Checks, func(c Check) bool { return c.ID == tc.id })]
			if c.Seen != tc.seen || c.Wanted != tc.wanted {
				t.Errorf("%+v", c)
			}
		})
	}
}
