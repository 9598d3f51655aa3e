package policy

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/tokenserver/assertion"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// RFC 8693 §4.4: who may act, and who may not.
func TestMayAct(t *testing.T) {
	const refused = oauth.ReasonActorNotAllowed
	other := func(f *fixture) {
		f.issuer, f.provider.Issuer = "https://other.example.com", "https://other.example.com"
	}
	for name, tc := range map[string]struct {
		mayAct string
		actor  bool
		change func(*fixture) // of the actor
		want   oauth.Reason
	}{
		"nobody is named, nobody acts":            {"", false, nil, ""},
		"nobody is named, anybody acts":           {"", true, nil, ""},
		"named":                                   {`{"sub":"robot"}`, true, nil, ""},
		"named with issuer":                       {`{"sub":"robot","iss":"` + issuer + `"}`, true, nil, ""},
		"named with more":                         {`{"sub":"robot","email":"robot@example.com"}`, true, nil, ""},
		"named with issuer of his own":            {`{"sub":"robot","iss":"https://other.example.com"}`, true, other, ""},
		"another is named":                        {`{"sub":"human"}`, true, nil, refused},
		"named in capitals":                       {`{"sub":"Robot"}`, true, nil, refused},
		"name is part of the actor's":             {`{"sub":"rob"}`, true, nil, refused},
		"name of another issuer":                  {`{"sub":"robot","iss":"https://other.example.com"}`, true, nil, refused},
		"same name at another issuer":             {`{"sub":"robot"}`, true, other, refused},
		"issuer with a slash":                     {`{"sub":"robot","iss":"` + issuer + `/"}`, true, nil, refused},
		"named by what it becomes":                {`{"sub":"team-a/idp:robot"}`, true, nil, refused},
		"named, and nobody acts":                  {`{"sub":"robot"}`, false, nil, refused},
		"the subject is named, and nobody acts":   {`{"sub":"alice"}`, false, nil, refused},
		"the client is named, and nobody acts":    {`{"sub":"app"}`, false, nil, refused},
		"who is named cannot be understood":       {`"robot"`, true, nil, refused},
		"nobody is named in it":                   {`{}`, true, nil, refused},
		"an issuer alone":                         {`{"iss":"` + issuer + `"}`, true, nil, refused},
		"an empty name":                           {`{"sub":""}`, true, nil, refused},
		"named twice":                             {`{"sub":"robot","sub":"human"}`, true, nil, refused},
		"null":                                    {`null`, true, nil, refused},
		"who is named cannot be, and nobody acts": {`[]`, false, nil, refused},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture()
			f.mayAct = tc.mayAct
			d, err := f.exchange(t, tc.actor, tc.change)
			if reasonOf(err) != tc.want {
				t.Fatalf("reason is %q, want %q", reasonOf(err), tc.want)
			}
			want := ""
			if err == nil && tc.actor {
				want = "team-a/idp:robot"
			}
			if d.Actor() != want {
				t.Errorf("actor is %q, want %q", d.Actor(), want)
			}
		})
	}
}

// RFC 8693 §4.1: what the decision says of the actor, and what it takes from the subject alone.
func TestDelegation(t *testing.T) {
	for name, tc := range map[string]struct {
		client  func(*trust.Client)
		actor   func(*fixture)
		want    string
		expires time.Duration
		reason  oauth.Reason
	}{
		"an actor":                     {nil, nil, "team-a/idp:robot", time.Hour, ""},
		"of another provider":          {nil, func(f *fixture) { f.provider.SubjectPrefix = "x|" }, "x|robot", time.Hour, ""},
		"as the subject":               {nil, func(f *fixture) { f.subject = "alice" }, "team-a/idp:alice", time.Hour, ""},
		"scopes of the actor are none": {nil, func(f *fixture) { f.provider.Scopes = []string{} }, "team-a/idp:robot", time.Hour, ""},
		"in another's name":            {nil, func(f *fixture) { f.provider.SubjectPrefix, f.subject = "", "team-b/idp:x" }, "", 0, oauth.ReasonSubjectReserved},
		"as the client":                {nil, func(f *fixture) { f.provider.SubjectPrefix, f.subject = "", "app" }, "", 0, oauth.ReasonSubjectReserved},
		"G-17 ends with the actor":     {func(c *trust.Client) { c.CapToAssertion = true }, func(f *fixture) { f.lifetime = time.Minute }, "team-a/idp:robot", time.Minute, ""},
		"G-17 ends with the subject":   {func(c *trust.Client) { c.CapToAssertion = true }, nil, "team-a/idp:robot", 5 * time.Minute, ""},
		"G-17 actor alive by skew":     {func(c *trust.Client) { c.CapToAssertion = true }, func(f *fixture) { f.lifetime = -time.Second }, "", 0, oauth.ReasonExpired},
		"actor alive by skew, no cap":  {nil, func(f *fixture) { f.lifetime = -time.Second }, "team-a/idp:robot", time.Hour, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture()
			f.client.Scopes = []string{"read"}
			if tc.client != nil {
				tc.client(&f.client)
			}
			d, err := f.exchange(t, true, tc.actor)
			if reasonOf(err) != tc.reason || d.Actor() != tc.want {
				t.Fatalf("actor is %q for %q, want %q for %q", d.Actor(), reasonOf(err), tc.want, tc.reason)
			}
			if err == nil && (d.Subject() != "team-a/idp:alice" || !d.ExpiresAt().Equal(noon.Add(tc.expires)) || !cmp.Equal(d.Scopes(), []string{"read"})) {
				t.Errorf("decision for %q until %v with %v", d.Subject(), d.ExpiresAt(), d.Scopes())
			}
		})
	}
}

// Both tokens are used up, that of the actor first: it is the one that is easier to replace.
func TestBothAreUsedUp(t *testing.T) {
	reuse := func(f *fixture) { f.provider.Replay = trust.ReplayReuse }
	for name, tc := range map[string]struct {
		subject, actor func(*fixture)
		want           []string
	}{
		"both":           {nil, nil, []string{"robot", "alice"}},
		"the actor's":    {reuse, nil, []string{"robot"}},
		"the subject's":  {nil, reuse, []string{"alice"}},
		"neither of two": {reuse, reuse, nil},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture()
			if tc.subject != nil {
				tc.subject(f)
			}
			d, err := f.exchange(t, true, func(a *fixture) {
				a.provider.Replay = trust.ReplayOneTime
				if tc.actor != nil {
					tc.actor(a)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, once := range d.Once() {
				got = append(got, once.JWTID)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("to use up (-want +got):\n%s", diff)
			}
		})
	}
}

// What is verified for one client is no good for another, also of an actor.
func TestExchangeForAnotherClient(t *testing.T) {
	f, other := newFixture(), newFixture()
	client, subject := f.verify(t)
	_, actor := other.verify(t)
	if _, err := AuthorizeExchange(client, subject, &actor, Request{}, server, noon); reasonOf(err) != oauth.ReasonInternal {
		t.Errorf("an actor of another client: %v", err)
	}
	if _, err := AuthorizeExchange(client, actor, nil, Request{}, server, noon); reasonOf(err) != oauth.ReasonInternal {
		t.Errorf("a subject of another client: %v", err)
	}
}

// exchange exchanges the fixture's assertion, for an actor called robot if there is to be one.
func (f *fixture) exchange(t *testing.T, withActor bool, change func(actor *fixture)) (Decision, error) {
	t.Helper()
	client, subject := f.verify(t)
	if !withActor {
		return AuthorizeExchange(client, subject, nil, Request{}, server, f.now)
	}
	a := newFixture()
	a.subject = "robot"
	if change != nil {
		change(a)
	}
	actor := a.verifyFor(t, client.Object())
	return AuthorizeExchange(client, subject, &actor, Request{}, server, f.now)
}

// verifyFor verifies the assertion for a client of another fixture.
func (f *fixture) verifyFor(t *testing.T, c *trust.Client) assertion.Verified {
	t.Helper()
	store := trust.NewStore()
	store.Update(func(tx *trust.Tx) {
		tx.PutClient(c)
		tx.PutProvider(&f.provider)
	})
	verified, _, err := assertion.NewVerifier(server).Verify(t.Context(), store.Snapshot(), c, f.text(), server, f.now)
	if err != nil {
		t.Fatal(err)
	}
	return verified
}
