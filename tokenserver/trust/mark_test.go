package trust

import "testing"

// A mark is that of one object with one issuer, whatever else changes of it.
func TestMark(t *testing.T) {
	p := Provider{Key: key("team-a", "idp"), UID: "1e1f8a3c-0000-4000-8000-000000000001", Issuer: "https://idp.example.com"}
	for name, tc := range map[string]struct {
		change func(*Provider)
		same   bool
	}{
		"nothing":        {func(*Provider) {}, true},
		"what it may do": {func(p *Provider) { p.Enabled, p.Scopes, p.Created, p.RulesID = true, []string{"read"}, noon, "x" }, true},
		"made anew":      {func(p *Provider) { p.UID = "1e1f8a3c-0000-4000-8000-000000000002" }, false},
		"another name":   {func(p *Provider) { p.Key = key("team-a", "idp2") }, false},
		"another team":   {func(p *Provider) { p.Key = key("team-b", "idp") }, false},
		"another issuer": {func(p *Provider) { p.Issuer += "/" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			changed := p
			tc.change(&changed)
			if same := changed.Mark() == p.Mark(); same != tc.same {
				t.Errorf("the mark is the same: %v, want %v", same, tc.same)
			}
			s := NewStore()
			s.Update(func(tx *Tx) { tx.PutProvider(&p) })
			s.Update(func(tx *Tx) { tx.DeleteProvider(p.Key); tx.PutProvider(&changed) })
			if found := s.Snapshot().ProviderMarked(p.Mark()) != nil; found != tc.same {
				t.Errorf("it is found by the old mark: %v, want %v", found, tc.same)
			}
			if got := s.Snapshot().ProviderMarked(changed.Mark()); got != &changed {
				t.Errorf("by its mark, %s is found", name)
			}
			s.Update(func(tx *Tx) { tx.Clear() })
			if got := s.Snapshot().ProviderMarked(changed.Mark()); got != nil {
				t.Errorf("a store that is empty has %s", got.Key)
			}
		})
	}
}

// Who has no right to his issuer is not found, and neither is one of two that cannot be told apart.
func TestProviderMarkedOfTwo(t *testing.T) {
	holder, rival := provider(key("a", "p"), "https://issuer.example.com", 0), provider(key("a", "q"), "https://issuer.example.com", 1)
	s := NewStore()
	s.Update(func(tx *Tx) { tx.PutProvider(holder); tx.PutProvider(rival) })
	if got := s.Snapshot().ProviderMarked(holder.Mark()); got != holder {
		t.Errorf("got %s, want the one that holds the issuer", name(got))
	}
	if got := s.Snapshot().ProviderMarked(rival.Mark()); got != nil {
		t.Errorf("got %s, want none", name(got))
	}
	m := holder.Mark()
	s.Update(func(tx *Tx) { tx.next.marks.set(m.digest(), []*Provider{holder, rival}) }) // as if their digests were the same
	if got := s.Snapshot().ProviderMarked(m); got != nil {
		t.Errorf("got %s of two, want none", name(got))
	}
}
