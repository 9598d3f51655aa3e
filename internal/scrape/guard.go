package scrape

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	authenticationclient "k8s.io/client-go/kubernetes/typed/authentication/v1"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/client-go/rest"
)

// Path is where metrics are, and what a role has to name.
const Path = "/metrics"

const (
	// reviewTimeout bounds how long a scrape waits for the API server: Prometheus waits for 10 s.
	reviewTimeout = 5 * time.Second
	// Strangers at the port make the API server work no more than this.
	reviewsPerSecond, reviewBurst = 5, 10
	// complaintInterval is between two lines of the log, however many callers cannot be judged.
	complaintInterval = 10 * time.Second
)

// The two reviews are of the whole cluster: no Role can allow them.
//
// +kubebuilder:rbac:groups=authentication.k8s.io,resources=tokenreviews,verbs=create
// +kubebuilder:rbac:groups=authorization.k8s.io,resources=subjectaccessreviews,verbs=create

// Guard lets callers through who may read metrics.
type Guard struct {
	tokens  authenticationclient.TokenReviewInterface
	access  authorizationclient.SubjectAccessReviewInterface
	allowed *memory
	timeout time.Duration
	log     *slog.Logger
	now     func() time.Time
	// complained is when the log was last told that nobody can be judged, in nanoseconds.
	complained atomic.Int64
}

// NewGuard returns a guard that asks the API server of config.
func NewGuard(config *rest.Config, log *slog.Logger, now func() time.Time) (*Guard, error) {
	bounded := rest.CopyConfig(config)
	bounded.QPS, bounded.Burst = reviewsPerSecond, reviewBurst
	client, err := rest.HTTPClientFor(bounded)
	if err != nil {
		return nil, fmt.Errorf("make client: %w", err)
	}
	authentication, err := authenticationclient.NewForConfigAndClient(bounded, client)
	if err != nil {
		return nil, fmt.Errorf("make client: %w", err)
	}
	authorization, err := authorizationclient.NewForConfigAndClient(bounded, client)
	if err != nil {
		return nil, fmt.Errorf("make client: %w", err)
	}
	return &Guard{
		tokens: authentication.TokenReviews(), access: authorization.SubjectAccessReviews(),
		allowed: newMemory(), timeout: reviewTimeout, log: log, now: now,
	}, nil
}

// Protect answers GET Path by h, to those who may.
func (g *Guard) Protect(h http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Path, func(w http.ResponseWriter, r *http.Request) {
		status, err := g.judge(r)
		switch {
		case status == http.StatusOK:
			h.ServeHTTP(w, r)
			return
		case status == http.StatusUnauthorized:
			w.Header().Set("WWW-Authenticate", "Bearer") // RFC 9110 §11.6.1
		case err != nil:
			g.complain(r.Context(), err)
		}
		http.Error(w, http.StatusText(status), status)
	})
	return mux
}

func (g *Guard) complain(ctx context.Context, err error) {
	now, last := g.now().UnixNano(), g.complained.Load()
	if now-last >= int64(complaintInterval) && g.complained.CompareAndSwap(last, now) {
		g.log.WarnContext(ctx, "the API server does not say who may read metrics", "error", err.Error())
	}
}

// judge returns the status that the caller gets, and what kept the API server from judging.
func (g *Guard) judge(r *http.Request) (status int, err error) {
	// A review with this permission would be for the verb head (RFC 9110 §9.3.2), which nobody is given.
	if r.Method != http.MethodGet {
		return http.StatusMethodNotAllowed, nil
	}
	token := bearer(r.Header)
	if token == "" {
		return http.StatusUnauthorized, nil
	}
	if g.allowed.has(token, g.now()) {
		return http.StatusOK, nil
	}
	ctx, cancel := context.WithTimeout(r.Context(), g.timeout)
	defer cancel()
	review, err := g.tokens.Create(ctx, &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token}}, metav1.CreateOptions{})
	if err != nil {
		return http.StatusServiceUnavailable, fmt.Errorf("ask who it is: %w", err)
	}
	if !review.Status.Authenticated {
		return http.StatusUnauthorized, nil
	}
	answer, err := g.access.Create(ctx, accessReview(review.Status.User), metav1.CreateOptions{})
	if err != nil {
		return http.StatusServiceUnavailable, fmt.Errorf("ask what %s may: %w", review.Status.User.Username, err)
	}
	// Denied is said by an authorizer whose word is final.
	if !answer.Status.Allowed || answer.Status.Denied {
		return http.StatusForbidden, nil
	}
	g.allowed.add(token, g.now())
	return http.StatusOK, nil
}

// bearer returns the token of RFC 6750 §2.1; a request with two headers has none.
func bearer(h http.Header) string {
	values := h.Values("Authorization")
	if len(values) != 1 {
		return ""
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// accessReview asks whether somebody may get Path.
func accessReview(who authenticationv1.UserInfo) *authorizationv1.SubjectAccessReview {
	extra := map[string]authorizationv1.ExtraValue{}
	for name, values := range who.Extra {
		extra[name] = authorizationv1.ExtraValue(values)
	}
	return &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: who.Username, UID: who.UID, Groups: who.Groups, Extra: extra,
		NonResourceAttributes: &authorizationv1.NonResourceAttributes{Path: Path, Verb: "get"},
	}}
}
