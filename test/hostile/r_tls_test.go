package hostile

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// serverCertificate is the certificate of a server, in two files.
type serverCertificate struct {
	file, keyFile string
	roots         *x509.CertPool
}

func newServerCertificate(t *testing.T) *serverCertificate {
	t.Helper()
	dir := t.TempDir()
	c := &serverCertificate{file: filepath.Join(dir, "tls.crt"), keyFile: filepath.Join(dir, "tls.key"), roots: x509.NewCertPool()}
	c.renew(t, 1)
	return c
}

// renew writes another pair with the serial number, which callers trust too.
func (c *serverCertificate) renew(t *testing.T, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	c.roots.AppendCertsFromPEM(certificate)
	c.write(t, certificate, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
}

func (c *serverCertificate) write(t *testing.T, certificate, key []byte) {
	t.Helper()
	for file, text := range map[string][]byte{c.file: certificate, c.keyFile: key} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// handshake opens a connection with TLS.
func (w *world) handshake(ctx context.Context, config *tls.Config) (*tls.Conn, error) {
	config.RootCAs = w.roots
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", w.public)
	if err != nil {
		return nil, err
	}
	return conn.(*tls.Conn), nil //nolint:errcheck,forcetypeassert // A tls.Dialer makes no other.
}

func (w *world) serial(t *testing.T) int64 {
	t.Helper()
	conn, err := w.handshake(t.Context(), &tls.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

// certificateRotates: the next connection after a change of the files has the new certificate; files that are no pair
// change nothing, are logged and counted.
func certificateRotates(t *testing.T, _ *world) {
	certificate := newServerCertificate(t)
	w := newWorld(t, startServer(t, serverOptions{certificate: certificate}))
	for serial := int64(2); serial <= 3; serial++ {
		certificate.renew(t, serial)
		eventually(t, 10*time.Second, "the new certificate is served", func() bool {
			w.send(t, r0fast()).check(t, w, granted)
			return w.serial(t) == serial
		})
	}
	w.checkAfter(t)
	certificate.write(t, []byte("garbage"), []byte("garbage"))
	const refused = `grantor_tls_certificate_loads_total{outcome="refused",port="public"}`
	eventually(t, 10*time.Second, "the refused certificate is counted", func() bool { return w.metrics(t)[refused] == 1 })
	if log := w.log.next(t); w.serial(t) != 3 || !strings.Contains(log, `"level":"ERROR","msg":"certificate not accepted`) {
		t.Errorf("serial %d, log: %s", w.serial(t), log)
	}
	certificate.renew(t, 4)
	eventually(t, 10*time.Second, "the next good certificate is served", func() bool { return w.serial(t) == 4 })
	if n := w.metrics(t)[refused]; n != 1 {
		t.Errorf("%v certificates are refused, want the one", n)
	}
	w.client.CloseIdleConnections()
	w.checkAfter(t)
}

// tlsProtocols: what is spoken, and what is not.
func tlsProtocols(t *testing.T, _ *world) {
	w := newWorld(t, startServer(t, serverOptions{certificate: newServerCertificate(t)}))
	for name, tc := range map[string]struct {
		config *tls.Config
		works  bool
		speaks string
	}{
		"TLS 1.1":  {&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, false, ""},
		"TLS 1.2":  {&tls.Config{MaxVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}, true, "h2"},
		"HTTP/2":   {&tls.Config{NextProtos: []string{"h2", "http/1.1"}}, true, "h2"},
		"HTTP/1.1": {&tls.Config{NextProtos: []string{"http/1.1"}}, true, "http/1.1"},
		"neither":  {&tls.Config{}, true, ""},
		"RC4":      {&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA}}, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := w.handshake(t.Context(), tc.config)
			if err != nil {
				if tc.works {
					t.Error(err)
				}
				return
			}
			defer func() { _ = conn.Close() }()
			if got := conn.ConnectionState().NegotiatedProtocol; !tc.works || got != tc.speaks {
				t.Errorf("the handshake works and %q is spoken", got)
			}
		})
	}
	plain := r0()
	plain.raw = asRaw(plain, "POST /oauth2/token HTTP/1.1")
	w.send(t, plain).check(t, w, notHTTP.or(closed))
	w.checkAfter(t)
}

// noCleartextHTTP2: the preface of HTTP/2 is no request where there is no TLS, and no upgrade is offered.
func noCleartextHTTP2(t *testing.T, w *world) {
	r := r0()
	r.raw = http2.ClientPreface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	w.send(t, r).check(t, w, notHTTP.or(closed).or(notFound))
	r = r0()
	r.header.Set("Connection", "Upgrade, HTTP2-Settings")
	r.header.Set("Upgrade", "h2c")
	r.header.Set("Http2-Settings", "AAMAAABkAAQAAP__")
	w.send(t, r).check(t, w, granted)
}

// rapidReset: who opens streams and resets them at once is cut off, costs little, and keeps nobody waiting.
func rapidReset(t *testing.T, _ *world) {
	const streams = 10_000
	w := newWorld(t, startServer(t, serverOptions{certificate: newServerCertificate(t)}))
	conn, err := w.handshake(t.Context(), &tls.Config{NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(slow(20 * time.Second))); err != nil {
		t.Fatal(err)
	}
	before := w.cpu(t)
	go func() { // fails when the server has had enough
		_, _ = io.WriteString(conn, http2.ClientPreface)
		_, _ = conn.Write(resets(t, streams))
	}()
	ended := cutOff(t, conn)
	eventually(t, 5*time.Second, "the processor is idle again", func() bool {
		at := w.cpu(t)
		await(t, time.Now().Add(300*time.Millisecond))
		return w.cpu(t)-at <= 30*time.Millisecond
	})
	t.Logf("%s after %s of processor time", ended, w.cpu(t)-before)
	if used := w.cpu(t) - before; used > slow(5*time.Second) {
		t.Errorf("%d resets cost %s of processor time", streams, used)
	}
	w.checkAfter(t)
	w.checkBounds(t)
}

// resets are the frames that open streams and reset them.
func resets(t *testing.T, n uint32) []byte {
	t.Helper()
	var frames, block bytes.Buffer
	framer := http2.NewFramer(&frames, nil)
	if err := framer.WriteSettings(); err != nil {
		t.Error(err)
	}
	encoder := hpack.NewEncoder(&block)
	for i := range n {
		block.Reset()
		for _, field := range [][2]string{
			{":method", http.MethodPost}, {":scheme", "https"}, {":authority", "x"}, {":path", "/oauth2/token"}, {"content-type", formType},
		} {
			if err := encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}); err != nil {
				t.Error(err)
			}
		}
		if err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 2*i + 1, BlockFragment: block.Bytes(), EndHeaders: true}); err != nil {
			t.Error(err)
		}
		if err := framer.WriteRSTStream(2*i+1, http2.ErrCodeCancel); err != nil {
			t.Error(err)
		}
	}
	return frames.Bytes()
}

// cutOff reads until the server ends the connection, and returns how.
func cutOff(t *testing.T, conn net.Conn) string {
	t.Helper()
	framer := http2.NewFramer(nil, conn)
	how := "closed"
	for {
		frame, err := framer.ReadFrame()
		if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
			t.Fatal("the connection is still open")
		}
		if err != nil {
			return how
		}
		if away, ok := frame.(*http2.GoAwayFrame); ok {
			how = away.ErrCode.String()
		}
	}
}
