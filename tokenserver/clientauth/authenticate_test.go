package clientauth

import (
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

func TestAuthenticate(t *testing.T) {
	longest := strings.Repeat("s", maxSecretBytes)
	only := func(secrets ...string) func(*trust.Client, keyring.DigestKey) {
		return func(c *trust.Client, k keyring.DigestKey) {
			c.Credentials = nil
			for _, s := range secrets {
				c.Credentials = append(c.Credentials, credential(k, s))
			}
		}
	}
	for name, tc := range map[string]struct {
		change     func(*trust.Client, keyring.DigestKey)
		id, secret string
		tenant     string
		want       oauth.Reason
	}{
		"current secret":                    {unchanged, "c1", secret, "", ""},
		"W-09 previous secret":              {unchanged, "c1", previous, "", ""},
		"B-16 previous secret removed":      {only(secret), "c1", previous, "", oauth.ReasonWrongSecret},
		"longest secret":                    {only(longest), "c1", longest, "", ""},
		"one byte too long":                 {only(longest + "s"), "c1", longest + "s", "", oauth.ReasonWrongSecret},
		"too long for an unknown client":    {unchanged, "c2", longest + "s", "", oauth.ReasonWrongSecret},
		"B-02 wrong secret":                 {unchanged, "c1", "wrong", "", oauth.ReasonWrongSecret},
		"B-02 secret in other case":         {unchanged, "c1", strings.ToUpper(secret), "", oauth.ReasonWrongSecret},
		"B-02 part of the secret":           {unchanged, "c1", secret[:len(secret)-1], "", oauth.ReasonWrongSecret},
		"B-02 more than the secret":         {unchanged, "c1", secret + " ", "", oauth.ReasonWrongSecret},
		"B-02 both secrets":                 {unchanged, "c1", secret + previous, "", oauth.ReasonWrongSecret},
		"B-03 unknown client":               {unchanged, "c2", secret, "", oauth.ReasonUnknownClient},
		"B-03 name of the object":           {func(c *trust.Client, _ keyring.DigestKey) { c.ID = "id-1" }, "c1", secret, "", oauth.ReasonUnknownClient},
		"B-03 empty id":                     {unchanged, "", secret, "", oauth.ReasonUnknownClient},
		"B-03 id in other case":             {unchanged, "C1", secret, "", oauth.ReasonUnknownClient},
		"B-04 empty secret":                 {unchanged, "c1", "", "", oauth.ReasonWrongSecret},
		"B-04 empty secret, no credentials": {only(), "c1", "", "", oauth.ReasonNoClientCredentials},
		"B-06 null":                         {unchanged, "c1", "null", "", oauth.ReasonWrongSecret},
		"B-06 undefined":                    {unchanged, "c1", "undefined", "", oauth.ReasonWrongSecret},
		"B-06 NUL":                          {unchanged, "c1", "\x00", "", oauth.ReasonWrongSecret},
		"B-06 secret and NUL":               {unchanged, "c1", secret + "\x00", "", oauth.ReasonWrongSecret},
		"B-06 naughty string":               {unchanged, "c1", "Ω≈ç√∫˜µ≤≥÷ 田中さんにあげて下さい 👾", "", oauth.ReasonWrongSecret},
		"B-13 disabled":                     {func(c *trust.Client, _ keyring.DigestKey) { c.Enabled = false }, "c1", secret, "", oauth.ReasonDisabledClient},
		"no credentials":                    {only(), "c1", secret, "", oauth.ReasonNoClientCredentials},
		"zero credential":                   {func(c *trust.Client, _ keyring.DigestKey) { c.Credentials = []trust.Credential{{}} }, "c1", "", "", oauth.ReasonWrongSecret},
		"UID of another object":             {func(c *trust.Client, _ keyring.DigestKey) { c.UID = "another" }, "c1", secret, "", oauth.ReasonWrongSecret},
		"digest under another key": {func(c *trust.Client, _ keyring.DigestKey) {
			k := keyring.GenerateDigestKey()
			c.Credentials = []trust.Credential{credential(k, secret)}
		}, "c1", secret, "", oauth.ReasonWrongSecret},
		"right digest with the id of another key": {func(c *trust.Client, _ keyring.DigestKey) {
			c.Credentials[0].DigestKeyID, c.Credentials[1].DigestKeyID = "another", ""
		}, "c1", secret, "", oauth.ReasonWrongSecret},
		"digest of one, key id of the other": {func(c *trust.Client, k keyring.DigestKey) {
			c.Credentials = []trust.Credential{{DigestKeyID: k.ID()}, {Digest: k.Digest(uid, secret)}}
		}, "c1", secret, "", oauth.ReasonWrongSecret},
		"client with a key":         {authenticatedBy(trust.AuthenticationPrivateKey), "c1", secret, "", oauth.ReasonOtherMethod},
		"client of a workload":      {authenticatedBy(trust.AuthenticationFederated), "c1", secret, "", oauth.ReasonOtherMethod},
		"public client":             {authenticatedBy(trust.AuthenticationNone), "c1", secret, "", oauth.ReasonOtherMethod},
		"client without a method":   {authenticatedBy(0), "c1", secret, "", oauth.ReasonOtherMethod},
		"W-11 own tenant":           {unchanged, "c1", secret, "team-a", ""},
		"W-11 other tenant":         {unchanged, "c1", secret, "team-b", oauth.ReasonOtherTenant},
		"W-11 part of the tenant":   {unchanged, "c1", secret, "team", oauth.ReasonOtherTenant},
		"W-11 tenant in other case": {unchanged, "c1", secret, "Team-a", oauth.ReasonOtherTenant},
	} {
		t.Run(name, func(t *testing.T) {
			snapshot := world(tc.change)
			got, err := authenticate(snapshot, secretOf(tc.id, tc.secret, MethodSecretPost), tc.tenant)
			if reasonOf(err) != tc.want {
				t.Fatalf("reason is %q, want %q", reasonOf(err), tc.want)
			}
			switch {
			case err != nil && got != (Client{}):
				t.Error("a refusal comes with a client")
			case err == nil && (got.Object() != snapshot.Client(tc.id) || got.Method() != MethodSecretPost):
				t.Errorf("client is %v by %q", got.Object(), got.Method())
			}
		})
	}
}

func authenticatedBy(method trust.Authentication) func(*trust.Client, keyring.DigestKey) {
	return func(c *trust.Client, _ keyring.DigestKey) { c.Authentication = method }
}

// B-01, J-10: a public client says who it is, and no other client gets by with that.
func TestAuthenticateWithNothing(t *testing.T) {
	public := authenticatedBy(trust.AuthenticationNone)
	for name, tc := range map[string]struct {
		change     func(*trust.Client, keyring.DigestKey)
		id, tenant string
		want       oauth.Reason
	}{
		"W-10 public":             {public, "c1", "", ""},
		"public, own tenant":      {public, "c1", "team-a", ""},
		"W-11 other tenant":       {public, "c1", "team-b", oauth.ReasonOtherTenant},
		"B-03 unknown":            {public, "c2", "", oauth.ReasonUnknownClient},
		"B-13 disabled":           {func(c *trust.Client, k keyring.DigestKey) { public(c, k); c.Enabled = false }, "c1", "", oauth.ReasonDisabledClient},
		"W-10 B-01 with a secret": {unchanged, "c1", "", oauth.ReasonNoCredentials},
		"B-01 with a key":         {authenticatedBy(trust.AuthenticationPrivateKey), "c1", "", oauth.ReasonNoCredentials},
		"B-01 workload":           {authenticatedBy(trust.AuthenticationFederated), "c1", "", oauth.ReasonNoCredentials},
		"B-01 of no method":       {authenticatedBy(0), "c1", "", oauth.ReasonNoCredentials},
		"B-01 unknown method":     {authenticatedBy(99), "c1", "", oauth.ReasonNoCredentials},
	} {
		t.Run(name, func(t *testing.T) {
			snapshot := world(tc.change)
			got, err := authenticate(snapshot, Credentials{untrustedID: tc.id, method: MethodNone}, tc.tenant)
			if reasonOf(err) != tc.want {
				t.Fatalf("reason is %q, want %q", reasonOf(err), tc.want)
			}
			if err == nil && (got.Object() != snapshot.Client("c1") || got.Method() != MethodNone) {
				t.Errorf("client is %v by %q", got.Object(), got.Method())
			}
		})
	}
	if _, err := authenticate(world(public), Credentials{untrustedID: "c1"}, ""); reasonOf(err) != oauth.ReasonNoCredentials {
		t.Errorf("credentials of no method are refused for %q", reasonOf(err))
	}
}

// Only what a client may do by now counts, and only if it is the client that authenticated.
func TestIn(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*trust.Client, keyring.DigestKey)
		want   bool
	}{
		"unchanged":         {unchanged, true},
		"other grants":      {func(c *trust.Client, _ keyring.DigestKey) { c.GrantTypes = nil }, true},
		"other secret":      {func(c *trust.Client, _ keyring.DigestKey) { c.Credentials = nil }, true},
		"disabled":          {func(c *trust.Client, _ keyring.DigestKey) { c.Enabled = false }, false},
		"gone":              {func(c *trust.Client, _ keyring.DigestKey) { c.ID = "c2" }, false},
		"recreated":         {func(c *trust.Client, _ keyring.DigestKey) { c.UID = "another" }, false},
		"another object":    {func(c *trust.Client, _ keyring.DigestKey) { c.Key.Name = "c2" }, false},
		"another namespace": {func(c *trust.Client, _ keyring.DigestKey) { c.Key.Namespace = "team-b" }, false},
		"another method":    {authenticatedBy(trust.AuthenticationNone), false},
		"another workload":  {func(c *trust.Client, _ keyring.DigestKey) { c.Workload.Subject = "bob" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := authenticate(world(unchanged), secretOf("c1", secret, MethodSecretPost), "")
			if err != nil {
				t.Fatal(err)
			}
			later := world(tc.change)
			got, ok := c.In(later)
			if ok != tc.want {
				t.Fatalf("it is there: %v, want %v", ok, tc.want)
			}
			if ok && (got.Object() != later.Client("c1") || got.Method() != c.Method()) || !ok && got != (Client{}) {
				t.Errorf("client is %v by %q", got.Object(), got.Method())
			}
		})
	}
}

// TestAuthenticateWhileTheDigestKeyRotates: a digest under any key of the set counts, and no other.
func TestAuthenticateWhileTheDigestKeyRotates(t *testing.T) {
	keys := threeDigestKeys(t)
	ids := map[string]keyring.DigestKey{}
	for k := range keys.All() {
		ids[k.ID()] = k
	}
	active, before, after := keys.Active(), ids[keys.PreviousID()], ids[keys.NextID()]
	for name, tc := range map[string]struct {
		credentials []trust.Credential
		secret      string
		want        oauth.Reason
	}{
		"active":                        {[]trust.Credential{credential(active, secret)}, secret, ""},
		"previous":                      {[]trust.Credential{credential(before, secret)}, secret, ""},
		"next":                          {[]trust.Credential{credential(after, secret)}, secret, ""},
		"second credential, previous":   {[]trust.Credential{credential(active, secret), credential(before, previous)}, previous, ""},
		"wrong secret":                  {[]trust.Credential{credential(active, secret), credential(before, previous)}, "wrong", oauth.ReasonWrongSecret},
		"retired key":                   {[]trust.Credential{credential(keyring.GenerateDigestKey(), secret)}, secret, oauth.ReasonWrongSecret},
		"digest and id of two keys":     {[]trust.Credential{{DigestKeyID: active.ID(), Digest: before.Digest(uid, secret)}}, secret, oauth.ReasonWrongSecret},
		"id of the previous, no digest": {[]trust.Credential{{DigestKeyID: before.ID()}}, secret, oauth.ReasonWrongSecret},
	} {
		t.Run(name, func(t *testing.T) {
			s := trust.NewStore()
			s.Update(func(tx *trust.Tx) {
				tx.SetDigestKeys(keys)
				tx.PutClient(&trust.Client{UID: uid, ID: "c1", Enabled: true, Authentication: trust.AuthenticationSecret, Credentials: tc.credentials})
			})
			if _, err := authenticate(s.Snapshot(), secretOf("c1", tc.secret, MethodSecretPost), ""); reasonOf(err) != tc.want {
				t.Errorf("reason is %q, want %q", reasonOf(err), tc.want)
			}
		})
	}
}

func TestAuthenticateWithoutDigestKey(t *testing.T) {
	s := trust.NewStore()
	s.Update(func(tx *trust.Tx) {
		tx.PutClient(&trust.Client{ID: "c1", Enabled: true, Credentials: []trust.Credential{{}}})
	})
	if _, err := authenticate(s.Snapshot(), secretOf("c1", "", MethodSecretPost), ""); reasonOf(err) != oauth.ReasonNotReady {
		t.Errorf("reason is %q, want %q", reasonOf(err), oauth.ReasonNotReady)
	}
}

func TestMayUse(t *testing.T) {
	for name, tc := range map[string]struct {
		grants []string
		want   bool
	}{
		"W-08 allowed":           {[]string{"refresh_token", grant}, true},
		"B-11 none":              {nil, false},
		"B-11 another":           {[]string{"refresh_token"}, false},
		"W-83 longer":            {[]string{grant + "2"}, false},
		"W-83 shorter":           {[]string{grant[:len(grant)-1]}, false},
		"W-83 all in one string": {[]string{"refresh_token " + grant}, false},
		"A-09 in other case":     {[]string{strings.ToUpper(grant)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := authenticate(world(func(c *trust.Client, _ keyring.DigestKey) { c.GrantTypes = tc.grants }), secretOf("c1", secret, MethodSecretPost), "")
			if err != nil {
				t.Fatal(err)
			}
			if got := c.MayUse(grant); got != tc.want {
				t.Errorf("may use it: %v, want %v", got, tc.want)
			}
		})
	}
}
