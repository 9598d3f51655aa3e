package keyring

import (
	"errors"
	"fmt"
	"iter"
	"slices"
)

// Data keys of the Secret that holds the digest keys, besides DigestDataKey for the active one.
const (
	// PreviousDigestDataKey holds the key that was active before, while digests under it are still in use. Optional.
	PreviousDigestDataKey = "previous.key"
	// NextDigestDataKey holds the key that becomes active when every token server has it. Optional.
	NextDigestDataKey = "next.key"
	// DigestRotationDataKey holds the rotation request that was taken up last. Optional.
	DigestRotationDataKey = "rotation.request"
)

// DigestKeys is the set of digest keys that are in force at one time: secrets are digested under the active key, and a
// digest under any key of the set is accepted. It is immutable, and prints as the ids of its keys.
type DigestKeys struct {
	// keys are the active key and then the others, if there are any.
	keys           []DigestKey
	previous, next *DigestKey
	// request is the rotation request that was taken up last.
	request string
}

// NewDigestKeys returns a set of one key.
func NewDigestKeys(active DigestKey) DigestKeys { return newDigestKeys(active, nil, nil, "") }

func newDigestKeys(active DigestKey, previous, next *DigestKey, request string) DigestKeys {
	k := DigestKeys{keys: []DigestKey{active}, previous: previous, next: next, request: request}
	for _, other := range []*DigestKey{previous, next} {
		if other != nil {
			k.keys = append(k.keys, *other)
		}
	}
	return k
}

// ParseDigestKeys reads the data of the Secret; one that holds only an active key is a set of one. Its errors hold no key
// material.
func ParseDigestKeys(data map[string][]byte) (DigestKeys, error) {
	active, err := ParseDigestKey(data[DigestDataKey])
	if err != nil {
		return DigestKeys{}, fmt.Errorf("%s: %w", DigestDataKey, err)
	}
	var others [2]*DigestKey
	for i, name := range []string{PreviousDigestDataKey, NextDigestDataKey} {
		stored, ok := data[name]
		if !ok {
			continue
		}
		key, err := ParseDigestKey(stored)
		if err != nil {
			return DigestKeys{}, fmt.Errorf("%s: %w", name, err)
		}
		others[i] = &key
	}
	k := newDigestKeys(active, others[0], others[1], string(data[DigestRotationDataKey]))
	ids := map[string]bool{}
	for _, key := range k.keys {
		if ids[key.id] {
			return DigestKeys{}, errors.New("parse digest keys: one key occurs twice")
		}
		ids[key.id] = true
	}
	return k, nil
}

// Marshal returns the data of the Secret, with the keys.
func (k DigestKeys) Marshal() map[string][]byte {
	data := map[string][]byte{}
	for name, key := range map[string]*DigestKey{DigestDataKey: &k.keys[0], PreviousDigestDataKey: k.previous, NextDigestDataKey: k.next} {
		if key != nil {
			data[name] = key.Marshal()
		}
	}
	if k.request != "" {
		data[DigestRotationDataKey] = []byte(k.request)
	}
	return data
}

// Active returns the key under which secrets are digested.
func (k DigestKeys) Active() DigestKey { return k.keys[0] }

// All returns every key of the set, the active one first: a digest under any of them counts.
func (k DigestKeys) All() iter.Seq[DigestKey] { return slices.Values(k.keys) }

// Find returns the key with the given id, and whether the set has it.
func (k DigestKeys) Find(id string) (DigestKey, bool) {
	i := slices.IndexFunc(k.keys, func(key DigestKey) bool { return key.id == id })
	if i < 0 {
		return DigestKey{}, false
	}
	return k.keys[i], true
}

// PreviousID returns the id of the key that was active before, or "" when digests under it no longer count.
func (k DigestKeys) PreviousID() string { return idOf(k.previous) }

// NextID returns the id of the key that becomes active next, or "" when no rotation is under way.
func (k DigestKeys) NextID() string { return idOf(k.next) }

// Request returns the rotation request that was taken up last.
func (k DigestKeys) Request() string { return k.request }

// Advance takes the next step of a rotation, if it is time for it, and reports whether there was one: a request that
// differs from the one that was taken up last adds the next key; when every token server has loaded the set, the next key
// becomes active; when they have loaded that and no digest is under the previous key any more, the previous key goes. A
// request that comes meanwhile is taken up after that.
func (k DigestKeys) Advance(request string, loaded, previousInUse bool) (DigestKeys, bool) {
	switch {
	case k.previous != nil:
		if loaded && !previousInUse {
			return newDigestKeys(k.Active(), nil, k.next, k.request), true
		}
	case k.next != nil:
		if loaded {
			return newDigestKeys(*k.next, &k.keys[0], nil, k.request), true
		}
	case request != "" && request != k.request:
		return newDigestKeys(k.Active(), nil, new(GenerateDigestKey()), request), true
	}
	return k, false
}

// Rotating reports whether a rotation is under way.
func (k DigestKeys) Rotating() bool { return k.previous != nil || k.next != nil }

// String returns the ids of the keys.
func (k DigestKeys) String() string {
	if len(k.keys) == 0 {
		return "no digest keys"
	}
	return fmt.Sprintf("digest keys %s, previous %q, next %q", k.keys[0].id, k.PreviousID(), k.NextID())
}

// GoString returns the ids, so that no format verb looks into the keys.
func (k DigestKeys) GoString() string { return k.String() }

func idOf(k *DigestKey) string {
	if k == nil {
		return ""
	}
	return k.id
}
