package index

// casesNotShown are the cases without a test, with the reason.
var casesNotShown = map[string]string{
	"O-09": "there is no revocation of all tokens of a provider or a client but deleting it",
}

// sameAs are faults that are hostile cases, too.
var sameAs = map[string]string{"F18": "M-12", "F24": "R-01", "F33": "K-08"}

// faultsNotShown are the faults without a test, with the reason. docs/operations.md tells them too.
var faultsNotShown = map[string]string{}
