package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"k8s.io/client-go/rest"

	"github.com/grantor-dev/grantor/test/bench/measure"
)

// request is a sort of request that the API server answers.
type request struct{ verb, group, resource, subresource string }

func (r request) String() string {
	name := r.resource
	if r.group != "" {
		name += "." + r.group
	}
	if r.subresource != "" {
		name += "/" + r.subresource
	}
	return r.verb + " " + name
}

// requests are how many of each sort were answered.
type requests map[request]int

// aside reports whether a request is none that a quiet installation must not make: Leases are renewed all the time, an
// election reports itself by an event of the core group, and the tokens are those that a started process is given here.
func (r request) aside() bool {
	return r.resource == "leases" || r.resource == "events" && r.group == "" || r.resource == "serviceaccounts" && r.subresource == "token"
}

func (r request) isWrite() bool {
	switch r.verb {
	case "POST", "PUT", "PATCH", "APPLY", "DELETE", "DELETECOLLECTION":
		return true
	}
	return false
}

// writes counts the requests that changed something, other than those that do not count.
func (r requests) writes() (sum int) {
	for sort, n := range r {
		if sort.isWrite() && !sort.aside() {
			sum += n
		}
	}
	return sum
}

// of counts the requests of a verb for a resource of a group.
func (r requests) of(verb, resource string) (sum int) {
	for sort, n := range r {
		if sort.verb == verb && sort.resource == resource {
			sum += n
		}
	}
	return sum
}

// since returns what came on top.
func (r requests) since(before requests) requests {
	delta := requests{}
	for sort, n := range r {
		if n -= before[sort]; n > 0 {
			delta[sort] = n
		}
	}
	return delta
}

// list names the sorts, the most frequent first.
func (r requests) list() string {
	sorts := slices.SortedFunc(maps.Keys(r), func(a, b request) int {
		return cmp.Or(cmp.Compare(r[b], r[a]), strings.Compare(a.String(), b.String()))
	})
	lines := make([]string, len(sorts))
	for i, sort := range sorts {
		lines[i] = fmt.Sprintf("%d %s", r[sort], sort)
	}
	return cmp.Or(strings.Join(lines, ", "), "none")
}

// apiServer reads what an API server counts.
type apiServer struct {
	url    string
	client *http.Client
}

func newAPIServer(config *rest.Config) (*apiServer, error) {
	c, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("make HTTP client: %w", err)
	}
	return &apiServer{config.Host, c}, nil
}

// requests counts the requests for resources that were answered so far; a watch counts when it ends.
func (a *apiServer) requests(ctx context.Context) (requests, error) {
	found, err := measure.Scrape(ctx, a.client, a.url+"/metrics", "apiserver_request_total")
	if err != nil {
		return nil, err
	}
	all := requests{}
	for _, s := range found {
		if l := s.Labels; l["resource"] != "" {
			all[request{l["verb"], l["group"], l["resource"], l["subresource"]}] += int(s.Value)
		}
	}
	return all, nil
}

// stored is the size of the database of etcd.
func (a *apiServer) stored(ctx context.Context) (uint64, error) {
	found, err := measure.Scrape(ctx, a.client, a.url+"/metrics", "apiserver_storage_size_bytes")
	if err != nil {
		return 0, err
	}
	return uint64(found.Sum("apiserver_storage_size_bytes")), nil
}
