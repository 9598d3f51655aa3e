package trust

import "testing"

// Those whose claims have the same digest by chance are told apart: the wrong one is never found, whatever its right.
func TestClaimsOfOneDigest(t *testing.T) {
	oldest, asked := client(key("a", "oldest"), "other", 0), client(key("a", "asked"), "id", 1)
	elsewhere, here := provider(key("b", "oldest"), "issuer", 0), provider(key("a", "asked"), "issuer", 1)
	s := emptySnapshot()
	for name, tc := range map[string]struct {
		clients   []*Client
		providers []*Provider
		found     bool
	}{
		"nobody":           {},
		"alone":            {[]*Client{asked}, []*Provider{here}, true},
		"another alone":    {[]*Client{oldest}, []*Provider{elsewhere}, false},
		"another first":    {[]*Client{oldest, asked}, []*Provider{elsewhere, here}, true},
		"another later":    {[]*Client{asked, oldest}, []*Provider{here, elsewhere}, true},
		"others, not this": {[]*Client{oldest, client(key("a", "c"), "third", 2)}, []*Provider{elsewhere, provider(key("a", "c"), "other", 2)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s.clientIDs.set(digestOf("id"), tc.clients)
			s.issuers.set(digestWithin("a", "issuer"), tc.providers)
			wantClient, wantProvider := asked, here
			if !tc.found {
				wantClient, wantProvider = nil, nil
			}
			if got := s.Client("id"); got != wantClient {
				t.Errorf("client %s is found", got.Key)
			}
			if got := s.Provider("a", "issuer"); got != wantProvider {
				t.Errorf("provider %s is found", got.Key)
			}
		})
	}
}

// What a digest is made of is not run together.
func TestDigestWithin(t *testing.T) {
	if digestWithin("a", "bc") == digestWithin("ab", "c") || digestWithin("", "a") == digestWithin("a", "") {
		t.Error("a namespace and a name run together")
	}
}
