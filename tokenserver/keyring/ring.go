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
	// request is the rotation request, and algorithm the algorithm of a policy, that Plan took up last.
	request   string
	algorithm jose.Algorithm
	// imported names the keys that were imported, the last one last, so that one that was removed does not come back.
	imported []string
}

// New returns a ring of the given keys, at least one.
func New(keys ...Key) (*Ring, error) {
	if len(keys) == 0 {
		return nil, errors.New("key ring: no keys")
	}
	keys = slices.Clone(keys)
	slices.SortStableFunc(keys, func(a, b Key) int { return a.ActiveFrom.Compare(b.ActiveFrom) })
	for i, k := range keys {
		same := func(o Key) bool { return o.ID() == k.ID() }
		if slices.ContainsFunc(keys[:i], same) {
			return nil, errors.New("key ring: one key occurs twice")
		}
	}
	return &Ring{keys: keys, algorithm: keys[len(keys)-1].Signer.Algorithm()}, nil
}

// Generate returns a ring of one new key for ES256 that is active from now.
func Generate(now time.Time) (*Ring, error) { return generate(jose.ES256, now) }

func generate(alg jose.Algorithm, now time.Time) (*Ring, error) {
	s, err := jose.GenerateSigner(alg)
	if err != nil {
		return nil, err
	}
	return New(Key{Signer: s, ActiveFrom: now})
}

// ID is the kid of the key.
func (k Key) ID() string { return k.Signer.PublicKey().KeyID() }

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

// Versions of the text form. Version 2 differs by the kid of a key: who does not know it would publish the key by another
// name, so a ring without such a key is written as version 1, and one with it must not be read as version 1. The members
// besides the keys change nothing of what a token server does, so both versions have them.
const (
	versionPlain  = 1
	versionKeyIDs = 2
)

// ringText is the text form of a Ring.
type ringText struct {
	Version   int            `json:"version"`
	Keys      []keyText      `json:"keys"`
	Request   string         `json:"rotationRequest,omitempty"`
	Algorithm jose.Algorithm `json:"algorithm,omitempty"`
	Imported  []string       `json:"imported,omitempty"`
}

type keyText struct {
	ActiveFrom time.Time `json:"activeFrom"`
	PrivateKey string    `json:"privateKey"`
	// KeyID is empty where the kid is the thumbprint.
	KeyID string `json:"kid,omitempty"`
}

// Marshal returns the text form, with private keys.
func (r *Ring) Marshal() ([]byte, error) {
	text := ringText{Version: versionPlain, Request: r.request, Imported: r.imported}
	if newest := r.newest().Signer.Algorithm(); newest != r.algorithm {
		text.Algorithm = r.algorithm
	}
	for _, k := range r.keys {
		pem, err := k.Signer.MarshalPEM()
		if err != nil {
			return nil, err
		}
		key := keyText{ActiveFrom: k.ActiveFrom.UTC(), PrivateKey: string(pem)}
		if k.ID() != k.Signer.PublicKey().Thumbprint() {
			key.KeyID, text.Version = k.ID(), versionKeyIDs
		}
		text.Keys = append(text.Keys, key)
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
	if t.Version != versionPlain && t.Version != versionKeyIDs {
		return nil, fmt.Errorf("parse key ring: version %d is unknown here", t.Version)
	}
	keys := make([]Key, len(t.Keys))
	for i, k := range t.Keys {
		s, err := parseKey(k, t.Version)
		if err != nil {
			return nil, fmt.Errorf("parse key ring: key %d: %w", i, err)
		}
		keys[i] = Key{Signer: s, ActiveFrom: k.ActiveFrom}
	}
	r, err := New(keys...)
	if err != nil {
		return nil, err
	}
	r.request, r.imported = t.Request, t.Imported
	if t.Algorithm != "" {
		r.algorithm = t.Algorithm
	}
	return r, nil
}

func parseKey(k keyText, version int) (*jose.Signer, error) {
	s, err := jose.ParseSigner([]byte(k.PrivateKey))
	if err != nil || k.KeyID == "" {
		return s, err
	}
	if version < versionKeyIDs {
		return nil, fmt.Errorf("version %d knows no kid", version)
	}
	return s.WithKeyID(k.KeyID)
}
