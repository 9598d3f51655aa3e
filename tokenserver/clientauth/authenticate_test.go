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
		"W-11 own tenant":           {unchanged, "c1", secret, "team-a", ""},
		"W-11 other tenant":         {unchanged, "c1", secret, "team-b", oauth.ReasonOtherTenant},
		"W-11 part of the tenant":   {unchanged, "c1", secret, "team", oauth.ReasonOtherTenant},
		"W-11 tenant in other case": {unchanged, "c1", secret, "Team-a", oauth.ReasonOtherTenant},
	} {
		t.Run(name, func(t *testing.T) {
			snapshot := world(tc.change)
			got, err := Authenticate(snapshot, Credentials{tc.id, tc.secret, MethodSecretPost}, tc.tenant)
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

func TestAuthenticateWithoutDigestKey(t *testing.T) {
	s := trust.NewStore()
	s.Update(func(tx *trust.Tx) {
		tx.PutClient(&trust.Client{ID: "c1", Enabled: true, Credentials: []trust.Credential{{}}})
	})
	if _, err := Authenticate(s.Snapshot(), Credentials{"c1", "", MethodSecretPost}, ""); reasonOf(err) != oauth.ReasonNotReady {
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
			c, err := Authenticate(world(func(c *trust.Client, _ keyring.DigestKey) { c.GrantTypes = tc.grants }), Credentials{"c1", secret, MethodSecretPost}, "")
			if err != nil {
				t.Fatal(err)
			}
			if got := c.MayUse(grant); got != tc.want {
				t.Errorf("may use it: %v, want %v", got, tc.want)
			}
		})
	}
}
