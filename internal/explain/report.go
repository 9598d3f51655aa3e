package explain

import (
	"time"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

// Verdict is what a token server would answer.
type Verdict string

// The verdicts.
const (
	// Accepted means that nothing of what was looked at stands against an access token.
	Accepted Verdict = "Accepted"
	// Refused means that there would be no access token.
	Refused Verdict = "Refused"
)

// State is what became of a check.
type State string

// The states.
const (
	// Passed is a check that says yes.
	Passed State = "Passed"
	// Failed is a check for which a token server would refuse.
	Failed State = "Failed"
	// Skipped is a check that says nothing, for another one that it rests on has failed.
	Skipped State = "Skipped"
	// NotLookedAt is a check that only a token server can make; Detail says why.
	NotLookedAt State = "NotLookedAt"
)

// Report is what there is to say about an assertion. All its text is printable: what comes from an assertion is escaped and
// cut. It never holds the signature.
type Report struct {
	Verdict Verdict `json:"verdict"`
	// Grant is the grant_type that it is judged for, that of the JWT bearer grant. What another grant would say is not looked at,
	// and Notes say so where the assertion or the client may be for another one.
	Grant string   `json:"grant"`
	Notes []string `json:"notes,omitempty"`
	// Reason is why a token server would refuse, as in its audit log, and Error the code that the caller would see.
	Reason oauth.Reason `json:"reason,omitempty"`
	Error  oauth.Code   `json:"error,omitempty"`
	// At is the time by which it was judged.
	At time.Time `json:"at"`
	// Client is the namespace/name of the client that was judged, or empty where none was named.
	Client string `json:"client,omitempty"`
	// Provider is the namespace/name of the provider that judged, or empty where none makes the issuer trusted.
	Provider string `json:"provider,omitempty"`
	// Header and Claims are what the assertion says, in its order; empty where it cannot be read.
	Header []Said `json:"header,omitempty"`
	Claims []Said `json:"claims,omitempty"`
	// Checks are in the order in which a token server makes them.
	Checks []Check `json:"checks"`
	// Granted is what the client would get, or nil when nothing.
	Granted *Granted `json:"granted,omitempty"`
	// Clients are those that may present assertions of the provider, where none was named; at most 20 of them. MoreClients says
	// that there may be others.
	Clients     []string `json:"clients,omitempty"`
	MoreClients bool     `json:"moreClients,omitempty"`
}

// Said is something that an assertion says.
type Said struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Check is one check and what became of it.
type Check struct {
	// ID names the check; it stays the same.
	ID string `json:"id"`
	// Title says what is checked, in a few words.
	Title string `json:"title"`
	State State  `json:"state"`
	// Seen and Wanted are what was found and what would be accepted; either may be empty.
	Seen   string `json:"seen,omitempty"`
	Wanted string `json:"wanted,omitempty"`
	// Reason is set for a check that has failed.
	Reason oauth.Reason `json:"reason,omitempty"`
	// Meaning says in a sentence what a check has failed for, and Cause where that usually comes from.
	Meaning string `json:"meaning,omitempty"`
	Cause   string `json:"cause,omitempty"`
	// Detail says more about this one.
	Detail string `json:"detail,omitempty"`
	// Fix is what to do about a check that has failed: sentences, commands and YAML, on several lines.
	Fix string `json:"fix,omitempty"`
}

// Granted is what an access token would hold.
type Granted struct {
	Subject  string   `json:"subject"`
	Audience []string `json:"audience"`
	Scope    string   `json:"scope,omitempty"`
	// ExpiresIn is the lifetime of the access token in seconds.
	ExpiresIn int64 `json:"expiresIn"`
	// Claims are those that the provider's claim mappings make.
	Claims []Said `json:"claims,omitempty"`
	// RefreshToken says that a refresh token would come with it.
	RefreshToken bool `json:"refreshToken,omitempty"`
}

// Failures are the checks that have failed.
func (r *Report) Failures() []Check { return failures(r.Checks) }

func failures(checks []Check) []Check {
	var failed []Check
	for _, c := range checks {
		if c.State == Failed {
			failed = append(failed, c)
		}
	}
	return failed
}
