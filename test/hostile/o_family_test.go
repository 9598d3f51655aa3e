package hostile

import "testing"

// familyRows: what becomes of refresh tokens where they are asked about or ended. The client rt gets them.
func familyRows() []row {
	return []row{
		{id: "N-07", name: "int-refresh-token", run: refreshTokenIsNoAccessToken},
		{id: "O-02", name: "rev-rt", run: func(t *testing.T, w *world) { revokedFamily(t, w, w, w) }},
		{id: "O-05", name: "rev-rt-other-client", run: familyOfAnother},
		{id: "O-x04", name: "rev-at-of-a-family", run: accessTokenOfFamily},
	}
}

// refreshTokenIsNoAccessToken, whatever the hint says, before and after its use.
func refreshTokenIsNoAccessToken(t *testing.T, w *world) {
	token, _ := w.family(t, "rt")
	next, _ := w.granted(t, renewal("rt", token))
	for _, token := range []string{token, next} {
		for _, hint := range []string{"refresh_token", "access_token", ""} {
			for _, id := range []string{"rt", "api"} {
				r := introspection(id, token)
				r.add("token_type_hint", hint)
				w.send(t, r).check(t, w, notActive)
			}
		}
	}
	w.granted(t, renewal("rt", next))
}

// revokedFamily: a family begins at one replica, goes on at a second, and is ended at a third: none of its tokens works
// anywhere any more, whichever of its refresh tokens was sent; another family goes on.
func revokedFamily(t *testing.T, first, second, third *world) {
	for which := range 3 {
		other, otherAccess := first.family(t, "rt")
		refresh1, access1 := first.family(t, "rt")
		refresh2, access2 := second.granted(t, renewal("rt", refresh1))
		refresh3, access3 := third.granted(t, renewal("rt", refresh2))
		third.revoke(t, "rt", []string{refresh3, refresh2, refresh1}[which], done)
		for _, w := range []*world{first, second, third} {
			for _, access := range []string{access1, access2, access3} {
				w.ask(t, "rt", access, notActive)
			}
			w.send(t, renewal("rt", refresh3)).check(t, w, invalidGrant)
			w.ask(t, "rt", otherAccess, isActive)
			w.revoke(t, "rt", refresh3, done)
		}
		second.granted(t, renewal("rt", other))
	}
}

// familyOfAnother: another client neither ends a family nor uses up its token.
func familyOfAnother(t *testing.T, w *world) {
	token, access := w.family(t, "rt")
	for _, id := range []string{"rt-other", "api", "c1"} {
		w.revoke(t, id, token, unauthorizedClient)
	}
	w.ask(t, "rt", access, isActive)
	w.granted(t, renewal("rt", token))
}

// accessTokenOfFamily ends alone.
func accessTokenOfFamily(t *testing.T, w *world) {
	token, first := w.family(t, "rt")
	token, second := w.granted(t, renewal("rt", token))
	w.revoke(t, "rt", first, done)
	w.ask(t, "rt", first, notActive)
	w.ask(t, "rt", second, isActive)
	w.granted(t, renewal("rt", token))
}
