package conformance

import (
	"slices"
	"testing"
)

// Row is a requirement.
type Row struct {
	// RFC is its number, or the name of a draft; Section is the part of it; Name tells rows of one section apart.
	RFC, Section, Name string
	// Says is what it demands, in few words that are not those of the RFC.
	Says string
	// Check shows it on a server.
	Check func(t *testing.T, s *Server)
	// Tests are other tests of the module that show it, each as folder and name.
	Tests []string
	// Not says why it does not apply, and But how the server differs from it on purpose.
	Not, But string
}

// ID names the row, such as 6749-5.1_no-store.
func (r Row) ID() string { return r.RFC + "-" + r.Section + "_" + r.Name }

// Rows returns all rows, by RFC and section.
func Rows() []Row {
	return slices.Concat(
		clientRows(), endpointRows(), ownNameRows(), answerRows(), errorRows(), refreshRows(), revocationRows(), introspectionRows(), exchangeRows(),
		metadataRows(), assertionRows(), jwtBearerRows(), jwtBearerBisRows(), resourceRows(), bestPracticeRows(), accessTokenRows(),
	)
}

// Run checks on a server all rows that have a check, each as a subtest.
func Run(t *testing.T, s *Server) {
	t.Helper()
	for _, r := range Rows() {
		if r.Check != nil {
			t.Run(r.ID(), func(t *testing.T) { r.Check(t, s) })
		}
	}
}
