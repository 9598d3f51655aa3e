package explain

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// presentable says why the client gets nothing for any assertion of a provider; it is nil where only the assertion is left to
// decide. One that is as good as can be is presented, with a key that stands in for those of the provider and without its rules,
// which are about claims that nobody knows here. What is wrong with the client itself, clientChecks say.
func (j *judgement) presentable(ctx context.Context, p *trust.Provider) (*Check, error) {
	k, err := j.presenting(ctx, p)
	if err != nil {
		return nil, err
	}
	if failed := failures(slices.Concat(k.stepChecks(), k.policyChecks())); len(failed) > 0 {
		return &failed[0], nil
	}
	return nil, nil //nolint:nilnil // There is no check that fails.
}

// presenting is the judgement of the best assertion that a provider could sign.
func (j *judgement) presenting(ctx context.Context, p *trust.Provider) (*judgement, error) {
	stand, text, err := j.standInFor(p)
	if err != nil {
		return nil, err
	}
	w := *j.world
	w.compiledProviders = []*trust.Provider{stand}
	store := trust.NewStore()
	store.Update(func(tx *trust.Tx) {
		tx.PutProvider(stand)
		tx.PutClient(j.client)
	})
	w.snapshot = store.Snapshot()
	k := *j
	k.world, k.compact, k.found = &w, text, nil
	k.trace = k.verifier.Trace(ctx, w.snapshot, k.client, text, k.issuer, k.options.At)
	return &k, k.ask(ctx)
}

// standInFor is a provider with a key whose private half is here, and an assertion that it makes. Where none of its keys can be
// used, it keeps those.
func (j *judgement) standInFor(p *trust.Provider) (*trust.Provider, string, error) {
	stand := *p
	stand.Rules = nil
	if valid := func(k *jose.PublicKey) bool { return p.InValidity(k, j.options.At) }; !slices.ContainsFunc(p.Keys, valid) {
		return &stand, unsigned(headerFor(p.Types[0], p.Keys[0]), j.bestClaims(&stand)) + "." + part(nil), nil
	}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, "", fmt.Errorf("make a key: %w", err)
	}
	key, err := jose.NewPublicKey(public)
	if err != nil {
		return nil, "", fmt.Errorf("make a key: %w", err)
	}
	stand.Keys = []*jose.PublicKey{key}
	input := unsigned(headerFor(p.Types[0], key), j.bestClaims(&stand))
	return &stand, input + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(private, []byte(input))), nil
}

// bestClaims are those of an assertion that meets all that a provider wants.
func (j *judgement) bestClaims(p *trust.Provider) map[string]any {
	const maxLife = 5 * time.Minute
	now := j.options.At.Unix()
	claims := map[string]any{
		"iss": p.Issuer, "sub": "subject", "aud": p.AudienceAliases[0], "client_id": j.client.ID, "jti": "1",
		"iat": now, "exp": now + int64(max(min(p.MaxLifetime, maxLife), time.Second)/time.Second),
	}
	switch p.SubjectForm {
	case trust.SubjectServiceAccount:
		claims["sub"] = "system:serviceaccount:namespace:name"
	case trust.SubjectSPIFFEID:
		claims["sub"] = "spiffe://example.com/workload"
	case trust.SubjectAny:
	}
	if p.IDJAG { // It is for one token server alone, which may be one that is not known.
		claims["aud"] = j.issuer
		if j.options.Issuer == "" {
			p.AudienceAliases = append(slices.Clip(p.AudienceAliases), j.issuer)
		}
	}
	return claims
}

// presenters are the clients that may present what a provider vouches for, as far as could be looked, and whether there may be
// more.
func (j *judgement) presenters(ctx context.Context, p *trust.Provider) (names []string, more bool, err error) {
	var candidates []*trust.Client
	for _, c := range j.world.compiledClients {
		if found := j.world.snapshot.Client(c.ID); c.Allows(p) && found != nil && found.Key == c.Key && j.world.snapshot.ProviderFor(c, p.Issuer) == p {
			candidates = append(candidates, c)
		}
	}
	extent := j.world.extent
	more = extent == SomeClients || extent == ClientsOfNamespace && (p.ClientNamespaces.All || len(p.ClientNamespaces.Names) > 0)
	slices.SortFunc(candidates, func(a, b *trust.Client) int { return strings.Compare(a.Key.String(), b.Key.String()) })
	for i, c := range candidates {
		if len(names) == maxClients || i == maxCandidates {
			return names, true, nil
		}
		if j.world.notRead(c) {
			more = true
			continue
		}
		k := *j
		k.client, k.anonymous, k.absent = c, false, false
		k.hopeless = k.world.hopeless(ctx, k.verifier, c, k.issuer, k.options.At)
		asked, err := k.presenting(ctx, p)
		if err != nil {
			return nil, false, err
		}
		if asked.first.reason == "" && k.hopeless == "" {
			names = append(names, c.Key.String())
		}
	}
	return names, more, nil
}

// Bounds of the list of clients: how many are in it, and how many are looked at for it.
const (
	maxClients    = 20
	maxCandidates = 200
)

// notRead reports whether a client rests on a provider that was not read: it may be in a namespace that was not asked for.
func (w *World) notRead(c *trust.Client) bool {
	return c.Authentication == trust.AuthenticationFederated && w.providers[c.Workload.Provider] == nil
}
