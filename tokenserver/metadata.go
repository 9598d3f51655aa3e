package tokenserver

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/grantor-dev/grantor/tokenserver/clientauth"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

// publicMaxAge is how long the public documents may be cached, in seconds. A new signing key must be published at
// least this long before its first use (keyring.MinPublishAhead).
const publicMaxAge = "public, max-age=300"

// metadata is the document of RFC 8414 §2. The last two members are there for OpenID Connect Discovery §3 only: clients
// that verify access tokens with an OpenID Connect library read the algorithms there.
type metadata struct {
	Issuer        string   `json:"issuer"`
	TokenEndpoint string   `json:"token_endpoint"`
	JWKSURI       string   `json:"jwks_uri"`
	ResponseTypes []string `json:"response_types_supported"`
	GrantTypes    []string `json:"grant_types_supported"`
	// GrantProfiles is of draft-ietf-oauth-identity-assertion-authz-grant §7.2.
	GrantProfiles        []string `json:"authorization_grant_profiles_supported,omitempty"`
	TokenEndpointMethods []string `json:"token_endpoint_auth_methods_supported"`
	// TokenEndpointAlgorithms are those of client assertions.
	TokenEndpointAlgorithms []jose.Algorithm `json:"token_endpoint_auth_signing_alg_values_supported"`

	IntrospectionEndpoint   string           `json:"introspection_endpoint"`
	IntrospectionMethods    []string         `json:"introspection_endpoint_auth_methods_supported"`
	IntrospectionAlgorithms []jose.Algorithm `json:"introspection_endpoint_auth_signing_alg_values_supported"`

	RevocationEndpoint   string           `json:"revocation_endpoint"`
	RevocationMethods    []string         `json:"revocation_endpoint_auth_methods_supported"`
	RevocationAlgorithms []jose.Algorithm `json:"revocation_endpoint_auth_signing_alg_values_supported"`

	SubjectTypes      []string `json:"subject_types_supported,omitempty"`
	IDTokenAlgorithms []string `json:"id_token_signing_alg_values_supported,omitempty"`
}

func (h *Handler) metadata(at tenant) metadata {
	confidential := []string{clientauth.MethodSecretBasic, clientauth.MethodSecretPost, clientauth.MethodPrivateKeyJWT}
	m := metadata{
		Issuer:                  at.issuer,
		TokenEndpoint:           at.issuer + PathToken,
		JWKSURI:                 at.issuer + PathJWKS,
		ResponseTypes:           []string{}, // required by RFC 8414; there is no authorization endpoint
		GrantTypes:              []string{},
		TokenEndpointMethods:    append(slices.Clone(confidential), clientauth.MethodNone),
		TokenEndpointAlgorithms: jose.Algorithms(),

		IntrospectionEndpoint:   at.issuer + PathIntrospection,
		IntrospectionMethods:    confidential,
		IntrospectionAlgorithms: jose.Algorithms(),

		RevocationEndpoint:   at.issuer + PathRevocation,
		RevocationMethods:    append(slices.Clone(confidential), clientauth.MethodNone),
		RevocationAlgorithms: jose.Algorithms(),
	}
	for _, g := range h.grants {
		m.GrantTypes = append(m.GrantTypes, g.grantType)
		if g.grantType == oauth.GrantTypeJWTBearer {
			m.GrantProfiles = []string{oauth.GrantProfileIDJAG}
		}
	}
	return m
}

func (h *Handler) serveMetadata(w http.ResponseWriter, r *http.Request, at tenant) {
	publish(w, r, newDocument(h.metadata(at)))
}

// serveOpenIDMetadata tells the algorithms of all published keys: a client that asked before a rotation to another one
// accepts the tokens after it.
func (h *Handler) serveOpenIDMetadata(w http.ResponseWriter, r *http.Request, at tenant) {
	ring := h.config.Trust.Snapshot().Ring()
	if ring == nil {
		refuse(w, oauth.AsError(oauth.Refuse(oauth.ReasonNotReady, nil)))
		return
	}
	m := h.metadata(at)
	m.SubjectTypes = []string{"public"}
	for _, k := range ring.PublicKeys() {
		for _, alg := range k.Algorithms() {
			m.IDTokenAlgorithms = append(m.IDTokenAlgorithms, string(alg))
		}
	}
	slices.Sort(m.IDTokenAlgorithms)
	m.IDTokenAlgorithms = slices.Compact(m.IDTokenAlgorithms)
	publish(w, r, newDocument(m))
}

// serveJWKS publishes the keys that verify access tokens (RFC 7517 §5), all of the ring. They are the same for all tenants.
func (h *Handler) serveJWKS(w http.ResponseWriter, r *http.Request, _ tenant) {
	ring := h.config.Trust.Snapshot().Ring()
	if ring == nil {
		refuse(w, oauth.AsError(oauth.Refuse(oauth.ReasonNotReady, nil)))
		return
	}
	set := h.keySet.Load()
	if set == nil || set.ring != ring {
		set = newKeySet(ring)
		h.keySet.Store(set)
	}
	publish(w, r, set.document)
}

// keySet is the JWK Set of a ring, which every verifier asks for and which changes when the ring does.
type keySet struct {
	document

	ring *keyring.Ring
}

func newKeySet(ring *keyring.Ring) *keySet {
	set := struct {
		Keys []json.RawMessage `json:"keys"`
	}{}
	for _, k := range ring.PublicKeys() {
		set.Keys = append(set.Keys, json.RawMessage(k.PublishedJWK()))
	}
	return &keySet{newDocument(set), ring}
}
