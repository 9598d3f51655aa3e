package tokenserver

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/peer"
	"github.com/grantor-dev/grantor/tokenserver/scratch"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// maxLoggedBytes cuts untrusted text in the audit log.
const maxLoggedBytes = 256

// endpoint is one that authenticates clients, by the name that it has in the audit log.
type endpoint string

// The endpoints that authenticate clients.
const (
	endpointToken         endpoint = "token"
	endpointIntrospection endpoint = "introspection"
	endpointRevocation    endpoint = "revocation"
)

// messages are those of the audit log: when the endpoint has done what it is for, when there was nothing to do it for, which
// is no error, and when it refused.
func (e endpoint) messages() (done, nothing, refused string) {
	switch e {
	case endpointIntrospection:
		return "access token active", "access token not active", "introspection refused"
	case endpointRevocation:
		return "token revoked", "no token to revoke", "revocation refused"
	case endpointToken:
	}
	return "access token granted", "", "access token refused"
}

// record is what the audit log and the metrics are told of one request. It holds neither the assertion nor the token nor
// any secret.
type record struct {
	endpoint          endpoint
	id, remote        string
	from              peer.Address
	start             time.Time
	tenant            string
	untrustedClientID string
	// snapshot is what the claimed client was looked for in.
	snapshot *trust.Snapshot
	// untrustedClientIssuer is the iss of a client assertion.
	untrustedClientIssuer string
	client                *trust.Client
	method, grantType     string
	voucher
	actorVoucher          voucher
	subject, actor, scope string
	tokenID               string
	// assertion is the assertion, or the token that is exchanged, of which a digest is recorded.
	assertion string
	// tokenClientID is the client of a token that somebody asks about.
	tokenClientID string
	// refreshFamily names the family of the refresh token that was presented or issued; refreshWithheld says that one was to
	// be issued and is too large.
	refreshFamily   string
	refreshWithheld bool
	// err is why the endpoint refused, or, where nothing is set, why there was nothing to do, which is no error on the wire.
	err     *oauth.Error
	nothing bool
	// trace is nil for a request without one.
	trace *requestTrace
}

// voucher is who vouches for somebody.
type voucher struct {
	untrustedIssuer string
	provider        *trust.Provider
	// untrustedProvider is the provider of that issuer, which may not have signed anything.
	untrustedProvider *trust.Provider
}

// newRecord returns a record of a failure: what ends in a panic must not be recorded as a success.
func (h *Handler) newRecord(r *http.Request, endpoint endpoint) *record {
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails: crypto/rand ends the process instead
	rec := &record{
		endpoint: endpoint, id: hex.EncodeToString(id[:]), from: h.config.Peers.Find(r), remote: r.RemoteAddr, start: h.config.Now(),
		err: h.unforeseen, trace: h.startTrace(r, endpoint),
	}
	if rec.from.Caller.IsValid() {
		rec.remote = rec.from.Caller.String()
	}
	if rec.from.Unheard && h.unheard.CompareAndSwap(false, true) {
		h.warnOfProxy(r.Context(), rec.remote)
	}
	return rec
}

// warnOfProxy: a proxy that is not known as one stands in the log for all who come through it. Anybody can claim to be one, so
// it is said once.
func (h *Handler) warnOfProxy(ctx context.Context, remote string) {
	h.config.Audit.LogAttrs(ctx, slog.LevelWarn, "a request names the address of another, but did not come from a trusted proxy; "+
		"if a proxy stands here, name it in --trusted-proxies, or its address stands for all callers behind it",
		slog.String("peer", remote))
}

// finish writes the one audit record of a request and counts it.
func (h *Handler) finish(ctx context.Context, rec *record) {
	took := h.config.Now().Sub(rec.start)
	code, reason := outcomeOK, outcomeOK
	message, nothing, refused := rec.endpoint.messages()
	level := slog.LevelInfo
	attrs := append(make([]slog.Attr, 0, mostAttrs),
		slog.String("endpoint", string(rec.endpoint)),
		slog.String("request_id", rec.id),
		slog.String("remote", rec.remote),
		slog.Float64("duration_ms", float64(took.Microseconds())/1000),
	)
	if id := rec.trace.id(); id != "" {
		attrs = append(attrs, slog.String("trace_id", id))
	}
	if rec.err != nil {
		reason, message = string(rec.err.Reason), nothing
		if !rec.nothing {
			code, level, message = string(rec.err.Code), slog.LevelWarn, refused
			attrs = append(attrs, slog.String("error", code))
		}
		attrs = append(attrs, slog.String("reason", reason))
		if rec.err.Parameter != "" {
			attrs = append(attrs, slog.String("parameter", rec.err.Parameter))
		}
		if cause := rec.err.Unwrap(); cause != nil {
			attrs = append(attrs, slog.String("cause", cause.Error()))
		}
	}
	h.metrics.observe(rec, code, reason, took)
	rec.trace.end(rec, code, reason)
	attrs = rec.appendTo(attrs)
	h.config.Audit.LogAttrs(ctx, level, message, attrs...)
}

// mostAttrs is how many attributes most records have at most; more take more memory.
const mostAttrs = 24

func (r *record) appendTo(attrs []slog.Attr) []slog.Attr {
	add := func(name, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(name, cut(value)))
		}
	}
	if r.client != nil {
		add("client", r.client.Key.String())
		add("client_id", r.client.ID)
		add("client_authentication", r.method)
	} else {
		add("untrusted_client_id", r.loggedClientID())
		add("untrusted_client_issuer", r.untrustedClientIssuer)
	}
	add("tenant", r.loggedTenant())
	if r.from.Proxy.IsValid() {
		add("proxy", r.from.Proxy.String())
	}
	add("grant_type", r.grantType)
	if r.assertion != "" {
		add("assertion_sha256", digestOf(r.assertion))
	}
	if r.provider != nil {
		add("identity_provider", r.provider.Key.String())
		add("issuer", r.provider.Issuer)
	} else {
		add("untrusted_issuer", r.untrustedIssuer)
	}
	if p := r.actorVoucher.provider; p != nil {
		add("actor_identity_provider", p.Key.String())
	} else {
		add("untrusted_actor_issuer", r.actorVoucher.untrustedIssuer)
	}
	add("subject", r.subject)
	add("actor", r.actor)
	add("scope", r.scope)
	add("token_id", r.tokenID)
	add("token_client_id", r.tokenClientID)
	add("refresh_family", r.refreshFamily)
	if r.refreshWithheld {
		add("refresh_token_withheld", "too_large")
	}
	return attrs
}

// loggedClientID is the claimed client id. What no client is called may be anything, such as a secret where the two were swapped,
// or a whole assertion: it is named by a digest, unless it looks like a mistake in a default id, <namespace>.<name>.
func (r *record) loggedClientID() string {
	id := r.untrustedClientID
	if id == "" {
		return ""
	}
	namespace, name, _ := strings.Cut(id, ".")
	mistyped := isTenantName(name) && isLabel(namespace) && r.snapshot.HasClients(namespace)
	digest := digestPrefix + digestOf(id) // Made for all, so that time does not tell who exists.
	if r.snapshot.Client(id) == nil && !mistyped {
		return digest
	}
	return id
}

// loggedTenant is the tenant that was asked for, or a digest of what has not the form of one.
func (r *record) loggedTenant() string {
	if r.tenant != "" && !isLabel(r.tenant) {
		return digestPrefix + digestOf(r.tenant)
	}
	return r.tenant
}

const digestPrefix = "sha256:"

// digestOf returns SHA-256 in hexadecimal form.
func digestOf(s string) string {
	b := scratch.Borrow()
	defer scratch.Return(b)
	b.WriteString(s)
	sum := sha256.Sum256(b.Bytes())
	return hex.EncodeToString(sum[:])
}

// cut bounds text. What it cuts off is named by a digest, so that two records of the same text can be told.
func cut(s string) string {
	if len(s) <= maxLoggedBytes {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return s[:maxLoggedBytes] + "… sha256:" + hex.EncodeToString(sum[:8])
}
