package hostile

import (
	"encoding/json"
	"os"
	"strings"
	"sync"
	"testing"
)

// logFile is the log of a server, read piece by piece.
type logFile struct {
	path string
	read int64 // how far
	rest string
}

// record is one line of the log.
type record map[string]any

func (r record) text(name string) string {
	s, _ := r[name].(string)
	return s
}

// all returns the whole log.
func (l *logFile) all(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(l.path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// next returns the whole lines that are new since the last call.
func (l *logFile) next(t *testing.T) string {
	t.Helper()
	f, err := os.Open(l.path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	fresh := make([]byte, info.Size()-l.read)
	if _, err := f.ReadAt(fresh, l.read); err != nil {
		t.Fatal(err)
	}
	l.read = info.Size()
	text := l.rest + string(fresh)
	end := strings.LastIndexByte(text, '\n') + 1
	l.rest = text[end:]
	return text[:end]
}

// recordBytes is the most that one record may take, whatever a caller sends.
const recordBytes = 4 << 10

// records parses lines of a log. What is no JSON object is not written by the logger: a panic, a data race, or text that
// a caller smuggled in.
func records(t *testing.T, lines string) []record {
	t.Helper()
	var all []record
	for line := range strings.Lines(lines) {
		var r record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Errorf("the log has text that is no record: %s", lines)
			return all
		}
		for _, name := range []string{"time", "level", "msg"} {
			if r.text(name) == "" {
				t.Errorf("the log has a record without %s: %s", name, line)
			}
		}
		if len(line) > recordBytes {
			t.Errorf("the log has a record of %d bytes: a caller can fill it", len(line))
		}
		lower := strings.ToLower(r.text("msg"))
		if r.text("level") == "ERROR" || strings.Contains(lower, "panic") || strings.Contains(lower, "fatal") {
			t.Errorf("the log has an error: %s", line)
		}
		all = append(all, r)
	}
	return all
}

// confidential is what must not stand in a log: secrets, assertions and tokens that were on the wire.
type confidential struct {
	mu sync.Mutex
	// fixed is looked for every time, recent once, in the lines that were written meanwhile.
	fixed, recent []string
	// seen holds the beginnings of the parts of all assertions and tokens, for the look at the whole log.
	seen map[string]bool
}

const (
	// confidentialBytes is the length from which on a text can be told from one that is there by chance.
	confidentialBytes = 16
	// beginning is how much of a part of a token stands for it.
	beginning = 32
)

// add remembers assertions, tokens and secrets.
func (c *confidential) add(texts ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, text := range texts {
		if len(text) < confidentialBytes {
			continue
		}
		c.recent = append(c.recent, text)
		parts := strings.Split(text, ".")
		if len(parts) < 2 {
			continue
		}
		for _, part := range parts[1:] { // the header is no secret, and many have the same
			if len(part) >= beginning {
				c.recent = append(c.recent, part)
				c.seen[part[:beginning]] = true
			}
		}
	}
}

// check looks for what is confidential in new lines.
func (c *confidential) check(t *testing.T, lines string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, list := range [][]string{c.fixed, c.recent} {
		for _, text := range list {
			if strings.Contains(lines, text) {
				t.Errorf("the log holds something confidential: %.20s…", text)
			}
		}
	}
	c.recent = nil
}

// checkAll looks at a whole log for the beginning of a part of any assertion or token so far, and for any fixed secret.
func (c *confidential) checkAll(t *testing.T, text string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, secret := range c.fixed {
		if strings.Contains(text, secret) {
			t.Errorf("the log holds a secret: %.8s…", secret)
		}
	}
	for run := range strings.FieldsFuncSeq(text, func(r rune) bool { return !isBase64URL(r) }) {
		if len(run) >= beginning && c.seen[run[:beginning]] {
			t.Errorf("the log holds part of an assertion or token: %.40s…", run)
		}
	}
}

func isBase64URL(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_'
}
