package refresh

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/grantor-dev/grantor/tokenserver/claimrules"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// content is what is sealed, with short names because a token is sent often. What is added to it must not change how an
// older server judges a token: such a server refuses a member that it does not know, and the tokens of both go on under
// another prefix.
type content struct {
	Family       string         `json:"f"`
	Number       uint32         `json:"n"`
	Issued       int64          `json:"i"`
	Origin       string         `json:"g"`
	ClientUID    string         `json:"cu"`
	ClientID     string         `json:"ci"`
	Vouchers     []voucherText  `json:"v"`
	Subject      string         `json:"s"`
	Actor        string         `json:"ac,omitempty"`
	Claims       []claimContent `json:"c,omitempty"`
	Scopes       []string       `json:"sc,omitempty"`
	Audience     []string       `json:"a"`
	Start        int64          `json:"st"`
	End          int64          `json:"e"`
	AssertionEnd int64          `json:"ae"`
}

type voucherText struct {
	Namespace string `json:"ns"`
	Name      string `json:"n"`
	UID       string `json:"u"`
	Issuer    string `json:"i"`
	Key       string `json:"k"`
	RulesID   string `json:"r"`
}

type claimContent struct {
	Name  string         `json:"n"`
	Value jsontext.Value `json:"v"`
}

func (t Token) marshal() ([]byte, error) {
	g := t.grant
	c := content{
		Family: t.family.String(), Number: t.number, Issued: t.issued.Unix(), Origin: g.Origin,
		ClientUID: g.ClientUID, ClientID: g.ClientID, Subject: g.Subject, Actor: g.Actor, Scopes: g.Scopes, Audience: g.Audience,
		Start: g.Start.Unix(), End: g.End.Unix(), AssertionEnd: g.AssertionEnd.Unix(),
	}
	for _, v := range g.Vouchers {
		c.Vouchers = append(c.Vouchers, voucherText{v.Provider.Namespace, v.Provider.Name, v.UID, v.Issuer, v.Key, v.RulesID})
	}
	for _, m := range g.Claims {
		c.Claims = append(c.Claims, claimContent{m.Name, m.Value})
	}
	b, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("marshal refresh token: %w", err)
	}
	return b, nil
}

// errContent is about what another version of the server has sealed.
var errContent = errors.New("the content of the refresh token is not of the expected form")

func unmarshal(b []byte) (Token, error) {
	var c content
	if err := json.Unmarshal(b, &c, json.RejectUnknownMembers(true)); err != nil {
		return Token{}, errContent // The error may quote the content.
	}
	family, ok := parseFamily(c.Family)
	// The last number has no next one.
	if !ok || c.Number == math.MaxUint32 || len(c.Vouchers) == 0 || len(c.Audience) == 0 {
		return Token{}, errContent
	}
	t := Token{family: family, number: c.Number, issued: time.Unix(c.Issued, 0), grant: Grant{
		Origin: c.Origin, ClientUID: c.ClientUID, ClientID: c.ClientID, Subject: c.Subject, Actor: c.Actor, Scopes: c.Scopes, Audience: c.Audience,
		Start: time.Unix(c.Start, 0), End: time.Unix(c.End, 0), AssertionEnd: time.Unix(c.AssertionEnd, 0),
	}}
	for _, v := range c.Vouchers {
		t.grant.Vouchers = append(t.grant.Vouchers, Voucher{
			Provider: trust.ObjectKey{Namespace: v.Namespace, Name: v.Name}, UID: v.UID, Issuer: v.Issuer, Key: v.Key, RulesID: v.RulesID,
		})
	}
	for _, m := range c.Claims {
		if len(m.Value) == 0 {
			return Token{}, errContent
		}
		t.grant.Claims = append(t.grant.Claims, claimrules.Claim{Name: m.Name, Value: m.Value})
	}
	return t, nil
}
