package trust

import "testing"

// admitting returns a change of a provider that lets clients of other namespaces refer to it.
func admitting(p *Provider, to Namespaces) *Provider {
	p.ClientNamespaces = to
	return p
}

func TestClientAllows(t *testing.T) {
	c := func(providers ...ObjectKey) *Client { return &Client{Key: key("a", "c"), Providers: providers} }
	own, foreign := key("a", "q"), key("b", "q")
	for name, tc := range map[string]struct {
		client   *Client
		provider *Provider
		want     bool
	}{
		"B-12 named":                            {c(key("a", "p"), own), &Provider{Key: own}, true},
		"B-12 not named":                        {c(key("a", "p")), &Provider{Key: own}, false},
		"W-43 any of its namespace":             {c(), &Provider{Key: own}, true},
		"of another namespace":                  {c(), &Provider{Key: foreign}, false},
		"of another namespace, admitted":        {c(), admitting(&Provider{Key: foreign}, Namespaces{All: true}), false},
		"named, of another namespace":           {c(foreign), &Provider{Key: foreign}, false},
		"named and admitted":                    {c(foreign), admitting(&Provider{Key: foreign}, Namespaces{All: true}), true},
		"named and listed":                      {c(foreign), admitting(&Provider{Key: foreign}, Namespaces{Names: []string{"x", "a"}}), true},
		"named, another is listed":              {c(foreign), admitting(&Provider{Key: foreign}, Namespaces{Names: []string{"x", "aa"}}), false},
		"its name in its own namespace":         {c(own), admitting(&Provider{Key: foreign}, Namespaces{All: true}), false},
		"names none":                            {&Client{Key: key("a", "c"), Providers: []ObjectKey{}}, &Provider{Key: own}, false},
		"W-83 part of a name is none":           {c(key("a", "prod")), &Provider{Key: key("a", "pro")}, false},
		"namespace is a prefix of both":         {c(), &Provider{Key: key("a-b", "c")}, false},
		"own namespace needs no admission":      {c(own), admitting(&Provider{Key: own}, Namespaces{Names: []string{"x"}}), true},
		"a separator in a name joins no others": {c(key("a", "b/q")), admitting(&Provider{Key: key("a/b", "q")}, Namespaces{All: true}), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.client.Allows(tc.provider); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

// Which provider vouches, where several of them have the issuer.
func TestProviderFor(t *testing.T) {
	const issuer = "https://issuer.example.com"
	own, rival := provider(key("a", "own"), issuer, 0), provider(key("a", "rival"), issuer, 1)
	shared := admitting(provider(key("b", "shared"), issuer, 0), Namespaces{Names: []string{"a"}})
	private := provider(key("c", "private"), issuer, 0)
	s := NewStore()
	s.Update(func(tx *Tx) {
		for _, p := range []*Provider{own, rival, shared, private} {
			tx.PutProvider(p)
		}
	})
	for name, tc := range map[string]struct {
		providers []ObjectKey
		issuer    string
		want      *Provider
	}{
		"names none":                             {nil, issuer, own},
		"its own":                                {[]ObjectKey{own.Key}, issuer, own},
		"a shared one":                           {[]ObjectKey{shared.Key}, issuer, shared},
		"the first that it names: shared":        {[]ObjectKey{shared.Key, own.Key}, issuer, shared},
		"the first that it names: its own":       {[]ObjectKey{own.Key, shared.Key}, issuer, own},
		"one that does not admit it, and shared": {[]ObjectKey{private.Key, shared.Key}, issuer, shared},
		"one without the right to its issuer":    {[]ObjectKey{rival.Key, shared.Key}, issuer, shared},
		// These are refused by Allows, and named in the refusal.
		"only one that does not admit it": {[]ObjectKey{private.Key}, issuer, own},
		"only one without the right":      {[]ObjectKey{rival.Key}, issuer, own},
		"another issuer":                  {[]ObjectKey{shared.Key}, issuer + "/", nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := s.Snapshot().ProviderFor(&Client{Key: key("a", "c"), Providers: tc.providers}, tc.issuer)
			if got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestProviderAt(t *testing.T) {
	const issuer = "https://issuer.example.com"
	holder, rival := provider(key("a", "p"), issuer, 0), provider(key("a", "q"), issuer, 1)
	s := NewStore()
	s.Update(func(tx *Tx) { tx.PutProvider(holder); tx.PutProvider(rival) })
	if got := s.Snapshot().ProviderAt(holder.Key); got != holder {
		t.Errorf("got %v, want the one that holds the issuer", got)
	}
	for _, k := range []ObjectKey{rival.Key, key("b", "p"), key("a", "x"), {}} {
		if got := s.Snapshot().ProviderAt(k); got != nil {
			t.Errorf("ProviderAt(%v) is %v, want none", k, got)
		}
	}
}
