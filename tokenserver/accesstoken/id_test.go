package accesstoken

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/replay"
	"github.com/grantor-dev/grantor/tokenserver/state"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// N-08: a token is its client's as long as that is the same object with the same id.
func TestIsOf(t *testing.T) {
	client := &trust.Client{ID: "app", UID: "1e1f8a3c-0000-4000-8000-000000000001"}
	family := strings.Repeat("f", 22)
	id, vouched := newID(client, nil), newID(client, []*trust.Provider{{UID: "a"}, {UID: "b"}, {UID: "c"}})
	for name, tc := range map[string]struct {
		jti    string
		client *trust.Client
		want   bool
	}{
		"its client":                    {id, client, true},
		"its client, of a family":       {family + "." + id, client, true},
		"its client, changed since":     {id, &trust.Client{ID: "app", UID: client.UID, Enabled: true, Scopes: []string{"x"}}, true},
		"made anew under the id":        {id, &trust.Client{ID: "app", UID: "1e1f8a3c-0000-4000-8000-000000000002"}, false},
		"other id":                      {id, &trust.Client{ID: "other", UID: client.UID}, false},
		"nobody":                        {id, nil, false},
		"client without UID":            {id, &trust.Client{ID: "app"}, false},
		"jti without the digest":        {id[:22], client, false},
		"jti of another form":           {"id", client, false},
		"its client, vouched for":       {vouched, client, true},
		"vouched for, made anew":        {vouched, &trust.Client{ID: "app", UID: client.UID + "2"}, false},
		"jti that is longer":            {id + "AAAA", client, false},
		"jti with four marks":           {newID(client, []*trust.Provider{{UID: "a"}, {UID: "b"}, {UID: "c"}, {UID: "d"}}), client, false},
		"jti with something behind":     {id + "." + family, client, false},
		"jti that ends in a dot":        {id + ".", client, false},
		"jti with another last letter":  {id[:31] + other(id[31]), client, false},
		"jti with another first letter": {other(id[0]) + id[1:], client, true},
	} {
		t.Run(name, func(t *testing.T) {
			k := newToken()
			k.claims = k.claims.Set("jti", jwttest.Quote(tc.jti))
			v := must(Verify(verifyRing(), server, k.String(), noon))
			if got := v.IsOf(tc.client); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

// N-08: a token says whose word it rests on, each once, whether it comes from a family or not.
func TestVouchers(t *testing.T) {
	one, two := &trust.Provider{UID: "1", Issuer: "https://one.example.com"}, &trust.Provider{UID: "2", Issuer: "https://two.example.com"}
	for name, tc := range map[string]struct {
		vouchers []*trust.Provider
		want     []trust.Mark
	}{
		"nobody":           {nil, nil},
		"one":              {[]*trust.Provider{one}, []trust.Mark{one.Mark()}},
		"one for both":     {[]*trust.Provider{one, one}, []trust.Mark{one.Mark()}},
		"one for all":      {[]*trust.Provider{one, two, one}, []trust.Mark{one.Mark(), two.Mark()}},
		"another for each": {[]*trust.Provider{two, one, {UID: "3"}}, []trust.Mark{two.Mark(), one.Mark(), (&trust.Provider{UID: "3"}).Mark()}},
	} {
		t.Run(name, func(t *testing.T) {
			id := newID(&trust.Client{ID: "app"}, tc.vouchers)
			for _, jti := range []string{id, strings.Repeat("f", 22) + "." + id} {
				k := newToken()
				k.claims = k.claims.Set("jti", jwttest.Quote(jti))
				v := must(Verify(verifyRing(), server, k.String(), noon))
				if diff := cmp.Diff(tc.want, v.Vouchers()); diff != "" {
					t.Errorf("%s (-want +got):\n%s", jti, diff)
				}
			}
		})
	}
}

func other(c byte) string {
	if c == 'A' {
		return "Q"
	}
	return "A"
}

// Two tokens have two ids among what is revoked, and one token has always the same, which tells nothing of it.
func TestRevocationID(t *testing.T) {
	of := func(jti string) [32]byte {
		k := newToken()
		k.claims = k.claims.Set("jti", jwttest.Quote(jti))
		return must(Verify(verifyRing(), server, k.String(), noon)).RevocationID()
	}
	first, again := of("a"), of("a")
	if first != again || of("a") == of("b") || of("a") == [32]byte{} {
		t.Error("ids do not tell tokens apart")
	}
}

// O-02: a token that comes with a refresh token names its family, and is revoked with it.
func TestRevocationIDsOfFamily(t *testing.T) {
	f := newFixture()
	f.grantTypes = []string{oauth.GrantTypeRefreshToken}
	r := f.redeemed(t)
	refreshToken, ok := r.Decision().RefreshToken()
	if !ok {
		t.Fatal("there is no refresh token")
	}
	ids := func(r replay.Redeemed) (string, []state.ID, state.ID) {
		token := must(Mint(ring(noon), server, r, noon))
		v := must(Verify(ring(noon), server, token.Compact, noon))
		if !v.IsOf(r.Decision().Client()) {
			t.Error("the token is not that of its client")
		}
		return token.ID, v.RevocationIDs(), v.RevocationID()
	}
	jti, got, own := ids(r)
	if diff := cmp.Diff([]state.ID{own, refreshToken.Family().ID()}, got); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
	if again, _, _ := ids(r); again == jti {
		t.Error("two tokens have one jti")
	}
	if _, got, own := ids(newFixture().redeemed(t)); !slices.Equal(got, []state.ID{own}) {
		t.Errorf("ids without a family are %v", got)
	}
}

// What is minted belongs to the client of the decision.
func TestMintedIsOfClient(t *testing.T) {
	r := newFixture().redeemed(t)
	token, err := Mint(ring(noon), server, r, noon)
	if err != nil {
		t.Fatal(err)
	}
	v := must(Verify(ring(noon), server, token.Compact, noon))
	again := *r.Decision().Client()
	again.UID += "2"
	if !v.IsOf(r.Decision().Client()) || v.IsOf(&again) {
		t.Error("the token is not that of its client alone")
	}
	if diff := cmp.Diff([]trust.Mark{r.Decision().Provider().Mark()}, v.Vouchers()); diff != "" {
		t.Errorf("vouchers (-want +got):\n%s", diff)
	}
}
