package operator

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
)

const (
	typeA    = 1
	typeAAAA = 28
)

// zone is the DNS server that this machine's resolvers ask: it has taken the address of theirs. It answers every question
// with the next answer of the name, and with the last one from then on.
type zone struct {
	mu      sync.Mutex
	answers map[string][][]string
	asked   map[string]int
}

func newZone(t *testing.T) *zone {
	t.Helper()
	z := &zone{answers: map[string][][]string{}, asked: map[string]int{}}
	z.set(publicHost, []string{publicAddress})
	z.set(allowedHost, []string{allowedAddress})
	var done sync.WaitGroup
	for _, server := range nameservers(t) {
		assign(t, server)
		conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", net.JoinHostPort(server, "53"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = conn.Close()
			done.Wait()
		})
		done.Go(func() { z.serve(conn) })
	}
	return z
}

// nameservers are those of resolv.conf(5).
func nameservers(t *testing.T) (all []string) {
	t.Helper()
	text, err := os.ReadFile("/etc/resolv.conf")
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "nameserver" {
			all = append(all, f[1])
		}
	}
	if len(all) == 0 {
		return []string{"127.0.0.1"}
	}
	return all
}

// set makes a name known.
func (z *zone) set(name string, answers ...[]string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.answers[name+"."] = answers
}

func (z *zone) serve(conn net.PacketConn) {
	packet := make([]byte, 4096)
	for {
		n, from, err := conn.ReadFrom(packet)
		if err != nil {
			return
		}
		if n > 12 {
			_, _ = conn.WriteTo(z.answer(packet[:n]), from) // The resolver asks again.
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
	addresses, found := z.next(strings.ToLower(name.String()), kind)
	flags := uint16(0x8180) // a response, recursion desired and available
	if !found {
		flags |= 3 // NXDOMAIN
	}
	answer := bytes.Clone(query[:2])
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

func (z *zone) next(name string, kind uint16) (addresses [][]byte, found bool) {
	z.mu.Lock()
	defer z.mu.Unlock()
	sequence, found := z.answers[name]
	if !found {
		return nil, false
	}
	key := name + map[uint16]string{typeA: "A", typeAAAA: "AAAA"}[kind]
	n := z.asked[key]
	z.asked[key]++
	for _, text := range sequence[min(n, len(sequence)-1)] {
		addr := netip.MustParseAddr(text)
		if addr.Is4() && kind == typeA || addr.Is6() && kind == typeAAAA {
			addresses = append(addresses, addr.AsSlice())
		}
	}
	return addresses, true
}

// count is how often the addresses of a name were asked for.
func (z *zone) count(name string) int {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.asked[name+".A"]
}
