package cel

import (
	"testing"
	"time"
)

// durationField is a field that holds a duration, with its bounds.
type durationField struct {
	kind, at string
	from, to time.Duration
	says     string
}

func durationFields() []durationField {
	fields := []durationField{
		{provider, "spec.clockSkew", 0, 5 * time.Minute, "must be a duration from 0s to 5m with the units h, m, s and ms, for example 30s"},
		{provider, "spec.maxAge", time.Second, 8760 * time.Hour, "must be a duration from 1s to 8760h with the units h, m, s and ms, for example 10m"},
		{provider, "spec.maxLifetime", time.Second, 8760 * time.Hour, "must be a duration from 1s to 8760h with the units h, m, s and ms, for example 1h"},
		{oauthClient, "spec.accessToken.lifetime", time.Minute, 24 * time.Hour, "must be a duration from 1m to 24h with the units h, m, s and ms, for example 15m"},
		{oauthClient, "spec.refreshToken.lifetime", time.Minute, 8760 * time.Hour, "must be a duration from 1m to 8760h with the units h, m, s and ms, for example 720h"},
		{oauthClient, clientSecret + ".rotationInterval", time.Minute, 8760 * time.Hour, "must be a duration from 1m to 8760h with the units h, m, s and ms, for example 720h"},
	}
	for at, kind := range map[string]string{
		"spec.jwksURI": provider, "spec.discovery": provider, "spec.clusterIssuer": provider, privateKeyJWT + ".jwksURI": oauthClient,
	} {
		fields = append(
			fields,
			durationField{kind, at + ".refreshInterval", 10 * time.Second, 24 * time.Hour, "must be a duration from 10s to 24h with the units h, m, s and ms, for example 10m"},
			durationField{kind, at + ".maxStale", 0, 720 * time.Hour, "must be a duration from 0s to 720h with the units h, m, s and ms, for example 24h"},
		)
	}
	return fields
}

func durationRows() (rows []wrong) {
	for _, f := range durationFields() {
		for _, value := range []any{
			(f.to + time.Millisecond).String(), "8761h", "876000h", "99999999999999h", // Huge,
			"-1s", "-0s", "+1m", "-8760h", // signed,
			"0", "30", "3e2s", "0x1m", "1m.", ".5m", "1,5m", "1.m", // without a unit, or not decimal,
			"1d", "1w", "1y", "1M", "60S", "1ns", "60000000us", "60000000µs", "PT1M", // of another unit,
			"1 m", " 1m", "1m ", "1m\n", "1m 30s", "１m", // with blanks or other digits,
			"forever", "Infinity", "NaN", "null", "1h; DROP TABLE x", // not a duration at all.
		} {
			rows = append(rows, wrong{f.kind, f.at, value, f.says, ""})
		}
		rows = append(
			rows,
			wrong{f.kind, f.at, "", f.says, ""},
			wrong{f.kind, f.at, int64(60), asString, ""},
			wrong{f.kind, f.at, 1.5, asString, ""},
			wrong{f.kind, f.at, "1m1m1m1m1m1m1m1m1m", tooLong + "16", ""},
		)
		if f.from > 0 {
			rows = append(
				rows,
				wrong{f.kind, f.at, "0s", f.says, ""},
				wrong{f.kind, f.at, (f.from - time.Millisecond).String(), f.says, ""},
			)
		}
	}
	return rows
}

// TestDurations accepts what is within the bounds, and nothing that the program would read otherwise.
func TestDurations(t *testing.T) {
	for _, f := range durationFields() {
		for _, value := range []string{
			f.from.String(), f.to.String(), "1m", "60s", "60000ms", "1m30s", "90.5s", "1.5m", "01m", "0h2m", "1m0.5s500ms",
			"119.999999999s", "1.000000000001m",
		} {
			t.Run(f.at+"="+value, func(t *testing.T) {
				complaints, _ := judge(t.Context(), t, with(t, f.kind, f.at, value))
				if len(complaints) > 0 {
					t.Errorf("refused: %v", complaints)
				}
				if got, err := time.ParseDuration(value); err != nil || got < f.from || got > f.to {
					t.Errorf("accepted, but the program reads %s: %v", got, err)
				}
			})
		}
	}
}
