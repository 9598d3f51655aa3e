//go:build linux

package netns

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// noDuplicateDetection is IFA_F_NODAD: an IPv6 address can be used at once.
const noDuplicateDetection = 0x02

// AddAddress gives loopback an address, of IPv4 or IPv6: what dials it from then on reaches a listener of this namespace. Adding one
// that is there already is no error. It refuses to work outside of a namespace that Main made.
func AddAddress(p netip.Prefix) error {
	if err := check(); err != nil {
		return err
	}
	if p.Addr().Is6() && p.Addr().IsLinkLocalUnicast() {
		return fmt.Errorf("address %s can be dialed with a zone only", p)
	}
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		return fmt.Errorf("find loopback: %w", err)
	}
	message := syscall.IfAddrmsg{
		Family:    syscall.AF_INET,
		Prefixlen: uint8(p.Bits()),
		Flags:     noDuplicateDetection,
		Scope:     syscall.RT_SCOPE_UNIVERSE,
		Index:     uint32(lo.Index),
	}
	if p.Addr().Is6() {
		message.Family = syscall.AF_INET6
	}
	address := p.Addr().AsSlice()
	var payload bytes.Buffer
	write(&payload, message)
	for _, kind := range []uint16{syscall.IFA_LOCAL, syscall.IFA_ADDRESS} {
		// The addresses are 4 or 16 bytes, so that nothing needs padding.
		write(&payload, syscall.RtAttr{Len: uint16(syscall.SizeofRtAttr + len(address)), Type: kind})
		payload.Write(address)
	}
	err = request(syscall.RTM_NEWADDR, syscall.NLM_F_CREATE|syscall.NLM_F_EXCL, payload.Bytes())
	if err != nil && !errors.Is(err, syscall.EEXIST) {
		return fmt.Errorf("add address %s: %w", p, err)
	}
	return await(p.Addr())
}

// await returns when the address can be dialed: the kernel makes the route of an IPv6 address later than the address.
func await(addr netip.Addr) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := dial(ctx, addr)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for address %s: %w", addr, err)
		case <-tick.C:
		}
	}
}

func dial(ctx context.Context, addr netip.Addr) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", netip.AddrPortFrom(addr, 0).String())
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	defer func() { _ = listener.Close() }()
	conn, err := (&net.Dialer{Timeout: 50 * time.Millisecond}).DialContext(ctx, "tcp", listener.Addr().String())
	if err != nil {
		return fmt.Errorf("dial: %w", err)
	}
	_ = conn.Close()
	return nil
}

// raiseLoopback makes lo usable, which brings 127.0.0.1 and ::1.
func raiseLoopback() error {
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		return fmt.Errorf("find loopback: %w", err)
	}
	var payload bytes.Buffer
	write(&payload, syscall.IfInfomsg{Family: syscall.AF_UNSPEC, Index: int32(lo.Index), Flags: syscall.IFF_UP, Change: syscall.IFF_UP})
	if err := request(syscall.RTM_NEWLINK, 0, payload.Bytes()); err != nil {
		return fmt.Errorf("bring loopback up: %w", err)
	}
	return nil
}

// write cannot fail: the structs have fields of fixed size, and a buffer takes all.
func write(b *bytes.Buffer, v any) { _ = binary.Write(b, binary.NativeEndian, v) }

// request sends one message to the kernel and waits until it is acknowledged (netlink(7), rtnetlink(7)).
func request(kind, flags uint16, payload []byte) error {
	socket, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("open netlink: %w", err)
	}
	defer func() { _ = syscall.Close(socket) }()
	var message bytes.Buffer
	write(&message, syscall.NlMsghdr{
		Len:   uint32(syscall.SizeofNlMsghdr + len(payload)),
		Type:  kind,
		Flags: syscall.NLM_F_REQUEST | syscall.NLM_F_ACK | flags,
		Seq:   1,
	})
	message.Write(payload)
	if err := syscall.Sendto(socket, message.Bytes(), 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}); err != nil {
		return fmt.Errorf("send to netlink: %w", err)
	}
	answer := make([]byte, 4096)
	n, _, err := syscall.Recvfrom(socket, answer, 0)
	if err != nil {
		return fmt.Errorf("read from netlink: %w", err)
	}
	return acknowledged(answer[:n])
}

// acknowledged returns the error number in an answer, which is an NLMSG_ERROR in any case.
func acknowledged(answer []byte) error {
	messages, err := syscall.ParseNetlinkMessage(answer)
	if err != nil {
		return fmt.Errorf("parse netlink answer: %w", err)
	}
	if len(messages) != 1 || messages[0].Header.Type != syscall.NLMSG_ERROR || len(messages[0].Data) < 4 {
		return errors.New("netlink answered with something else")
	}
	if number := int32(binary.NativeEndian.Uint32(messages[0].Data)); number != 0 {
		return syscall.Errno(-number)
	}
	return nil
}
