package exchange

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/grantor-dev/grantor/tokenserver"
)

// Metadata is what is used of the document of RFC 8414 §2.
type Metadata struct {
	Issuer        string `json:"issuer"`
	KeySetURL     string `json:"jwks_uri"`
	TokenEndpoint string `json:"token_endpoint"`
}

// Discover asks for the metadata of an issuer. What it returns is below the issuer.
func Discover(ctx context.Context, client *http.Client, issuer string) (Metadata, error) {
	path, err := tokenserver.CheckIssuer(issuer)
	if err != nil {
		return Metadata{}, fmt.Errorf("find the token endpoint: %w", err)
	}
	// RFC 8414 §3.1: the well-known part goes between host and path.
	from := strings.TrimSuffix(issuer, path) + tokenserver.PathMetadata + path
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, from, http.NoBody)
	if err != nil {
		return Metadata{}, fmt.Errorf("make request: %w", err)
	}
	var document Metadata
	head, err := Ask(client, request, &document)
	if err == nil && head.Status != http.StatusOK {
		err = fmt.Errorf("%s answers %d", from, head.Status)
	}
	if err != nil {
		return Metadata{}, &UnavailableError{RetryAfter: head.RetryAfter, cause: err}
	}
	// RFC 8414 §3.3: the issuer of the document is the one that was asked for, or the document must not be used.
	if document.Issuer != issuer {
		return Metadata{}, &UnavailableError{cause: fmt.Errorf(
			"%s is the document of issuer %.200q: the server is configured for another issuer, or the URL leads to another server", from, document.Issuer)}
	}
	for _, u := range []string{document.KeySetURL, document.TokenEndpoint} {
		if !strings.HasPrefix(u, issuer+"/") {
			return Metadata{}, &UnavailableError{cause: fmt.Errorf("%s names the endpoint %.200q, which is not below the issuer", from, u)}
		}
	}
	return document, nil
}

// CheckEndpoint says what is wrong with the URL of a token endpoint. RFC 6749 §3.2: it takes credentials, so it needs TLS.
func CheckEndpoint(endpoint string) error {
	u, err := url.Parse(endpoint)
	switch {
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return fmt.Errorf("token endpoint: no URL: use one like https://auth.example.com%s", tokenserver.PathToken)
	case u.User != nil || strings.Contains(endpoint, "#"):
		return fmt.Errorf("token endpoint: leave out what is before an @ and after a #")
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	default:
		return fmt.Errorf("token endpoint: not https: only a loopback address may use http")
	}
}

func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}
