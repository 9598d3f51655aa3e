// Package profile resolves the policy of an IdentityProvider: what its profile presets, what its spec says, and the
// defaults behind both. The operator shows the result in status.effective, and the token servers judge by it, so that both
// mean the same.
//
// It must never read anything but the spec: policy takes effect without the operator.
package profile
