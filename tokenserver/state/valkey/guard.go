package valkey

import (
	"errors"
	"net"
	"strings"
	"sync"
)

var errUnasked = errors.New("the state server answers what nobody has asked")

// guarded is a connection on which everything that comes is looked at before the client library reads it. The library ends
// the process over a length below zero or beyond all memory, and over an answer to nothing: it panics in a goroutine of its
// own, where nobody can catch that. Here it ends the connection.
type guarded struct {
	net.Conn

	commands, answers frames

	mu sync.Mutex
	// owed are the answers that are still to come, and subscribing the subscriptions that are to be confirmed.
	owed, subscribing int64
	broken            error
}

// Write sends commands, and notes them before anybody can answer.
func (g *guarded) Write(p []byte) (int, error) {
	if err := g.commands.take(p, g.command); err != nil {
		return 0, err
	}
	return g.Conn.Write(p)
}

// Read returns what has come, or an error if it is wrong.
func (g *guarded) Read(p []byte) (int, error) {
	if g.broken != nil {
		return 0, g.broken
	}
	n, err := g.Conn.Read(p)
	if g.broken = g.answers.take(p[:n], g.answer); g.broken != nil {
		return 0, g.broken
	}
	return n, err
}

func (g *guarded) command(f frame) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch strings.ToUpper(f.name) {
	case "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE": // confirmed at any time, also by nothing
	case "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE": // confirmed for each name, or refused once
		g.subscribing += f.elements - 1
		g.owed++
	default:
		g.owed++
	}
	return nil
}

func (g *guarded) answer(f frame) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	left := &g.owed
	if f.kind == '>' {
		if f.name != "subscribe" && f.name != "psubscribe" && f.name != "ssubscribe" {
			return nil // A message, which answers nothing.
		}
		left = &g.subscribing
	}
	if *left--; *left < 0 {
		return errUnasked
	}
	return nil
}
