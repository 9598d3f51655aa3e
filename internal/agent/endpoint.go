package agent

import (
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/grantor-dev/grantor/internal/exchange"
)

// PathToken is where tokens are handed out.
const PathToken = "/token"

// Who asks for a token must say that he means it: no page in a browser, and no server that was talked into fetching a URL, can
// add a header.
const (
	headerMetadata = "Metadata"
	metadataTrue   = "true"
)

// Bounds of a request.
const (
	maxQuery     = 4 << 10
	maxResources = 8
	maxScopes    = 64
)

// Why a request is not answered with a token.
const (
	codeForbidden = "forbidden"
	codeInvalid   = "invalid_request"
)

// Endpoint hands out tokens to those who are in the same pod.
type Endpoint struct {
	cache   *Cache
	log     *slog.Logger
	metrics *Metrics
}

// NewEndpoint returns an endpoint that must be served on a loopback address alone.
func NewEndpoint(c *Cache, log *slog.Logger, m *Metrics) *Endpoint {
	return &Endpoint{cache: c, log: log, metrics: m}
}

// CheckListen says what is wrong with an address to serve tokens on.
func CheckListen(address string) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !to.Addr().IsLoopback() {
		return errors.New("tokens are handed out on a loopback address alone: use one like 127.0.0.1:8089")
	}
	return nil
}

// ServeHTTP answers GET /token?resource=…&scope=….
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if problem := forbidden(r); problem != "" {
		e.refuse(w, http.StatusForbidden, codeForbidden, problem)
		return
	}
	if r.URL.Path != PathToken {
		e.refuse(w, http.StatusNotFound, codeInvalid, "Tokens are at "+PathToken+".")
		return
	}
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		e.refuse(w, http.StatusMethodNotAllowed, codeInvalid, "This endpoint takes GET only.")
		return
	}
	resources, scopes, problem := wanted(r.URL.RawQuery)
	if problem != "" {
		e.refuse(w, http.StatusBadRequest, codeInvalid, problem)
		return
	}
	token, left, err := e.cache.get(r.Context(), resources, scopes)
	if err != nil {
		e.fail(w, r, err)
		return
	}
	e.metrics.requested(string(exchange.OK))
	reply(w, http.StatusOK, map[string]any{
		"access_token": token.AccessToken.Reveal(), "token_type": "Bearer", "expires_in": int64(left.Seconds()), "scope": token.Scope,
	})
}

// forbidden says why a request may be one that nobody in the pod means. It is asked before anything else.
func forbidden(r *http.Request) string {
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err != nil || !peer.Addr().IsLoopback() {
		return "Tokens are for callers in the same pod."
	}
	// A page whose name was made to lead here still says its name (DNS rebinding).
	host := (&url.URL{Host: r.Host}).Hostname()
	if address, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !address.IsLoopback()) {
		return "The host of the request must be a loopback address."
	}
	if values := r.Header.Values(headerMetadata); len(values) != 1 || values[0] != metadataTrue {
		return "The request needs the header " + headerMetadata + ": " + metadataTrue + "."
	}
	for _, h := range []string{"Origin", "Sec-Fetch-Site", "X-Forwarded-For", "Forwarded", "Via"} {
		if len(r.Header.Values(h)) > 0 {
			return "The request comes from a browser or through a proxy."
		}
	}
	return ""
}

// wanted reads the query. audience says the same as resource, for those who know it by that name.
func wanted(query string) (resources, scopes []string, problem string) {
	if len(query) > maxQuery {
		return nil, nil, "The query is too long."
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, nil, "The query is malformed."
	}
	for name, list := range values {
		for _, value := range list {
			switch {
			case strings.ContainsAny(value, "\r\n\t"), value == "":
				return nil, nil, "A parameter is empty or malformed."
			case name != "scope" && strings.Contains(value, " "):
				return nil, nil, "A resource has no spaces: repeat the parameter for several."
			case name == "resource", name == "audience":
				resources = append(resources, value)
			case name == "scope":
				scopes = append(scopes, strings.Fields(value)...)
			default:
				return nil, nil, "The parameters are resource, audience and scope."
			}
		}
	}
	if len(resources) > maxResources || len(scopes) > maxScopes {
		return nil, nil, "There are too many parameters."
	}
	return resources, scopes, ""
}

// fail passes on what the token endpoint says. What went wrong here is in the log.
func (e *Endpoint) fail(w http.ResponseWriter, r *http.Request, err error) {
	outcome := exchange.OutcomeOf(err)
	e.metrics.requested(string(outcome))
	e.log.WarnContext(r.Context(), "no token for a request", "error", err.Error())
	body := map[string]any{"error": "temporarily_unavailable", "error_description": "There is no token at the moment."}
	if refusal, ok := errors.AsType[*exchange.RefusalError](err); ok {
		body = map[string]any{"error": refusal.Code, "error_description": refusal.Description}
	}
	if outcome == exchange.Refused {
		reply(w, http.StatusBadRequest, body)
		return
	}
	w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(exchange.RetryAfter(err).Seconds())))))
	reply(w, http.StatusServiceUnavailable, body)
}

func (e *Endpoint) refuse(w http.ResponseWriter, status int, code, description string) {
	e.metrics.requested(code)
	reply(w, status, map[string]any{"error": code, "error_description": description})
}

func reply(w http.ResponseWriter, status int, body map[string]any) {
	text, err := json.Marshal(body)
	if err != nil { // It is made of strings and numbers.
		status, text = http.StatusInternalServerError, []byte("{}")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(text)
}
