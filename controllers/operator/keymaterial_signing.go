package operator

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/grantor-dev/grantor/internal/release"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
)

// Data keys of the Secret with a signing key to import.
const (
	importKeyDataKey   = corev1.TLSPrivateKeyKey
	importKeyIDDataKey = "kid"
)

// reconcileSigningKeys makes a key ring, if there is none and this process has never seen one, and brings the ring that is
// there up to date.
func (r *KeyMaterialReconciler) reconcileSigningKeys(ctx context.Context) (ctrl.Result, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := r.name(release.SigningKeysSecretName)
	create := r.newSigningKeys
	if r.signingKeysSeen {
		create = nil
	}
	secret, _, err := r.readOrCreate(ctx, name, create)
	if err != nil {
		return ctrl.Result{}, err
	}
	if secret == nil {
		r.warn(ctx, r.newSecret(name.Name, release.SigningKeysSecretType, nil), reasonSigningKeysMissing,
			"The signing keys were deleted: restore the Secret from a backup, or restart the operator to have new keys made, with which tokens that are out there no longer verify")
		return ctrl.Result{}, nil
	}
	ring, err := keyring.Parse(secret.Data[keyring.RingDataKey])
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("read Secret %s: %w: restore it from a backup, or delete it and restart the operator to have new signing keys made", name, err)
	}
	r.signingKeysSeen = true
	return r.rotateSigningKeys(ctx, secret, ring)
}

// rotateSigningKeys imports a key and follows the policy, in one write.
func (r *KeyMaterialReconciler) rotateSigningKeys(ctx context.Context, secret *corev1.Secret, ring *keyring.Ring) (ctrl.Result, error) {
	imported, err := r.importSigningKey(ctx, secret, ring)
	if err != nil {
		return ctrl.Result{}, err
	}
	plan, err := imported.Ring.Plan(r.Rotation, rotationRequest(secret), r.Clock())
	if err != nil {
		return ctrl.Result{}, err
	}
	result := ctrl.Result{RequeueAfter: plan.NextVisit}
	if !imported.Changed && !plan.Changed {
		return result, nil
	}
	text, err := plan.Ring.Marshal()
	if err != nil {
		return ctrl.Result{}, err
	}
	secret.Data[keyring.RingDataKey] = text
	if swapped, err := r.swap(ctx, secret); err != nil || !swapped {
		return ctrl.Result{RequeueAfter: swapDelay}, err
	}
	r.tellSigningKeys(ctx, secret, imported.Added, plan)
	return result, nil
}

func (r *KeyMaterialReconciler) tellSigningKeys(ctx context.Context, secret *corev1.Secret, imported []string, plan keyring.Plan) {
	for _, kid := range imported {
		r.tell(ctx, secret, reasonSigningKeyImported, fmt.Sprintf("Signing key %s was imported and signs from now on", kid))
	}
	for _, kid := range plan.Added {
		r.tell(ctx, secret, reasonSigningKeyAdded, fmt.Sprintf("Signing key %s was added: it is published now, and signs when every verifier can know it", kid))
	}
	for _, kid := range plan.Removed {
		r.tell(ctx, secret, reasonSigningKeyRemoved, fmt.Sprintf("Signing key %s was removed: no token that it signed is valid any more", kid))
	}
}

// importSigningKey puts the key to import into the ring, once. What is wrong with it is for the user to mend, and leaves
// the ring as it is; the watch on the Secret wakes us.
func (r *KeyMaterialReconciler) importSigningKey(ctx context.Context, ringSecret *corev1.Secret, ring *keyring.Ring) (keyring.Plan, error) {
	unchanged := keyring.Plan{Ring: ring}
	if r.ImportSecret == "" {
		return unchanged, nil
	}
	secret, err := readSecret(ctx, r.Secrets, r.name(r.ImportSecret))
	if err != nil {
		return unchanged, err
	}
	signer, refusal := parseImport(secret)
	if refusal == nil {
		var plan keyring.Plan
		if plan, refusal = ring.Import(signer, r.Clock()); refusal == nil {
			r.importRefused = ""
			return plan, nil
		}
	}
	message := fmt.Sprintf("No signing key is imported from Secret %q: %v", r.ImportSecret, refusal)
	if r.importRefused != message {
		r.importRefused = message
		r.warn(ctx, ringSecret, reasonSigningKeyImportRefused, message)
	}
	return unchanged, nil
}

// parseImport reads the Secret with the key to import; nil is one that does not exist.
func parseImport(secret *corev1.Secret) (*jose.Signer, error) {
	switch {
	case secret == nil:
		return nil, fmt.Errorf("it does not exist: create it with the private key in PEM under the key %s", importKeyDataKey)
	case len(secret.Data[importKeyDataKey]) == 0:
		return nil, fmt.Errorf("it has no value under the key %s: put the private key there in PEM", importKeyDataKey)
	}
	signer, err := jose.ParsePrivateKeyPEM(secret.Data[importKeyDataKey])
	if err != nil {
		return nil, err
	}
	keyID, given := secret.Data[importKeyIDDataKey]
	if !given {
		return signer, nil
	}
	// A kid that was read from a file ends with a line break.
	return signer.WithKeyID(strings.TrimSpace(string(keyID)))
}

func (r *KeyMaterialReconciler) newSigningKeys() (*corev1.Secret, error) {
	ring, err := r.Rotation.Generate(r.Clock())
	if err != nil {
		return nil, fmt.Errorf("generate signing keys: %w", err)
	}
	text, err := ring.Marshal()
	if err != nil {
		return nil, err
	}
	return r.newSecret(release.SigningKeysSecretName, release.SigningKeysSecretType, map[string][]byte{keyring.RingDataKey: text}), nil
}
