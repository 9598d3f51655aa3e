package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupName is the API group of Grantor's kinds.
const GroupName = "grantor.dev"

// GroupVersion is the group and version of the kinds in this package.
func GroupVersion() schema.GroupVersion {
	return schema.GroupVersion{Group: GroupName, Version: "v1alpha1"}
}

// AddToScheme registers the kinds of this package with a scheme.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion(),
		&IdentityProvider{}, &IdentityProviderList{},
		&OAuthClient{}, &OAuthClientList{},
	)
	metav1.AddToGroupVersion(s, GroupVersion())
	return nil
}
