package exchange

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strconv"
	"time"
)

// maxAnswer bounds what is read of an answer.
const maxAnswer = 1 << 20

// maxRetryAfter bounds how long somebody else may tell us to wait.
const maxRetryAfter = time.Hour

// NewHTTPClient returns a client that trusts the authorities in a file of PEM certificates, or those of the system where it is
// empty, and follows no redirect: what is presented is for the endpoint that was named, and for nobody it leads to.
func NewHTTPClient(caFile string, timeout time.Duration) (*http.Client, error) {
	transport := &http.Transport{
		// One request now and one in half an hour: by then, the authorities may be others.
		DisableKeepAlives:      true,
		DisableCompression:     true,
		ForceAttemptHTTP2:      true,
		Proxy:                  http.ProxyFromEnvironment,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		MaxResponseHeaderBytes: 64 << 10,
	}
	if caFile != "" {
		text, err := os.ReadFile(caFile) // #nosec G304 -- the file is what the user names
		if err != nil {
			return nil, fmt.Errorf("read authorities: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("read authorities: %s holds no certificate in PEM", caFile)
		}
		transport.TLSClientConfig.RootCAs = pool
	}
	return &http.Client{
		Transport: transport, Timeout: timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// Head is an answer but for its body.
type Head struct {
	Status int
	// RetryAfter is when the server wants to be asked again, or 0.
	RetryAfter time.Duration
}

// Ask sends a request and reads the JSON object that answers it, of at most 1 MiB. What comes from something else before the
// server is seldom one.
func Ask(client *http.Client, request *http.Request, into any) (Head, error) {
	response, err := client.Do(request) // #nosec G704 -- the server is the one that the user names
	if err != nil {
		return Head{}, err //nolint:wrapcheck // It says what was asked.
	}
	head := Head{Status: response.StatusCode, RetryAfter: retryAfter(response.Header)}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return head, fmt.Errorf("read what %s answers: %w", request.URL, err)
	}
	if len(body) > maxAnswer {
		return head, fmt.Errorf("%s answers with more than %d KiB: something else answers there", request.URL, maxAnswer>>10)
	}
	if head.Status/100 == 3 {
		return head, fmt.Errorf("%s answers %d and leads to %s, where nothing is sent: name the endpoint itself", request.URL, head.Status, hostOf(response))
	}
	kind := response.Header.Get("Content-Type")
	media, _, err := mime.ParseMediaType(kind)
	if err != nil || media != "application/json" && media != "application/jwk-set+json" {
		return head, fmt.Errorf("%s answers %d with %.100q, not with JSON: something else answers there", request.URL, head.Status, kind)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return head, fmt.Errorf("%s answers with %w", request.URL, broken(err))
	}
	return head, nil
}

// hostOf is where a redirect leads. The rest of its URL may repeat what was sent.
func hostOf(response *http.Response) string {
	if to, err := response.Location(); err == nil && to.Host != "" {
		return to.Scheme + "://" + to.Host
	}
	return "no URL"
}

// broken says what is wrong with JSON, without the names that the types have here.
func broken(err error) error {
	wrong, ok := errors.AsType[*json.UnmarshalTypeError](err)
	switch {
	case !ok:
		return fmt.Errorf("broken JSON: %w", err)
	case wrong.Field == "":
		return errors.New("JSON that is no object")
	default:
		return fmt.Errorf("JSON whose %s is of the wrong type", wrong.Field)
	}
}

// retryAfter reads the header of RFC 9110 §10.2.3. A date is held against that of the answer, which is by the same clock.
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err == nil {
		return min(max(0, time.Duration(min(seconds, int64(maxRetryAfter/time.Second)))*time.Second), maxRetryAfter)
	}
	until, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	answered, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return min(max(0, until.Sub(answered)), maxRetryAfter)
}
