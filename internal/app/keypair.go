package app

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/pflag"
)

// keyPairInterval is how often the files of a certificate are looked at.
const keyPairInterval = time.Second

// tlsFlags name the certificate of a port.
type tlsFlags struct {
	certificate, key string
	// prefix is what the names of the flags begin with, after which the metrics name the port.
	prefix string
}

func (f *tlsFlags) add(flags *pflag.FlagSet, prefix, what, otherwise string) {
	f.prefix = prefix
	flags.StringVar(&f.certificate, prefix+"tls-cert-file", "", "file with the certificate of "+what+" and its chain, in PEM; read again when it changes (default: "+otherwise+")")
	flags.StringVar(&f.key, prefix+"tls-key-file", "", "file with the private key of --"+prefix+"tls-cert-file, in PEM")
}

// keyPair reads the pair for the first time, or returns nil without flags.
func (f *tlsFlags) keyPair(ctx context.Context, log *slog.Logger, metrics prometheus.Registerer) (*keyPair, error) {
	switch {
	case f.certificate == "" && f.key == "":
		return nil, nil //nolint:nilnil // No certificate is what was asked for.
	case f.certificate == "" || f.key == "":
		return nil, fmt.Errorf("--%[1]stls-cert-file and --%[1]stls-key-file belong together: set both or none", f.prefix)
	}
	port, named := strings.CutSuffix(f.prefix, "-")
	if !named {
		port = "public"
	}
	p := newKeyPair(f.certificate, f.key, port, log)
	if err := p.register(metrics); err != nil {
		return nil, err
	}
	if err := p.load(ctx); err != nil {
		return nil, fmt.Errorf("--%[1]stls-cert-file %[2]s, --%[1]stls-key-file %[3]s: %[4]w", f.prefix, f.certificate, f.key, err)
	}
	return p, nil
}

// keyPair is a certificate with its key, as two files hold them by now, or without files for good. Files that are no such pair
// leave the last one in force.
type keyPair struct {
	certificateFile, keyFile string
	// port is which one it is for, in metrics and log.
	port    string
	log     *slog.Logger
	loads   *prometheus.CounterVec
	current atomic.Pointer[tls.Certificate]
	// judged and doubted stand for content of the files: what was loaded or reported, and what was no pair when it was read
	// for the first time. The two files change one after the other, so it may be one by the next time.
	judged, doubted [sha256.Size]byte
}

func newKeyPair(certificateFile, keyFile, port string, log *slog.Logger) *keyPair {
	p := &keyPair{
		certificateFile: certificateFile, keyFile: keyFile, port: port, log: log.With("port", port),
		loads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "grantor_tls_certificate_loads_total", ConstLabels: prometheus.Labels{"port": port},
			Help: "Changes of the files of a port's certificate by outcome: loaded, or refused and the last one kept.",
		}, []string{"outcome"}),
	}
	// A series that begins with its first event has no increase that an alert could see.
	for _, outcome := range []string{"loaded", "refused"} {
		p.loads.WithLabelValues(outcome)
	}
	return p
}

func (p *keyPair) register(metrics prometheus.Registerer) error {
	expiry := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "grantor_tls_certificate_expiry_timestamp_seconds", ConstLabels: prometheus.Labels{"port": p.port},
		Help: "When the certificate with which a port is served expires.",
	}, func() float64 {
		if c := p.current.Load(); c != nil {
			return float64(c.Leaf.NotAfter.Unix())
		}
		return 0
	})
	for _, c := range []prometheus.Collector{p.loads, expiry} {
		if err := metrics.Register(c); err != nil {
			return fmt.Errorf("register metrics: %w", err)
		}
	}
	return nil
}

// config is of the servers that use the pair: TLS 1.2 at least, and what Go considers good of the rest.
func (p *keyPair) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return p.current.Load(), nil },
	}
}

// run follows the files until its context ends.
func (p *keyPair) run(ctx context.Context) error {
	if p.certificateFile == "" {
		return nil
	}
	tick := time.NewTicker(keyPairInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			p.refresh(ctx)
		}
	}
}

// refresh loads the files when they have changed, and says once what is wrong with them.
func (p *keyPair) refresh(ctx context.Context) {
	certificate, key, err := p.read()
	content := digestOf(certificate, key, err)
	if content == p.judged {
		return
	}
	if err == nil {
		err = p.use(ctx, certificate, key, content)
	}
	switch {
	case err == nil:
	case content != p.doubted:
		p.doubted = content
	default:
		p.judged = content
		p.loads.WithLabelValues("refused").Inc()
		p.log.ErrorContext(ctx, "certificate not accepted; the last one stays in force",
			"file", p.certificateFile, "key_file", p.keyFile, "error", err.Error())
	}
}

func (p *keyPair) load(ctx context.Context) error {
	certificate, key, err := p.read()
	if err != nil {
		return err
	}
	return p.use(ctx, certificate, key, digestOf(certificate, key, nil))
}

func (p *keyPair) read() (certificate, key []byte, err error) {
	certificate, errCertificate := os.ReadFile(p.certificateFile)
	key, errKey := os.ReadFile(p.keyFile)
	return certificate, key, errors.Join(errCertificate, errKey)
}

func (p *keyPair) use(ctx context.Context, certificate, key []byte, content [sha256.Size]byte) error {
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return fmt.Errorf("read certificate and key: %w", err)
	}
	p.current.Store(&pair)
	p.judged = content
	p.loads.WithLabelValues("loaded").Inc()
	p.log.InfoContext(ctx, "certificate loaded", "file", p.certificateFile,
		"names", pair.Leaf.DNSNames, "not_after", pair.Leaf.NotAfter)
	return nil
}

func digestOf(certificate, key []byte, err error) [sha256.Size]byte {
	return sha256.Sum256(fmt.Appendf(nil, "%x %x %v", sha256.Sum256(certificate), sha256.Sum256(key), err))
}
