package fetch

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/grantor-dev/grantor/test/netns"
)

const (
	typeA    = 1
	typeAAAA = 28
)

// zone is a DNS server on loopback that answers every question with the next answer of the name, and with the last one
// from then on.
type zone struct {
	address string

	mu      sync.Mutex
	answers map[string][][]string
	asked   map[string]int
	mute    bool
}

func newZone(t *testing.T, answers map[string][][]string) *zone {
	t.Helper()
	netns.Require(t)
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	z := &zone{address: conn.LocalAddr().String(), answers: answers, asked: map[string]int{}}
	var done sync.WaitGroup
	done.Go(func() { z.serve(conn) })
	t.Cleanup(func() {
		_ = conn.Close()
		done.Wait()
	})
	return z
}

func (z *zone) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", z.address)
	}}
}

func (z *zone) serve(conn net.PacketConn) {
	packet := make([]byte, 4096)
	for {
		n, from, err := conn.ReadFrom(packet)
		if err != nil {
			return
		}
		if answer := z.answer(packet[:n]); answer != nil {
			_, _ = conn.WriteTo(answer, from) // The resolver asks again.
		}
	}
}

// answer makes a response (RFC 1035 §4.1) to a query of one question.
func (z *zone) answer(query []byte) []byte {
	question := query[12:]
	end := bytes.IndexByte(question, 0) + 1
	var name strings.Builder
	for labels := question; labels[0] != 0; labels = labels[1+labels[0]:] {
		name.Write(labels[1 : 1+labels[0]])
		name.WriteByte('.')
	}
	kind := binary.BigEndian.Uint16(question[end:])
	addresses, found := z.next(name.String(), kind)
	if addresses == nil && found {
		return nil
	}
	flags := uint16(0x8180) // a response, recursion desired and available
	if !found {
		flags |= 3 // NXDOMAIN
	}
	answer := append([]byte(nil), query[:2]...)
	for _, n := range []uint16{flags, 1, uint16(len(addresses)), 0, 0} {
		answer = binary.BigEndian.AppendUint16(answer, n)
	}
	answer = append(answer, question[:end+4]...)
	for _, a := range addresses {
		answer = append(answer, 0xc0, 12, 0, byte(kind), 0, 1, 0, 0, 0, 0, 0, byte(len(a)))
		answer = append(answer, a...)
	}
	return answer
}

// next returns nil for silence.
func (z *zone) next(name string, kind uint16) (addresses [][]byte, found bool) {
	z.mu.Lock()
	defer z.mu.Unlock()
	name = strings.ToLower(name)
	sequence, found := z.answers[name]
	if z.mute {
		return nil, true
	}
	key := name + map[uint16]string{typeA: "A", typeAAAA: "AAAA"}[kind]
	n := z.asked[key]
	z.asked[key]++
	addresses = [][]byte{}
	if !found {
		return addresses, false
	}
	for _, text := range sequence[min(n, len(sequence)-1)] {
		addr := netip.MustParseAddr(text)
		if addr.Is4() == (kind == typeA) {
			addresses = append(addresses, addr.AsSlice())
		}
	}
	return addresses, true
}

// questions returns the names that were asked for.
func (z *zone) questions() map[string]bool {
	z.mu.Lock()
	defer z.mu.Unlock()
	names := map[string]bool{}
	for key := range z.asked {
		names[key[:strings.LastIndexByte(key, '.')+1]] = true
	}
	return names
}
