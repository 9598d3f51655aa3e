package clientauth

import (
	"crypto/elliptic"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

const issuer = "https://idp.example.com"

// presented is a client assertion and what comes with it.
type presented struct {
	header, claims jwttest.Object
	alg            string
	key            any
	clientID       string // the parameter
	tenant         string
}

// worldOfKeys has clients that sign: key1 with a key, and k1 that is the workload alice of a provider; and c1 with a secret.
func worldOfKeys(change func(tx *trust.Tx)) *trust.Snapshot {
	public := func(name string) []*jose.PublicKey {
		key, err := jose.NewPublicKey(jwttest.EC(name, elliptic.P256()).Public())
		if err != nil {
			panic(err)
		}
		return []*jose.PublicKey{key}
	}
	s := trust.NewStore()
	idp := trust.ObjectKey{Namespace: "team-a", Name: "idp"}
	s.Update(func(tx *trust.Tx) {
		tx.SetDigestKeys(keyring.NewDigestKeys(keyring.GenerateDigestKey()))
		tx.PutProvider(&trust.Provider{
			Key: idp, Issuer: issuer, Enabled: true, Keys: public("idp"), Types: []string{"", "jwt"}, MaxLifetime: 1 << 62,
			Replay: trust.ReplayReuse, RemoteKeys: true,
		})
		for _, c := range []*trust.Client{
			{ID: "key1", Authentication: trust.AuthenticationPrivateKey, Keys: public("key1")},
			{ID: "work1", Authentication: trust.AuthenticationFederated, Workload: trust.Workload{Provider: idp, Subject: "alice"}},
			{ID: "alice", Authentication: trust.AuthenticationSecret},
			{ID: "nokeys", Authentication: trust.AuthenticationPrivateKey},
		} {
			c.Key, c.Enabled = trust.ObjectKey{Namespace: "team-a", Name: c.ID}, true
			tx.PutClient(c)
		}
		if change != nil {
			change(tx)
		}
	})
	return s.Snapshot()
}

func ofKey() *presented {
	at := func(offset int64) string { return strconv.FormatInt(noon.Unix()+offset, 10) }
	return &presented{
		header: jwttest.Object{}.Add("alg", `"ES256"`), alg: "ES256", key: jwttest.EC("key1", elliptic.P256()),
		claims: jwttest.Object{}.Add("iss", `"key1"`).Add("sub", `"key1"`).Add("aud", jwttest.Quote(server)).
			Add("iat", at(0)).Add("exp", at(300)).Add("jti", `"1"`),
	}
}

func ofWorkload() *presented {
	p := ofKey()
	p.key, p.clientID = jwttest.EC("idp", elliptic.P256()), "work1"
	p.claims = p.claims.Set("iss", jwttest.Quote(issuer)).Set("sub", `"alice"`)
	return p
}

func (p *presented) credentials() Credentials {
	return Credentials{
		untrustedID: p.clientID, method: MethodPrivateKeyJWT, assertion: jwttest.Compact(p.alg, p.key, p.header.String(), p.claims.String()),
	}
}

func TestAuthenticateByAssertion(t *testing.T) {
	disabled := func(tx *trust.Tx) {
		tx.PutClient(&trust.Client{Key: trust.ObjectKey{Namespace: "team-a", Name: "key1"}, ID: "key1", Authentication: trust.AuthenticationPrivateKey})
	}
	id := func(id string) func(*presented) { return func(p *presented) { p.clientID = id } }
	claim := func(name, value string) func(*presented) {
		return func(p *presented) { p.claims = p.claims.Set(name, value) }
	}
	for name, tc := range map[string]struct {
		base   func() *presented
		change func(*presented)
		world  func(*trust.Tx)
		client string // who it is
		method string
		want   oauth.Reason
	}{
		"S-01 own key":                      {ofKey, id(""), nil, "key1", MethodPrivateKeyJWT, ""},
		"S-01 own key and client_id":        {ofKey, id("key1"), nil, "key1", MethodPrivateKeyJWT, ""},
		"S-01 workload":                     {ofWorkload, id("work1"), nil, "work1", MethodFederated, ""},
		"W-11 own tenant":                   {ofKey, func(p *presented) { p.tenant = "team-a" }, nil, "key1", MethodPrivateKeyJWT, ""},
		"W-11 other tenant":                 {ofKey, func(p *presented) { p.tenant = "team-b" }, nil, "key1", "", oauth.ReasonOtherTenant},
		"W-11 other tenant, workload":       {ofWorkload, func(p *presented) { p.tenant = "team-b" }, nil, "work1", "", oauth.ReasonOtherTenant},
		"B-08 client_id of another key":     {ofKey, id("work1"), nil, "work1", "", oauth.ReasonIssuerMismatch},
		"B-08 client_id of one with secret": {ofKey, id("alice"), nil, "alice", "", oauth.ReasonOtherMethod},
		"B-08 client_id of nobody":          {ofKey, id("nobody"), nil, "nobody", "", oauth.ReasonUnknownClient},
		"B-08 workload, id of a key":        {ofWorkload, id("key1"), nil, "key1", "", oauth.ReasonIssuerMismatch},
		"B-08 workload without client_id":   {ofWorkload, id(""), nil, "alice", "", oauth.ReasonOtherMethod},
		"B-03 unknown client":               {ofKey, claim("sub", `"nobody"`), nil, "nobody", "", oauth.ReasonUnknownClient},
		"B-13 disabled":                     {ofKey, id(""), disabled, "key1", "", oauth.ReasonDisabledClient},
		"S-03 no keys":                      {ofKey, claim("sub", `"nokeys"`), nil, "nokeys", "", oauth.ReasonIssuerMismatch},
		"S-03 no keys, well-formed":         {ofKey, func(p *presented) { claim("iss", `"nokeys"`)(p); claim("sub", `"nokeys"`)(p) }, nil, "nokeys", "", oauth.ReasonAlgorithmNotAllowed},
		"S-04 sub missing":                  {ofKey, func(p *presented) { p.claims = p.claims.Delete("sub") }, nil, "", "", oauth.ReasonUnknownClient},
		"S-04 sub missing, client_id":       {ofKey, func(p *presented) { p.claims = p.claims.Delete("sub"); p.clientID = "key1" }, nil, "key1", "", oauth.ReasonSubjectMissing},
		"S-04 wrong signature":              {ofKey, func(p *presented) { p.key = jwttest.EC("evil", elliptic.P256()) }, nil, "key1", "", oauth.ReasonSignatureInvalid},
		"S-02 audience of the endpoint":     {ofKey, claim("aud", `"`+server+`/oauth2/token"`), nil, "key1", "", oauth.ReasonAudienceMismatch},
		"S-05 expired":                      {ofKey, claim("exp", "1"), nil, "key1", "", oauth.ReasonExpired},
		"S-09 garbage":                      {ofKey, claim("exp", `"x"`), nil, "", "", oauth.ReasonClaimsMalformed},
		"S-09 garbage and client_id":        {ofKey, func(p *presented) { claim("exp", `"x"`)(p); p.clientID = "key1" }, nil, "key1", "", oauth.ReasonClaimsMalformed},
		"S-04 workload of another":          {ofWorkload, claim("sub", `"bob"`), nil, "work1", "", oauth.ReasonSubjectMismatch},
		"S-04 provider does not admit":      {ofWorkload, id("work1"), func(tx *trust.Tx) { tx.DeleteProvider(trust.ObjectKey{Namespace: "team-a", Name: "idp"}) }, "work1", "", oauth.ReasonProviderUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			p := tc.base()
			tc.change(p)
			snapshot, store := worldOfKeys(tc.world), &redeemed{}
			got, trail, err := New(verifier(), store, unbounded).Authenticate(t.Context(), snapshot, p.credentials(), Place{Issuer: server, Namespace: p.tenant}, noon)
			if reasonOf(err) != tc.want || trail.UntrustedClientID != tc.client {
				t.Fatalf("%q is refused for %q, want %q for %q", trail.UntrustedClientID, reasonOf(err), tc.client, tc.want)
			}
			if err == nil && (got.Object() != snapshot.Client(tc.client) || got.Method() != tc.method || len(store.asked) != 1) {
				t.Errorf("client is %v by %q, redeemed %d times", got.Object(), got.Method(), len(store.asked))
			}
			if err == nil {
				return
			}
			if e := oauth.AsError(err); got != (Client{}) || len(store.asked) != 0 || e.Code != oauth.InvalidClient {
				t.Errorf("a refusal as %s with client %v uses the client assertion %d times", e.Code, got.Object(), len(store.asked))
			}
		})
	}
}

// A workload is who it is by the word of its provider, which goes with it; a client with a key is so by its own.
func TestVoucher(t *testing.T) {
	snapshot, later := worldOfKeys(nil), worldOfKeys(nil)
	for name, tc := range map[string]struct {
		presented *presented
		want      *trust.Provider
	}{
		"own key":  {ofKey(), nil},
		"workload": {ofWorkload(), snapshot.ProviderAt(trust.ObjectKey{Namespace: "team-a", Name: "idp"})},
	} {
		t.Run(name, func(t *testing.T) {
			got, _, err := authenticator().Authenticate(t.Context(), snapshot, tc.presented.credentials(), Place{Issuer: server}, noon)
			if err != nil || got.Voucher() != tc.want {
				t.Fatalf("%v vouches: %v", got.Voucher(), err)
			}
			if got, ok := got.In(later); !ok || got.Voucher() != tc.want {
				t.Errorf("later, %v has vouched", got.Voucher())
			}
		})
	}
}

// S-07, H-23: who has used its client assertion before, or cannot be told whether it has, is not authenticated.
func TestRedeemerRefuses(t *testing.T) {
	for _, tc := range []struct {
		reason oauth.Reason
		want   oauth.Code
	}{
		{oauth.ReasonReplayed, oauth.InvalidClient},
		{oauth.ReasonIssuedBeforeStart, oauth.TemporarilyUnavailable},
		{oauth.ReasonStateUnavailable, oauth.TemporarilyUnavailable},
	} {
		store := &redeemed{err: oauth.Refuse(tc.reason, nil)}
		got, _, err := New(verifier(), store, unbounded).Authenticate(t.Context(), worldOfKeys(nil), ofKey().credentials(), Place{Issuer: server}, noon)
		if e := oauth.AsError(err); got != (Client{}) || e.Reason != tc.reason || e.Code != tc.want {
			t.Errorf("got %v, %v as %s, want %s as %s", got.Object(), err, e.Code, tc.reason, tc.want)
		}
	}
}

// What a caller and the audit log learn on the way.
func TestTrail(t *testing.T) {
	for name, tc := range map[string]struct {
		presented *presented
		change    func(*presented)
		issuer    string
		provider  bool
		tried     bool
	}{
		"own key":         {ofKey(), func(*presented) {}, "key1", false, true},
		"workload":        {ofWorkload(), func(*presented) {}, issuer, true, true},
		"unknown client":  {ofWorkload(), func(p *presented) { p.clientID = "nobody" }, issuer, false, false},
		"key not there":   {ofWorkload(), func(p *presented) { p.header = p.header.Set("alg", `"RS256"`) }, issuer, true, false},
		"wrong signature": {ofWorkload(), func(p *presented) { p.key = jwttest.EC("evil", elliptic.P256()) }, issuer, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			tc.change(tc.presented)
			snapshot := worldOfKeys(nil)
			_, trail, _ := authenticator().Authenticate(t.Context(), snapshot, tc.presented.credentials(), Place{Issuer: server}, noon)
			found := trail.Provider != nil && trail.Provider.RemoteKeys
			if trail.UntrustedIssuer != tc.issuer || found != tc.provider || trail.SignatureTried != tc.tried {
				t.Errorf("trail is %+v", trail)
			}
		})
	}
}

// B-03: a client assertion that no key was tried for is verified with a key of nobody. Time is a bad witness: what a
// verification allocates tells whether there was one.
func TestUnknownClientsCostAVerification(t *testing.T) {
	snapshot := worldOfKeys(func(tx *trust.Tx) {
		tx.PutClient(&trust.Client{Key: trust.ObjectKey{Namespace: "team-a", Name: "off"}, ID: "off", Authentication: trust.AuthenticationPrivateKey})
	})
	a := authenticator()
	cost := func(change func(*presented)) uint64 {
		p := ofKey()
		p.key = jwttest.EC("evil", elliptic.P256())
		change(p)
		c := p.credentials()
		return allocated(func() {
			if _, _, err := a.Authenticate(t.Context(), snapshot, c, Place{Issuer: server, Namespace: p.tenant}, noon); err == nil {
				t.Error("authenticated")
			}
		})[0]
	}
	compact, err := jose.ParseCompact(ofKey().credentials().assertion)
	if err != nil {
		t.Fatal(err)
	}
	key := snapshot.Client("key1").Keys[0]
	verification := allocated(func() { key.Verify(jose.ES256, compact.SigningInput, compact.Signature) })[0]
	without := cost(func(p *presented) { p.clientID, p.header = "no1x", p.header.Set("alg", `"none"`) })
	for name, change := range map[string]func(*presented){
		"unknown client":                  func(p *presented) { p.clientID = "no1x" },
		"other method":                    func(p *presented) { p.clientID = "alice" },
		"disabled":                        func(p *presented) { p.clientID = "off" },
		"other tenant":                    func(p *presented) { p.tenant = "team-b" },
		"client's own id, another issuer": func(p *presented) { p.clientID = "work1" },
		"no keys": func(p *presented) {
			p.claims = p.claims.Set("iss", `"nokeys"`).Set("sub", `"nokeys"`)
		},
	} {
		if c := cost(change); verification == 0 || c < without+verification {
			t.Errorf("%s costs %d allocations, want those of a verification, %d, beside %d", name, c, verification, without)
		}
	}
}

// S-10: whatever is in a client assertion, it gets nobody in but the client that is named, in its own way.
func FuzzClientAssertion(f *testing.F) {
	for _, p := range []*presented{ofKey(), ofWorkload()} {
		good := p.credentials().assertion
		for _, id := range []string{"", "key1", "work1", "alice", "nobody"} {
			for _, text := range []string{good, good + "x", strings.Replace(good, ".", "", 1), "..", "", good[:len(good)/2]} {
				f.Add(id, text)
			}
		}
	}
	snapshot, a := worldOfKeys(nil), authenticator()
	f.Fuzz(func(t *testing.T, id, text string) {
		c, _, err := a.Authenticate(t.Context(), snapshot, Credentials{untrustedID: id, assertion: text, method: MethodPrivateKeyJWT}, Place{Issuer: server}, noon)
		if err != nil {
			if e := oauth.AsError(err); e.Code != oauth.InvalidClient || c != (Client{}) {
				t.Fatalf("refused as %s with %v", e.Code, c.Object())
			}
			return
		}
		want := map[string][]string{"key1": {"", "key1"}, "work1": {"work1"}}[c.Object().ID]
		if !slices.Contains(want, id) || strings.Count(text, ".") != 2 {
			t.Fatalf("%q is %s by %q", id, c.Object().ID, text)
		}
	})
}
