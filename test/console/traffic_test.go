package console

import (
	"context"
	"crypto/elliptic"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

// exchange presents an assertion of team-a's workloads, changed, and waits for the answer.
func exchange(ctx context.Context, clientID string, change func(jwttest.Object) jwttest.Object) error {
	now := time.Now().Unix()
	claims := jwttest.Object{}.Add("iss", `"https://workloads.team-a.test"`).Add("sub", `"alice"`).Add("aud", jwttest.Quote(grantor.Issuer)).
		Add("iat", fmt.Sprint(now)).Add("exp", fmt.Sprint(now+60)).Add("jti", jwttest.Quote(fmt.Sprint(time.Now().UnixNano())))
	form := url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "client_id": {clientID},
		"assertion": {jwttest.Compact("ES256", jwttest.EC("team-a", elliptic.P256()), `{"alg":"ES256","kid":"2026-01"}`, change(claims).String())},
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, grantor.URLs[0]+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("exchange: %w", err)
	}
	return res.Body.Close()
}

// drive exchanges assertions, some of which are refused, until the context ends.
func drive(ctx context.Context) {
	same := func(o jwttest.Object) jwttest.Object { return o }
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		var err error
		switch {
		case i%11 == 3:
			err = exchange(ctx, "team-a.app", func(o jwttest.Object) jwttest.Object { return o.Set("aud", `"https://elsewhere.test"`) })
		case i%17 == 5:
			err = exchange(ctx, "team-a.app", func(o jwttest.Object) jwttest.Object { return o.Set("exp", "1700000000").Set("iat", "1699999940") })
		case i%23 == 7:
			err = exchange(ctx, "team-a.nobody", same)
		case i%29 == 9:
			err = exchange(ctx, "team-a.app", func(o jwttest.Object) jwttest.Object { return o.Set("iss", `"https://unknown.test"`) })
		default:
			err = exchange(ctx, "team-a.app", same)
		}
		if err != nil && ctx.Err() == nil {
			panic(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
