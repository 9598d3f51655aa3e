package valkey

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// What a state server answers is small: the largest is what it says about itself, or about a Cluster.
const (
	maxLineBytes = 64 << 10
	maxBlobBytes = 16 << 20
	maxElements  = 1 << 16
	maxDepth     = 16
	// maxNameBytes is longer than the name of any command or push that matters.
	maxNameBytes = 16
)

var errFrame = errors.New("what the state server sends is not its protocol")

// frame is a command, an answer or a push, as far as it is looked at.
type frame struct {
	// kind is the byte that it begins with, elements how many there are, where it is a list.
	kind     byte
	elements int64
	// name is the beginning of the first element of a list: what a command or a push is called.
	name string
}

// frames takes the protocol apart (RESP, versions 2 and 3) as it comes, chunk by chunk, without keeping it. What servers do
// not send to this client, attributes and streams, is refused.
type frames struct {
	line []byte
	// blob is how many bytes of a blob are still to come, its line end included.
	blob int64
	// open are the lists that have begun, each with how many elements are still to come.
	open  []int64
	outer frame
	named bool
}

// take reads a chunk, and calls whole after each frame that ends in it.
func (f *frames) take(chunk []byte, whole func(frame) error) error {
	for len(chunk) > 0 {
		used, err := f.step(chunk, whole)
		if err != nil {
			return err
		}
		chunk = chunk[used:]
	}
	return nil
}

// step reads as much as belongs together.
func (f *frames) step(chunk []byte, whole func(frame) error) (used int, err error) {
	switch {
	case f.blob > 2:
		n := int(min(int64(len(chunk)), f.blob-2))
		f.say(chunk[:n])
		f.blob -= int64(n)
		return n, nil
	case f.blob > 0:
		if chunk[0] != "\r\n"[2-f.blob] {
			return 0, fmt.Errorf("%w: a text has no end", errFrame)
		}
		if f.blob--; f.blob > 0 {
			return 1, nil
		}
		return 1, f.end(whole)
	}
	end := bytes.IndexByte(chunk, '\n') + 1
	if end == 0 {
		end = len(chunk)
	}
	if len(f.line)+end > maxLineBytes {
		return 0, fmt.Errorf("%w: a line has no end", errFrame)
	}
	if f.line = append(f.line, chunk[:end]...); f.line[len(f.line)-1] != '\n' {
		return end, nil
	}
	line := f.line
	f.line = f.line[:0]
	if len(line) < 3 || line[len(line)-2] != '\r' {
		return 0, fmt.Errorf("%w: a line ends otherwise", errFrame)
	}
	return end, f.begin(line[0], line[1:len(line)-2], whole)
}

// begin reads the line that a frame, or an element of one, begins with.
func (f *frames) begin(kind byte, rest []byte, whole func(frame) error) error {
	if len(f.open) == 0 {
		f.outer, f.named = frame{kind: kind}, false
	}
	switch kind {
	case '+', '-', ':', ',', '(':
		f.say(rest)
	case '_', '#':
		// The client library takes it for granted that these are as long as they should be.
		if len(rest) != map[byte]int{'_': 0, '#': 1}[kind] {
			return fmt.Errorf("%w: a value is too long", errFrame)
		}
	case '$', '!', '=':
		n, err := length(rest, kind == '$', maxBlobBytes)
		if err != nil {
			return err
		}
		if n >= 0 {
			f.blob = n + 2
			return nil
		}
	case '*', '~', '>', '%':
		n, err := length(rest, kind == '*', maxElements)
		if err != nil {
			return err
		}
		if kind == '%' {
			n *= 2
		}
		if n > 0 {
			return f.enter(n)
		}
	default:
		return fmt.Errorf("%w: nothing begins with %q", errFrame, kind)
	}
	return f.end(whole)
}

// length reads how long something is; -1, where that is allowed, stands for nothing.
func length(text []byte, orNothing bool, most int64) (int64, error) {
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || n > most || n < 0 && (n != -1 || !orNothing) {
		return 0, fmt.Errorf("%w: a length is %.20q", errFrame, text)
	}
	return n, nil
}

func (f *frames) enter(elements int64) error {
	if len(f.open) == maxDepth {
		return fmt.Errorf("%w: lists are too deep", errFrame)
	}
	if len(f.open) == 0 {
		f.outer.elements = elements
	}
	f.open = append(f.open, elements)
	return nil
}

// say notes what the first element of the outermost list says.
func (f *frames) say(text []byte) {
	if len(f.open) == 1 && !f.named {
		f.outer.name += string(text[:min(len(text), maxNameBytes-len(f.outer.name))])
	}
}

// end ends an element, and all lists and the frame that end with it.
func (f *frames) end(whole func(frame) error) error {
	for last := len(f.open) - 1; last >= 0; last-- {
		f.named = f.named || last == 0
		if f.open[last]--; f.open[last] > 0 {
			return nil
		}
		f.open = f.open[:last]
	}
	return whole(f.outer)
}
