package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/test/harness"
)

// newPartner plays the partner's identity provider: it makes a key and a self-signed certificate in dir.
func newPartner(dir, name string) error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return fmt.Errorf("generate key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: "idp.partner.example"},
		NotBefore:    time.Now().Add(-time.Minute),
		NotAfter:     time.Now().AddDate(0, 3, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return fmt.Errorf("create certificate: %w", err)
	}
	return errors.Join(
		write(filepath.Join(dir, name+".crt"), "CERTIFICATE", der),
		write(filepath.Join(dir, name+".key"), "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)),
	)
}

func write(file, kind string, der []byte) error {
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		return fmt.Errorf("write %s: %w", kind, err)
	}
	return nil
}

// assertion signs an assertion as the partner does.
func assertion(dir, name string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, name+".key")) // #nosec G304 -- our own temporary file
	if err != nil {
		return "", fmt.Errorf("read key: %w", err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		return "", fmt.Errorf("parse key: %w", err)
	}
	claims, err := json.Marshal(map[string]any{
		"iss": "https://idp.partner.example/oauth2/token", "sub": "alice", "aud": "https://auth.example.com/oauth2/token",
		"iat": time.Now().Unix(), "exp": time.Now().Add(5 * time.Minute).Unix(), "jti": rand.Text(),
	})
	if err != nil {
		return "", fmt.Errorf("encode claims: %w", err)
	}
	b64 := base64.RawURLEncoding
	input := b64.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + b64.EncodeToString(claims)
	digest := sha256.Sum256([]byte(input))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return input + "." + b64.EncodeToString(signature), nil
}

// answer is a response of the token endpoint.
type answer struct {
	AccessToken string `json:"access_token"`
	Error       string `json:"error"`
}

// curl exchanges a fresh assertion at a token server, for all to see.
func (d *demo) curl(ctx context.Context, baseURL, key string) (answer, error) {
	cmd, err := d.curlCommand(ctx, baseURL, key)
	if err != nil {
		return answer{}, err
	}
	out, err := show(cmd, "curl")
	if err != nil {
		return answer{}, err
	}
	var a answer
	if err := json.Unmarshal([]byte(out), &a); err != nil {
		return answer{}, fmt.Errorf("read answer: %w", err)
	}
	return a, nil
}

// curlCommand is the exchange of a fresh assertion, which it writes to a file.
func (d *demo) curlCommand(ctx context.Context, baseURL, key string) (*exec.Cmd, error) {
	signed, err := assertion(d.dir, key)
	if err != nil {
		return nil, err
	}
	var s corev1.Secret
	name := client.ObjectKey{Namespace: "team-a", Name: "playground-credentials"}
	if err := d.grantor.ControlPlane.Client.Get(ctx, name, &s); err != nil {
		return nil, fmt.Errorf("read generated credentials: %w", err)
	}
	file := filepath.Join(d.dir, key+".assertion")
	if err := os.WriteFile(file, []byte(signed), 0o600); err != nil {
		return nil, fmt.Errorf("write assertion: %w", err)
	}
	return exec.CommandContext(ctx, "curl", "--silent", "--show-error", // #nosec G204 -- our own arguments
		"--user", string(s.Data["client_id"])+":"+string(s.Data["client_secret"]),
		"--data-urlencode", "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer",
		"--data-urlencode", "assertion@"+file, baseURL+"/oauth2/token"), nil
}

// waitRefused waits until a token server refuses assertions by a key, without printing anything.
func (d *demo) waitRefused(ctx context.Context, baseURL, key string) error {
	return harness.Poll(ctx, 10*time.Second, func() error {
		cmd, err := d.curlCommand(ctx, baseURL, key)
		if err != nil {
			return harness.Permanent(err)
		}
		out, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("run curl: %w", err)
		}
		if !strings.Contains(string(out), "invalid_grant") {
			return errors.New("an assertion by the old key is still accepted")
		}
		return nil
	})
}

// secretPatch writes a patch that replaces the certificate in a Secret.
func secretPatch(certificate string) (string, error) {
	text, err := os.ReadFile(certificate) // #nosec G304 -- our own temporary file
	if err != nil {
		return "", fmt.Errorf("read certificate: %w", err)
	}
	patch, err := json.Marshal(map[string]any{"data": map[string][]byte{"tls.crt": text}})
	if err != nil {
		return "", fmt.Errorf("encode patch: %w", err)
	}
	file := certificate + ".patch.json"
	if err := os.WriteFile(file, patch, 0o600); err != nil {
		return "", fmt.Errorf("write patch: %w", err)
	}
	return file, nil
}
