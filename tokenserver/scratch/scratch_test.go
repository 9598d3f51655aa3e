package scratch

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// TestReturnClears: nothing of what stood in a buffer is left in its memory, however it came and went.
func TestReturnClears(t *testing.T) {
	const secret = "secret-of-a-request"
	for name, use := range map[string]func(*bytes.Buffer){
		"written":  func(b *bytes.Buffer) { b.WriteString(secret) },
		"read":     func(b *bytes.Buffer) { b.WriteString(secret); _, _ = io.ReadAll(b) },
		"half":     func(b *bytes.Buffer) { b.WriteString(secret); b.Next(4) },
		"appended": func(b *bytes.Buffer) { b.Grow(64); _ = append(b.AvailableBuffer(), secret...) },
		"behind":   func(b *bytes.Buffer) { b.WriteString("x"); b.Grow(64); _ = append(b.AvailableBuffer(), secret...) },
		"reset":    func(b *bytes.Buffer) { b.WriteString(secret); b.Reset() },
	} {
		t.Run(name, func(t *testing.T) {
			b := &bytes.Buffer{}
			b.Grow(256)
			memory := b.AvailableBuffer()
			memory = memory[:cap(memory)]
			use(b)
			if !bytes.Contains(memory, []byte(secret)) {
				t.Fatal("the secret was never there")
			}
			Return(b)
			if len(bytes.Trim(memory, "\x00")) != 0 {
				t.Errorf("left: %q", memory)
			}
		})
	}
}

// TestBorrowIsEmpty: who borrows what was given back finds nothing in it, and long memory is not kept.
func TestBorrowIsEmpty(t *testing.T) {
	for i := range 100 {
		b := Borrow()
		if b.Len() != 0 || b.Cap() > maxKept {
			t.Fatalf("%d bytes of %d", b.Len(), b.Cap())
		}
		b.WriteString(strings.Repeat("x", i*maxKept/50))
		Return(b)
	}
	long := Borrow()
	long.Grow(2 * maxKept)
	Return(long)
	if again := Borrow(); again.Cap() > maxKept {
		t.Errorf("%d bytes are kept", again.Cap())
	}
}
