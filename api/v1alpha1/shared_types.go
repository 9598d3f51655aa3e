package v1alpha1

// Duration is a length of time as Go writes it: decimal numbers with the units h, m, s and ms, for example 1h30m.
//
// The fields of this type judge form and bounds in one rule, so that a wrong value gets one answer.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=16
type Duration string

// SecretKeyReference names one key of a Secret in the namespace of the object that holds the reference. There is no
// namespace field: a reference can never reach another namespace's Secret.
type SecretKeyReference struct {
	// name of the Secret, in this object's own namespace.
	//
	// A Secret that does not exist sets ResolvedRefs to False with reason SecretNotFound.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Subdomain().validate(self).hasValue()",message="must be the name of a Secret in this namespace: lower case letters, digits, '-' and '.'"
	Name string `json:"name,omitempty"`

	// key of the Secret that holds the value. Default tls.crt.
	//
	// A Secret without this key sets ResolvedRefs to False with reason SecretKeyNotFound.
	//
	// +optional
	// +default="tls.crt"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-._a-zA-Z0-9]+$')",message="must be a key of a Secret: letters, digits, '-', '_' and '.'"
	Key string `json:"key,omitempty"`
}
