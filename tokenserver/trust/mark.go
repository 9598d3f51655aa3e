package trust

import (
	"crypto/sha256"
	"encoding/binary"
)

// Mark stands for a provider, as one object with one issuer, in what outlives a request. One that is made anew has another
// mark, and so has one that comes to be trusted for another issuer: whose word the old one was is nobody's any more.
type Mark [8]byte

// Mark returns the mark of the provider.
func (p *Provider) Mark() Mark {
	text := append(make([]byte, 0, 512), "grantor provider v1\x00"...)
	text = append(append(text, p.UID...), 0)
	text = append(append(append(append(text, p.Key.Namespace...), '/'), p.Key.Name...), 0)
	sum := sha256.Sum256(append(text, p.Issuer...))
	return Mark(sum[:])
}

// ProviderMarked returns the provider with a mark, or nil when there is none, another object has the better right to its
// issuer, or two have the mark.
func (s *Snapshot) ProviderMarked(m Mark) *Provider {
	marked := s.marks.get(m.digest())
	if marked.first == nil || len(marked.others) > 0 || s.ProviderAt(marked.first.Key) != marked.first {
		return nil
	}
	return marked.first
}

// digest is the mark itself.
func (m Mark) digest() uint64 { return binary.BigEndian.Uint64(m[:]) }
