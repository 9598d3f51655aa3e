package policy

import (
	"strings"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// maxSubjectBytes bounds the sub of access tokens.
const maxSubjectBytes = 1024

// mapSubject puts the provider's prefix before the subject of an assertion. Under the default prefix, subjects of two
// providers can never be equal: names of objects hold no colon. A provider with another prefix answers for its subjects
// meaning what they mean elsewhere, but it cannot speak for a provider that has the default.
//
// RFC 9068 §5: what a client's own tokens have as sub is for its client id alone.
func mapSubject(c *trust.Client, p *trust.Provider, subject string) (string, error) {
	mapped := p.SubjectPrefix + subject
	switch {
	case len(mapped) > maxSubjectBytes:
		return "", oauth.Refuse(oauth.ReasonSubjectTooLong, nil)
	case mapped == c.ID, p.SubjectPrefix != p.DefaultSubjectPrefix() && isDefaultForm(mapped):
		return "", oauth.Refuse(oauth.ReasonSubjectReserved, nil)
	}
	return mapped, nil
}

// isDefaultForm reports whether a subject begins with what could be the default prefix of some provider: two names of
// Kubernetes objects, with a slash between them and a colon behind.
func isDefaultForm(subject string) bool {
	prefix, _, colon := strings.Cut(subject, ":")
	namespace, name, slash := strings.Cut(prefix, "/")
	return colon && slash && isName(namespace, "-") && isName(name, "-.")
}

func isName(s, inside string) bool {
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' {
			continue
		}
		if i == 0 || i == len(s)-1 || strings.IndexByte(inside, c) < 0 {
			return false
		}
	}
	return s != ""
}
