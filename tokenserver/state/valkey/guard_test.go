package valkey

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// whole takes a text apart, in chunks of so many bytes.
func whole(text string, size int) (found []frame, err error) {
	f := &frames{}
	for len(text) > 0 && err == nil {
		n := min(size, len(text))
		err = f.take([]byte(text[:n]), func(one frame) error {
			found = append(found, one)
			return nil
		})
		text = text[n:]
	}
	return found, err
}

func TestFrames(t *testing.T) {
	list := func(n int, element string) string { return fmt.Sprintf("*%d\r\n", n) + strings.Repeat(element, n) }
	deep := func(n int) string { return strings.Repeat("*1\r\n", n) + "+x\r\n" }
	for name, tc := range map[string]struct {
		text string
		want []frame // none where it is refused
	}{
		"command":               {"*3\r\n$3\r\nGET\r\n$1\r\na\r\n$0\r\n\r\n", []frame{{'*', 3, "GET"}}},
		"two commands":          {"*1\r\n$4\r\nPING\r\n*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\nx\r\n", []frame{{'*', 1, "PING"}, {'*', 2, "SUBSCRIBE"}}},
		"long name":             {"*1\r\n$20\r\nabcdefghijklmnopqrst\r\n", []frame{{'*', 1, "abcdefghijklmnop"}}},
		"name is what is first": {"*3\r\n*1\r\n$1\r\nx\r\n$1\r\ny\r\n:1\r\n", []frame{{'*', 3, ""}}},
		"values":                {"+OK\r\n-ERR no\r\n:-1\r\n,1.5\r\n(123\r\n_\r\n#t\r\n", []frame{{kind: '+'}, {kind: '-'}, {kind: ':'}, {kind: ','}, {kind: '('}, {kind: '_'}, {kind: '#'}}},
		"texts":                 {"$2\r\n\r\n\r\n$0\r\n\r\n!5\r\nERR x\r\n=5\r\ntxt:x\r\n", []frame{{kind: '$'}, {kind: '$'}, {kind: '!'}, {kind: '='}}},
		"nothing":               {"$-1\r\n*-1\r\n*0\r\n%0\r\n~0\r\n", []frame{{kind: '$'}, {kind: '*'}, {kind: '*'}, {kind: '%'}, {kind: '~'}}},
		"map":                   {"%1\r\n+a\r\n%1\r\n+b\r\n*2\r\n:1\r\n$-1\r\n", []frame{{'%', 2, "a"}}},
		"push":                  {">3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n", []frame{{'>', 3, "subscribe"}}},
		"as deep as may be":     {deep(maxDepth), []frame{{'*', 1, ""}}},
		"too deep":              {deep(maxDepth + 1), nil},
		"empty simple string":   {"+\r\n", []frame{{kind: '+'}}},
		"unfinished":            {"*2\r\n$3\r\nGET\r\n$1\r\n", []frame{}},
		"many elements":         {list(1000, ":1\r\n"), []frame{{'*', 1000, "1"}}},

		"negative text":       {"$-2\r\n", nil},
		"negative list":       {"*-2\r\n", nil},
		"negative map":        {"%-1\r\n", nil},
		"negative set":        {"~-1\r\n", nil},
		"negative push":       {">-1\r\n", nil},
		"negative error":      {"!-1\r\n", nil},
		"negative verbatim":   {"=-1\r\n", nil},
		"text too long":       {fmt.Sprintf("$%d\r\n", maxBlobBytes+1), nil},
		"list too long":       {fmt.Sprintf("*%d\r\n", maxElements+1), nil},
		"map too long":        {fmt.Sprintf("%%%d\r\n", maxElements+1), nil},
		"length overflows":    {"$99999999999999999999\r\n", nil},
		"length is a word":    {"$x\r\n", nil},
		"length is empty":     {"$\r\n", nil},
		"text ends otherwise": {"$1\r\nxyz", nil},
		"only a line feed":    {"+OK\n", nil},
		"empty line":          {"\r\n", nil},
		"endless line":        {"+" + strings.Repeat("x", maxLineBytes), nil},
		"null with text":      {"_xx*-5\r\n", nil},
		"boolean with text":   {"#tx*-5\r\n", nil},
		"stream":              {"$?\r\n", nil},
		"streamed list":       {"*?\r\n", nil},
		"end of a stream":     {".\r\n", nil},
		"attribute":           {"|1\r\n+a\r\n+b\r\n", nil},
		"another protocol":    {"HTTP/1.1 400 Bad Request\r\n\r\n", nil},
		"TLS":                 {"\x15\x03\x01\x00\x02\x02\x16\r\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			for _, size := range []int{1, 2, 3, 7, 64, len(tc.text)} {
				checkFrames(t, tc.text, size, tc.want)
			}
		})
	}
}

// checkFrames wants the frames of a text that comes in chunks, or an error where there are none.
func checkFrames(t *testing.T, text string, size int, want []frame) {
	t.Helper()
	got, err := whole(text, size)
	if want == nil {
		if !errors.Is(err, errFrame) || len(got) != 0 {
			t.Errorf("in chunks of %d: %v, %v", size, got, err)
		}
		return
	}
	if err != nil {
		t.Errorf("in chunks of %d: %v", size, err)
	}
	if diff := cmp.Diff(want, append([]frame{}, got...), cmp.AllowUnexported(frame{})); diff != "" {
		t.Errorf("in chunks of %d (-want +got):\n%s", size, diff)
	}
}

// What is found does not depend on how it comes, and nothing is kept that has been read.
func FuzzFrames(f *testing.F) {
	for _, text := range []string{"*2\r\n$3\r\nGET\r\n$1\r\na\r\n+OK\r\n", "%1\r\n+a\r\n:1\r\n$-2\r\n", ">3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n"} {
		f.Add([]byte(text), 3)
	}
	f.Fuzz(func(t *testing.T, text []byte, size int) {
		if size < 1 {
			return
		}
		want, wantErr := whole(string(text), max(1, len(text)))
		got, err := whole(string(text), size)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(frame{})); diff != "" || (err == nil) != (wantErr == nil) {
			t.Errorf("%v and %v (-at once +in chunks):\n%s", wantErr, err, diff)
		}
	})
}

// An answer comes to what was asked, before that nothing may be taken for it.
func TestGuard(t *testing.T) {
	const (
		ping      = "*1\r\n$4\r\nPING\r\n"
		subscribe = "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n$1\r\nb\r\n"
		leave     = "*2\r\n$11\r\nUNSUBSCRIBE\r\n$1\r\na\r\n"
		pong      = "+PONG\r\n"
		confirmed = ">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"
		message   = ">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n"
	)
	for name, tc := range map[string]struct {
		sent, received string
		want           error
	}{
		"answered":                      {ping, pong, nil},
		"answered in a row":             {ping + ping, pong + pong, nil},
		"not yet answered":              {ping + ping, pong, nil},
		"asked nothing":                 {"", pong, errUnasked},
		"asked half":                    {ping[:8], pong, errUnasked},
		"answered twice":                {ping, pong + pong, errUnasked},
		"messages are no answers":       {ping, message + message + pong, nil},
		"message, then two answers":     {ping, message + pong + pong, errUnasked},
		"subscribed":                    {subscribe, confirmed + confirmed + message, nil},
		"subscribed too often":          {subscribe, confirmed + confirmed + confirmed, errUnasked},
		"confirmed without subscribing": {ping, confirmed, errUnasked},
		"not let subscribe":             {subscribe, "-NOPERM no\r\n", nil},
		"leaving is not answered":       {leave, pong, errUnasked},
		"not the protocol":              {ping, "*-7\r\n", errFrame},
	} {
		t.Run(name, func(t *testing.T) {
			near, far := net.Pipe()
			deadline := time.Now().Add(10 * time.Second)
			if err := errors.Join(near.SetDeadline(deadline), far.SetDeadline(deadline)); err != nil {
				t.Fatal(err)
			}
			g := &guarded{Conn: near}
			go func() {
				_, _ = io.ReadFull(far, make([]byte, len(tc.sent)))
				_, _ = io.WriteString(far, tc.received)
				_ = far.Close()
			}()
			if tc.sent != "" { // net.Pipe waits for somebody who reads nothing
				if _, err := io.WriteString(g, tc.sent); err != nil {
					t.Fatal(err)
				}
			}
			got, err := io.ReadAll(g)
			if !errors.Is(err, tc.want) || tc.want == nil && string(got) != tc.received {
				t.Fatalf("read %q: %v, want %v", got, err, tc.want)
			}
			if _, again := g.Read(make([]byte, 1)); tc.want != nil && !errors.Is(again, tc.want) {
				t.Errorf("after that, read: %v", again)
			}
		})
	}
}
