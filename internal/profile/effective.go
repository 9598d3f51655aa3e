package profile

import (
	"strings"
	"time"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// noType stands for an absent typ header in status.effective.
const noType = "none"

// Effective is the policy as status shows it.
func (p Policy) Effective() *v1alpha1.EffectivePolicy {
	e := &v1alpha1.EffectivePolicy{
		Profile:           p.Profile,
		SubjectForm:       p.SubjectForm,
		SubjectPrefix:     &p.SubjectPrefix,
		ClientIDClaim:     v1alpha1.ClientIDClaimIgnored,
		AudiencePolicy:    p.AudiencePolicy,
		CertificateExpiry: p.CertificateExpiry,
		ClockSkew:         format(p.ClockSkew),
		MaxLifetime:       format(p.MaxLifetime),
		Replay:            p.Replay,
	}
	for _, t := range p.Types {
		if t == "" {
			t = noType
		}
		e.Types = append(e.Types, t)
	}
	if p.ClientIDClaim {
		e.ClientIDClaim = v1alpha1.ClientIDClaimRequired
	}
	if p.MaxAge > 0 {
		e.MaxAge = format(p.MaxAge)
	}
	return e
}

// format writes a duration as people do: 24h and not 24h0m0s.
func format(d time.Duration) v1alpha1.Duration {
	text := d.Round(time.Millisecond).String() // As exact as the schema's length allows.
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return v1alpha1.Duration(text)
}
