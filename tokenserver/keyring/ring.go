package keyring

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/jose"
)

// RingDataKey is the key of the Secret that holds the text form of a Ring.
const RingDataKey = "ring.json"

// Key is one signing key and the times of its life.
type Key struct {
	Signer *jose.Signer
	// ActiveFrom is when the key may first sign. It is published earlier, so that verifiers know it by then.
	ActiveFrom time.Time
}

// Ring is a set of signing keys: all are published, the one that became active last signs. It is immutable.
type Ring struct {
	keys []Key
}

// New returns a ring of the given keys, at least one.
func New(keys ...Key) (*Ring, error) {
	if len(keys) == 0 {
		return nil, errors.New("key ring: no keys")
	}
	keys = slices.Clone(keys)
	slices.SortStableFunc(keys, func(a, b Key) int { return a.ActiveFrom.Compare(b.ActiveFrom) })
	for i, k := range keys {
		same := func(o Key) bool { return o.Signer.PublicKey().KeyID() == k.Signer.PublicKey().KeyID() }
		if slices.ContainsFunc(keys[:i], same) {
			return nil, errors.New("key ring: one key occurs twice")
		}
	}
	return &Ring{keys: keys}, nil
}

// Generate returns a ring of one new key that is active from now.
func Generate(now time.Time) (*Ring, error) {
	s, err := jose.GenerateSigner()
	if err != nil {
		return nil, err
	}
	return New(Key{Signer: s, ActiveFrom: now})
}

// Current returns the key that signs at the given time, or nil while none is active.
func (r *Ring) Current(now time.Time) *jose.Signer {
	for _, k := range slices.Backward(r.keys) {
		if !k.ActiveFrom.After(now) {
			return k.Signer
		}
	}
	return nil
}

// PublicKeys returns all keys, for publication.
func (r *Ring) PublicKeys() []*jose.PublicKey {
	keys := make([]*jose.PublicKey, len(r.keys))
	for i, k := range r.keys {
		keys[i] = k.Signer.PublicKey()
	}
	return keys
}

// ringText is the text form of a Ring.
type ringText struct {
	Version int       `json:"version"`
	Keys    []keyText `json:"keys"`
}

type keyText struct {
	ActiveFrom time.Time `json:"activeFrom"`
	PrivateKey string    `json:"privateKey"`
}

// Marshal returns the text form, with private keys.
func (r *Ring) Marshal() ([]byte, error) {
	text := ringText{Version: 1}
	for _, k := range r.keys {
		pem, err := k.Signer.MarshalPEM()
		if err != nil {
			return nil, err
		}
		text.Keys = append(text.Keys, keyText{ActiveFrom: k.ActiveFrom.UTC(), PrivateKey: string(pem)})
	}
	b, err := json.Marshal(text)
	if err != nil {
		return nil, fmt.Errorf("marshal key ring: %w", err)
	}
	return b, nil
}

// Parse reads the text form. Its errors hold no key material.
func Parse(text []byte) (*Ring, error) {
	var t ringText
	if err := json.Unmarshal(text, &t); err != nil {
		return nil, errors.New("parse key ring: not JSON of the expected shape")
	}
	if t.Version != 1 {
		return nil, fmt.Errorf("parse key ring: version %d is unknown here", t.Version)
	}
	keys := make([]Key, len(t.Keys))
	for i, k := range t.Keys {
		s, err := jose.ParseSigner([]byte(k.PrivateKey))
		if err != nil {
			return nil, fmt.Errorf("parse key ring: key %d: %w", i, err)
		}
		keys[i] = Key{Signer: s, ActiveFrom: k.ActiveFrom}
	}
	return New(keys...)
}
