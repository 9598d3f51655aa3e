package load

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// sampleEvery is how many answers there are to each that is kept.
const sampleEvery = 97

// Request is a POST of a form.
type Request struct {
	// Raw is all of it, as it is sent over HTTP/1.1.
	Raw []byte
	// Body is where its body begins.
	Body int
	// Authorization is that header.
	Authorization string
}

// NewRequest writes a request.
func NewRequest(path, host, authorization string, body []byte) Request {
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: %s\r\nContent-Type: application/x-www-form-urlencoded\r\n"+
		"Accept: application/json\r\nContent-Length: %d\r\n\r\n", path, host, authorization, len(body))
	return Request{Raw: append([]byte(head), body...), Body: len(head), Authorization: authorization}
}

// Work is what is to be sent: Count requests at most, which At returns. A closed loop that ends by time sends Least of them in
// any case.
type Work struct {
	Count, Least int
	At           func(n int) Request
}

// Result is what came of it.
type Result struct {
	// Answers is how many there are, all of them good.
	Answers int
	// Took is from the first request to the last answer.
	Took time.Duration
	// Latencies are those of a fixed rate, from the time at which a request was due.
	Latencies []time.Duration
	// Late is how much later than due the generator looked at a request: what it adds to the latencies by itself.
	Late []time.Duration
	// Samples are some of the answers.
	Samples []Sample
}

// Sample is the body of the answer to one request.
type Sample struct {
	N    int
	Body []byte
}

func (r *Result) count(n int, body []byte) {
	if r.Answers%sampleEvery == 0 {
		r.Samples = append(r.Samples, Sample{n, bytes.Clone(body)})
	}
	r.Answers++
}

// What an HTTP/1.1 answer holds.
var (
	good      = []byte("HTTP/1.1 200 OK\r\n")
	headEnd   = []byte("\r\n\r\n")
	lengthKey = []byte("\r\nContent-Length: ")
)

var errNoLength = errors.New("the answer does not say how long it is")

// parse returns the body of an answer, or nil when not all of it has come.
func parse(text []byte) (body []byte, err error) {
	head, rest, found := bytes.Cut(text, headEnd)
	if !found {
		return nil, nil
	}
	_, after, found := bytes.Cut(head, lengthKey)
	if !found {
		return nil, errNoLength
	}
	value, _, _ := bytes.Cut(after, []byte("\r\n"))
	length, err := strconv.Atoi(string(value))
	if err != nil || length <= 0 {
		return nil, errNoLength
	}
	switch {
	case len(rest) < length:
		return nil, nil
	case len(rest) > length:
		return nil, fmt.Errorf("the answer is longer than it says: %q", text)
	case !bytes.HasPrefix(text, good):
		return nil, fmt.Errorf("the answer is not good: %s", text)
	}
	return rest, nil
}
