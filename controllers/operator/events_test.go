package operator

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// said are conditions, each as "Type Reason" when True and "Type !Reason" when not, with a message after a colon.
func said(conditions ...string) (list []metav1.Condition) {
	for _, text := range conditions {
		text, message, _ := strings.Cut(text, ": ")
		typ, reason, _ := strings.Cut(text, " ")
		status := metav1.ConditionTrue
		if strings.HasPrefix(reason, "!") {
			status = metav1.ConditionFalse
		}
		list = append(list, metav1.Condition{Type: typ, Status: status, Reason: strings.TrimPrefix(reason, "!"), Message: message})
	}
	return list
}

func TestEventsAreTransitions(t *testing.T) {
	const month, week = "KeysReady CertificateExpiresSoon: 30 days", "KeysReady CertificateExpiresSoon: 7 days"
	for name, tc := range map[string]struct{ before, after, want []string }{
		"first visit, ready":           {nil, []string{"Ready Ready"}, nil},
		"first visit, pending":         {nil, []string{"Ready !Pending"}, nil},
		"loaded":                       {[]string{"Ready !Pending"}, []string{"Ready Ready"}, nil},
		"mended":                       {[]string{"Ready !SecretNotFound"}, []string{"Ready !Pending"}, []string{"Normal Pending"}},
		"mended and loaded":            {[]string{"Ready !SecretNotFound"}, []string{"Ready Ready"}, []string{"Normal Ready"}},
		"token servers are back":       {[]string{"Ready !NoTokenServers"}, []string{"Ready Ready"}, []string{"Normal Ready"}},
		"being loaded again":           {[]string{"Ready Ready"}, []string{"Ready !Pending"}, nil},
		"nothing new":                  {[]string{"Ready Ready: a"}, []string{"Ready Ready: b"}, nil},
		"broken":                       {[]string{"Ready Ready"}, []string{"Ready !SecretNotFound"}, []string{"Warning SecretNotFound"}},
		"broken otherwise":             {[]string{"Ready !SecretNotFound"}, []string{"Ready !WeakKey"}, []string{"Warning WeakKey"}},
		"no token servers":             {[]string{"Ready !Pending"}, []string{"Ready !NoTokenServers"}, []string{"Warning NoTokenServers"}},
		"switched off":                 {[]string{"Ready Ready"}, []string{"Ready !GrantDisabled"}, []string{"Normal GrantDisabled"}},
		"a month before the end":       {[]string{"Ready Ready", "KeysReady KeysReady"}, []string{"Ready Ready", month}, []string{"Warning CertificateExpiresSoon"}},
		"the same month":               {[]string{"Ready Ready", month}, []string{"Ready Ready", month}, nil},
		"a week before the end":        {[]string{"Ready Ready", month}, []string{"Ready Ready", week}, []string{"Warning CertificateExpiresSoon"}},
		"of a client":                  {[]string{"Ready Ready"}, []string{"Ready Ready", "CredentialsReady CertificateExpiresSoon: x"}, []string{"Warning CertificateExpiresSoon"}},
		"fetching fails":               {[]string{"Ready Ready", "KeysReady KeysReady"}, []string{"Ready Ready", "KeysReady FetchFailing: a"}, []string{"Warning FetchFailing"}},
		"fetching fails otherwise":     {[]string{"Ready Ready", "KeysReady FetchFailing: a"}, []string{"Ready Ready", "KeysReady FetchFailing: b"}, nil},
		"some skipped":                 {[]string{"Ready Ready", "KeysReady KeysReady"}, []string{"Ready Ready", "KeysReady SomeKeysSkipped"}, nil},
		"what is False is in Ready":    {[]string{"Ready Ready"}, []string{"Ready !FetchFailed", "KeysReady !FetchFailed"}, []string{"Warning FetchFailed"}},
		"pending beside an expiry":     {[]string{"Ready Ready"}, []string{"Ready !Pending", month}, []string{"Warning CertificateExpiresSoon"}},
		"ready and expiring, at first": {nil, []string{"Ready Ready", week}, []string{"Warning CertificateExpiresSoon"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			statusWriter{w.client, w.recorder, nil}.report(statusChange{object: provider(), kind: kindProvider, before: said(tc.before...), after: said(tc.after...)})
			if diff := cmp.Diff(tc.want, w.eventReasons()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A new provider becomes Ready without an event, whatever comes in between.
func TestPendingIsSilent(t *testing.T) {
	w := newWorld(t, provider(inline(jwk("a"))))
	w.servers.set(upTo(1), upTo(1))
	w.provider("partner")
	w.now = w.now.Add(loadingPatience)
	w.provider("partner")
	if got := w.events(); got != nil {
		t.Errorf("events %q", got)
	}
	w.servers.set(everything(), everything())
	p, _ := w.provider("partner")
	if got := w.events(); got != nil || p.Status.Conditions[4].Reason != v1alpha1.ReasonReady {
		t.Errorf("events %q, conditions %+v", got, p.Status.Conditions)
	}
}
