package reasons

import (
	"slices"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

// Entry is what there is to say about one reason.
type Entry struct {
	Reason oauth.Reason
	// Meaning says what was found, in one sentence.
	Meaning string
	// Cause says where that usually comes from.
	Cause string
	// Fix says what to do, and who.
	Fix string
}

// Wire is what a caller gets to read of it at the token endpoint, where the reason is that of a grant.
func (e Entry) Wire() (oauth.Code, string) {
	err := oauth.AsError(oauth.Refuse(e.Reason, nil))
	return err.Code, err.Description
}

// Group is reasons that are about one thing, in the order in which they are found.
type Group struct {
	Title, About string
	Entries      []Entry
}

// Groups are all reasons, each in one of them.
func Groups() []Group {
	return []Group{ofRequests(), ofClients(), ofForms(), ofTrust(), ofClaims(), ofUses(), ofGrants(), ofRefreshTokens(), ofAccessTokens(), ofServers()}
}

// For returns what there is to say about a reason.
func For(r oauth.Reason) (Entry, bool) {
	for _, g := range Groups() {
		if i := slices.IndexFunc(g.Entries, func(e Entry) bool { return e.Reason == r }); i >= 0 {
			return g.Entries[i], true
		}
	}
	return Entry{}, false
}
