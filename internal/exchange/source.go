package exchange

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
)

// maxSource bounds what is read from a source: the largest request that a token endpoint takes is smaller.
const maxSource = 64 << 10

// Source is where something that is presented is kept. It is read for each request, and once for one that presents it twice.
// Its errors must not hold what is kept there.
type Source interface {
	Read(ctx context.Context) (string, error)
}

// ParseSource returns the source that a flag names: a file, env:NAME for a variable of the environment, or - for input, which
// is read once. Its errors do not repeat the text, which may be what should have been kept in a file.
func ParseSource(text string, input io.Reader) (Source, error) {
	name, isVariable := strings.CutPrefix(text, "env:")
	switch {
	case text == "":
		return nil, errors.New("is empty: name a file, env:NAME or - for standard input")
	case text == "-":
		return &once{read: sync.OnceValues(func() (string, error) { return all(input) })}, nil
	case isVariable:
		return &variable{name}, nil
	case looksLikeJWT(text):
		return nil, errors.New("is a token: keep it in a file and name that, since everybody on this machine can read a command line")
	default:
		return &file{text}, nil
	}
}

// IsInput reports whether a source can be read only once.
func IsInput(s Source) bool {
	_, ok := s.(*once)
	return ok
}

// looksLikeJWT: the header of a JWT is a JSON object, which begins so in base64url.
func looksLikeJWT(text string) bool {
	return strings.HasPrefix(text, "eyJ") && strings.Count(text, ".") >= 2
}

// file is a file, such as a projected ServiceAccount token, whose content is replaced over time.
type file struct{ name string }

func (f *file) Read(context.Context) (string, error) {
	in, err := os.Open(f.name)
	if err != nil {
		return "", WithoutName(err)
	}
	text, err := all(in)
	if err := errors.Join(WithoutName(err), in.Close()); err != nil {
		return "", err
	}
	return text, nil
}

// WithoutName keeps the name of a file out of an error: it may be a secret that somebody took for the name.
func WithoutName(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("%s file: %w", e.Op, e.Err)
	}
	return err
}

type variable struct{ name string }

func (v *variable) Read(context.Context) (string, error) {
	text, ok := os.LookupEnv(v.name)
	if text = strings.TrimSpace(text); !ok || text == "" {
		return "", errors.New("the variable is not set")
	}
	return text, nil
}

type once struct{ read func() (string, error) }

func (o *once) Read(context.Context) (string, error) { return o.read() }

// byteOrderMark is what some editors begin a file with, unseen.
const byteOrderMark = "\ufeff"

// all reads everything but the white space around it.
func all(from io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(from, maxSource+1))
	if err != nil {
		return "", fmt.Errorf("read: %w", err)
	}
	if len(text) > maxSource {
		return "", fmt.Errorf("has more than %d KiB", maxSource>>10)
	}
	if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) {
		return "", errors.New("is written in UTF-16, as PowerShell does: save it as UTF-8 or ASCII")
	}
	trimmed := strings.TrimSpace(strings.TrimPrefix(string(text), byteOrderMark))
	if trimmed == "" {
		return "", errors.New("is empty")
	}
	return trimmed, nil
}
