package faults

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// publicKeys are keys by kid.
type publicKeys = map[string]*ecdsa.PublicKey

// fetchKeys reads the keys that a token server publishes, by kid.
func fetchKeys(t *testing.T, base string) publicKeys {
	t.Helper()
	keys, err := publishedKeys(t.Context(), base)
	try(t, err)
	return keys
}

func publishedKeys(ctx context.Context, base string) (publicKeys, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/oauth2/jwks", http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := httpClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	var set struct {
		Keys []struct {
			KeyID string `json:"kid"`
			X     string `json:"x"`
			Y     string `json:"y"`
		} `json:"keys"`
	}
	if err := json.NewDecoder(response.Body).Decode(&set); err != nil {
		return nil, fmt.Errorf("read keys of %s: %d: %w", base, response.StatusCode, err)
	}
	if control := response.Header.Get("Cache-Control"); !strings.Contains(control, "max-age=300") {
		return nil, fmt.Errorf("the keys of %s may be kept for %q; this test takes it that verifiers keep them for 5 minutes", base, control)
	}
	keys := publicKeys{}
	for _, k := range set.Keys {
		x, errX := base64.RawURLEncoding.DecodeString(k.X)
		y, errY := base64.RawURLEncoding.DecodeString(k.Y)
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y))
		if err := errors.Join(errX, errY, err); err != nil {
			return nil, fmt.Errorf("key %s: %w", k.KeyID, err)
		}
		keys[k.KeyID] = key
	}
	return keys, nil
}

func sameKeys(a, b publicKeys) bool {
	return maps.EqualFunc(a, b, func(x, y *ecdsa.PublicKey) bool { return x.Equal(y) })
}

// verifier is an API that checks access tokens, with a key set that it keeps for as long as it may: it does not fetch
// another when it meets an unknown kid.
type verifier struct {
	mu   sync.Mutex
	keys publicKeys
	seen map[string]int
}

// fetch replaces the key set, as when its time is over. It takes that of any one token server.
func (v *verifier) fetch(t *testing.T, base string) {
	t.Helper()
	keys := fetchKeys(t, base)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.keys = keys
}

// verify checks the signature of a token.
func (v *verifier) verify(token string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	kid, err := verifyWith(v.keys, token)
	if err != nil {
		return err
	}
	if v.seen == nil {
		v.seen = map[string]int{}
	}
	v.seen[kid]++
	return nil
}

// verifyWith checks the signature of a token with the keys, and returns the kid of the one that signed it.
func verifyWith(keys publicKeys, token string) (kid string, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", fmt.Errorf("%d parts", len(parts))
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil {
		return "", err
	}
	var header struct {
		KeyID string `json:"kid"`
	}
	if err := json.Unmarshal(text, &header); err != nil {
		return "", err
	}
	key, known := keys[header.KeyID]
	if !known {
		return "", fmt.Errorf("unknown kid %s", header.KeyID)
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || len(signature) != 64 {
		return "", fmt.Errorf("signature of %d bytes: %w", len(signature), orElse(err))
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if !ecdsa.Verify(key, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		return "", errors.New("the signature is wrong")
	}
	return header.KeyID, nil
}

// signedBy returns how many tokens each key has signed.
func (v *verifier) signedBy() map[string]int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return maps.Clone(v.seen)
}
