package keyring

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/jose"
)

// maxImported bounds what a ring remembers of imports.
const maxImported = 16

// Import returns the ring with a key that another server signed with. It signs from now on, for verifiers know it by its
// kid already. A key is imported once: when it has been rotated out, it does not come back. One that is in the ring
// anyway stays as it is.
func (r *Ring) Import(s *jose.Signer, now time.Time) (Plan, error) {
	public := s.PublicKey()
	name := public.Thumbprint() + " " + public.KeyID()
	if slices.Contains(r.imported, name) {
		return Plan{Ring: r}, nil
	}
	with := *r
	with.imported = append(slices.Clone(r.imported), name)
	with.imported = with.imported[max(0, len(with.imported)-maxImported):]
	for _, k := range r.keys {
		switch other := k.Signer.PublicKey(); {
		case k.ID() != public.KeyID():
		case other.Thumbprint() == public.Thumbprint():
			return Plan{Ring: &with, Changed: true}, nil
		default:
			return Plan{}, errors.New("import signing key: another signing key has its kid: give the key the kid by which its verifiers know it")
		}
	}
	if len(r.keys) >= maxKeys {
		return Plan{}, fmt.Errorf("import signing key: there are %d signing keys already: wait until the oldest is removed", maxKeys)
	}
	if err := with.insert(Key{Signer: s, ActiveFrom: now}); err != nil {
		return Plan{}, err
	}
	return Plan{Ring: &with, Changed: true, Added: []string{public.KeyID()}}, nil
}
