package interop

import (
	"context"
	"testing"

	"golang.org/x/oauth2/google/externalaccount"
)

// supplied is a token that the library asks for.
type supplied func() string

func (s supplied) SubjectToken(context.Context, externalaccount.SupplierOptions) (string, error) {
	return s(), nil
}

// TestExternalAccount: golang.org/x/oauth2/google/externalaccount exchanges tokens (RFC 8693), as workloads do that have one of
// another issuer. It sends client id and secret by Basic as they are, so both must have characters that need no encoding.
func TestExternalAccount(t *testing.T) {
	ctx, api := trusting(t.Context(), t, nil), world.Clients["api"]
	source, err := externalaccount.NewTokenSource(ctx, externalaccount.Config{
		Audience: resource, SubjectTokenType: jwtType, TokenURL: world.Issuer + "/oauth2/token", Scopes: []string{"read"},
		ClientID: api.ID, ClientSecret: api.Secret, SubjectTokenSupplier: supplied(assertion),
	})
	if err != nil {
		t.Fatal(err)
	}
	token, err := source.Token()
	got := reported(ctx, t, token, err)
	got.Response.Scope = got.Claims.Scope // the library does not return it
	granted(api.ID, alice).check(t, got)
}
