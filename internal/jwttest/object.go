package jwttest

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// Object is the text of a JSON object, member by member in order. It may be one that no encoder writes.
type Object []Member

// Member is a member of an Object. Both parts are JSON text, the name with its quotes.
type Member struct {
	Name, Value string
}

// Add returns the object with one more member, even when it has one of that name.
func (o Object) Add(name, value string) Object {
	return append(slices.Clone(o), Member{strconv.Quote(name), value})
}

// Set returns the object with the member replaced, or added.
func (o Object) Set(name, value string) Object {
	o = slices.Clone(o)
	for i := range o {
		if o[i].Name == strconv.Quote(name) {
			o[i].Value = value
			return o
		}
	}
	return o.Add(name, value)
}

// Delete returns the object without the member.
func (o Object) Delete(name string) Object {
	return slices.DeleteFunc(slices.Clone(o), func(m Member) bool { return m.Name == strconv.Quote(name) })
}

// String returns the text.
func (o Object) String() string {
	members := make([]string, len(o))
	for i, m := range o {
		members[i] = m.Name + ":" + m.Value
	}
	return "{" + strings.Join(members, ",") + "}"
}

// Quote returns the text of a JSON string.
func Quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}
