package state

import (
	"errors"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/harness"
	"github.com/grantor-dev/grantor/tokenserver/state"
)

// What is not the protocol, and what answers nothing, ends a connection: neither this process, nor what is remembered. The
// client library would panic over most of it, in a goroutine of its own.
func TestNoProtocol(t *testing.T) {
	v := begun(t)
	proxy, err := harness.StartProxy(t.Context(), v.Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	s := open(t, config(proxy.Address))
	usable(t, s)
	n := 0
	for name, text := range map[string]string{
		"an answer to nothing":      "+OK\r\n+OK\r\n+OK\r\n",
		"a text below nothing":      "$-5\r\n",
		"a list below nothing":      "*-5\r\n",
		"a map below nothing":       "%-1\r\n",
		"a text beyond all memory":  "$9000000000000000000\r\n",
		"a list beyond all memory":  "*9000000000000000000\r\n",
		"hidden in what is nothing": "_xx*-5\r\n",
		"a confirmation":            ">3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n",
		"another protocol":          "HTTP/1.1 400 Bad Request\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			n++
			used := fresh(n)
			eventually(t, patience, func() error {
				if err := s.Consume(t.Context(), used, time.Now()); err != nil && !errors.Is(err, state.ErrUsed) {
					return err
				}
				return nil
			})
			proxy.Inject(text)
			usable(t, s)
			if err := s.Consume(t.Context(), used, time.Now()); !errors.Is(err, state.ErrUsed) {
				t.Errorf("after that, a used assertion gets %v", err)
			}
		})
	}
}
