package replay

import (
	"crypto/elliptic"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/assertion"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/state"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// verifiedClient verifies the fixture's claims as a client assertion: of a client that signs for itself when the issuer is
// the client, and of one whose workload the issuer vouches for otherwise.
func (f fixture) verifiedClient(t testing.TB) assertion.VerifiedClient {
	t.Helper()
	key := jwttest.EC(f.key, elliptic.P256())
	keys := []*jose.PublicKey{must(jose.NewPublicKey(key.Public()))}
	provider := trust.ObjectKey{Namespace: f.namespace, Name: f.provider}
	client := &trust.Client{
		Key: trust.ObjectKey{Namespace: f.namespace, Name: f.client}, ID: f.client, Enabled: true, Keys: keys,
		Authentication: trust.AuthenticationFederated, Workload: trust.Workload{Provider: provider, Subject: f.subject},
	}
	if f.issuer == f.client {
		client.Authentication = trust.AuthenticationPrivateKey
	}
	store := trust.NewStore()
	store.Update(func(tx *trust.Tx) {
		tx.PutClient(client)
		tx.PutProvider(&trust.Provider{
			Key: provider, Issuer: f.issuer, Enabled: true, Keys: keys, Types: []string{""},
			ClockSkew: skew, MaxLifetime: time.Hour, Replay: f.replay,
		})
	})
	verifier := assertion.NewVerifier(server)
	unverified := must(verifier.Read(t.Context(), jwttest.Compact("ES256", key, `{"alg":"ES256"}`, f.claims())))
	verified, _, err := verifier.VerifyClient(t.Context(), store.Snapshot(), client, unverified, server, noon)
	if err != nil {
		t.Fatal(err)
	}
	return verified
}

// selfSigned makes the fixture one that the client signs.
func selfSigned(f *fixture) { f.issuer, f.subject = f.client, f.client }

func TestRedeemClient(t *testing.T) {
	zero, until := time.Time{}, noon.Add(5*time.Minute+skew)
	for name, tc := range map[string]struct {
		change func(*fixture)
		want   []state.Use
	}{
		"S-07 own key":               {selfSigned, []state.Use{{From: noon.Add(-skew), Until: until, Skew: skew, Proven: true}}},
		"S-07 own key, no iat":       {func(f *fixture) { selfSigned(f); f.iat = zero }, []state.Use{{From: noon.Add(-55 * time.Minute), Until: until, Skew: skew, Proven: true}}},
		"S-07 provider, one time":    {func(*fixture) {}, []state.Use{{From: noon.Add(-skew), Until: until, Skew: skew, Proven: true}}},
		"S-07 provider, if present":  {func(f *fixture) { f.replay = trust.ReplayOneTimeIfPresent }, []state.Use{{From: noon, Until: until, Skew: skew}}},
		"S-07 provider, not present": {func(f *fixture) { f.replay, f.jti = trust.ReplayOneTimeIfPresent, "" }, nil},
		"S-07 provider, reuse":       {func(f *fixture) { f.replay = trust.ReplayReuse }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			f, store := newFixture(), &fake{}
			tc.change(&f)
			if err := (Clients{store}).RedeemClient(t.Context(), f.verifiedClient(t), noon); err != nil {
				t.Fatal(err)
			}
			got := append([]state.Use(nil), store.uses...)
			for i := range got {
				got[i].ID = [32]byte{}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("uses (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRedeemClientErrors(t *testing.T) {
	broken := errors.New("connection refused")
	f := newFixture()
	selfSigned(&f)
	verified := f.verifiedClient(t)
	for name, tc := range map[string]struct {
		answer error
		want   oauth.Reason
	}{
		"S-07 used":            {state.ErrUsed, oauth.ReasonReplayed},
		"H-20 before start":    {state.ErrBeforeStart, oauth.ReasonIssuedBeforeStart},
		"H-23 store fails":     {broken, oauth.ReasonStateUnavailable},
		"H-23 fails, and used": {errors.Join(broken, state.ErrUsed), oauth.ReasonReplayed},
	} {
		t.Run(name, func(t *testing.T) {
			err := (Clients{&fake{err: tc.answer}}).RedeemClient(t.Context(), verified, noon)
			if refusal := oauth.AsError(err); refusal.Reason != tc.want {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

// H-15: one JWT may serve as client assertion and as assertion, once each; and one client's jti is not another's.
func TestUseIDOfClients(t *testing.T) {
	clientID := func(change func(*fixture)) [32]byte {
		f, store := newFixture(), &fake{}
		change(&f)
		if err := (Clients{store}).RedeemClient(t.Context(), f.verifiedClient(t), noon); err != nil || len(store.uses) != 1 {
			t.Fatalf("%d uses, error %v", len(store.uses), err)
		}
		return store.uses[0].ID
	}
	seen := map[[32]byte]string{idOf(t, func(*fixture) {}): "assertion"}
	for name, change := range map[string]func(*fixture){
		"client assertion": func(*fixture) {}, "own key": selfSigned,
		"own key of another client": func(f *fixture) { f.client = "other"; selfSigned(f) },
		"another jti":               func(f *fixture) { f.jti = "2" },
	} {
		id := clientID(change)
		if other, ok := seen[id]; ok {
			t.Errorf("%s and %s have one id", name, other)
		}
		seen[id] = name
	}
	if clientID(func(*fixture) {}) != clientID(func(f *fixture) { f.client = "other" }) {
		t.Error("one client assertion has two ids where two clients are the same workload")
	}
}
