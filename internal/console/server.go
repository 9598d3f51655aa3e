package console

import (
	"bytes"
	"embed"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	g "maragu.dev/gomponents"

	"github.com/grantor-dev/grantor/internal/console/catalog"
	"github.com/grantor-dev/grantor/internal/console/traffic"
)

//go:embed assets
var assetFiles embed.FS

// Options are what a Console needs.
type Options struct {
	// Catalog is where the objects are.
	Catalog *catalog.Catalog
	// Traffic is what token servers count.
	Traffic *traffic.Collector
	// Hosts are the names that the console answers to.
	Hosts   []string
	Version string
	// Issuer is that of the token servers, and DisabledGrants the grant_type values that they refuse to everybody: assertions
	// are explained by them. Issuer may be empty.
	Issuer         string
	DisabledGrants []string
	Clock          func() time.Time
	Log            *slog.Logger
}

// Console serves the pages.
type Console struct {
	options Options
	// explaining has a place for each assertion that is judged at a time, making one for each page over all objects.
	explaining, making chan struct{}
}

// making is how many pages over all objects are made at a time. Each takes memory by the number of objects, so that who asks for
// many at once could otherwise end the process.
const making = 4

// New returns a console.
func New(o Options) *Console {
	return &Console{options: o, explaining: make(chan struct{}, explaining), making: make(chan struct{}, making)}
}

// Handler answers for every page and asset.
func (c *Console) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, show := range map[string]func(*http.Request) (view, error){
		"GET /{$}":                          c.few(c.overview),
		"GET /providers":                    c.few(c.list(catalog.Providers)),
		"GET /providers/{namespace}/{name}": c.provider,
		"GET /clients":                      c.few(c.list(catalog.Clients)),
		"GET /clients/{namespace}/{name}":   c.client,
		"GET /keys":                         c.few(c.keys),
		"GET /live":                         c.live,
		"GET /explain":                      c.explainForm,
		"POST /explain":                     c.explain,
	} {
		mux.HandleFunc(pattern, c.page(show))
	}
	mux.HandleFunc("GET /assets/{file}", asset)
	mux.HandleFunc("/", c.page(func(*http.Request) (view, error) { return view{}, catalog.ErrNotFound }))
	return guard(c.options.Hosts, mux)
}

// asset answers with an embedded file. They are part of the program, so a new version may change them: they are asked for
// again each time, which is cheap where one looks at them.
func asset(w http.ResponseWriter, r *http.Request) {
	http.ServeFileFS(w, r, assetFiles, "assets/"+r.PathValue("file")) //nolint:gosec // There is nothing else below what is embedded.
}

// view is what a page is made of.
type view struct {
	// Title is what is in the title bar.
	Title string
	// Outcome is what became of a form, for the title bar: it is read out first.
	Outcome string
	// Section is the entry of the navigation that is current.
	Section string
	// Refresh is in how many seconds the page is asked for again; 0 for never.
	Refresh int
	Status  int
	Content g.Node
}

// page answers with a view, or with a page about what went wrong.
func (c *Console) page(show func(*http.Request) (view, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := show(r)
		if err != nil {
			v = c.problem(r, err)
		}
		body, err := c.render(v)
		if err != nil {
			c.options.Log.ErrorContext(r.Context(), "page not rendered", "route", r.Pattern, "error", err)
			http.Error(w, "this page could not be made: see the log of the console", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if v.Status != 0 {
			w.WriteHeader(v.Status)
		}
		_, _ = w.Write(body) // Whoever hung up misses nothing.
	}
}

// few makes a few pages at a time. It waits for no more than memory and processor, so that everybody's turn comes.
func (c *Console) few(show func(*http.Request) (view, error)) func(*http.Request) (view, error) {
	return func(r *http.Request) (view, error) {
		c.making <- struct{}{}
		defer func() { <-c.making }()
		return show(r)
	}
}

func (c *Console) render(v view) ([]byte, error) {
	f := frame{view: v, Now: c.options.Clock(), Version: c.options.Version, Scope: "all namespaces", Troubles: c.options.Catalog.Troubles()}
	if namespaces := c.options.Catalog.Namespaces(); len(namespaces) > 0 {
		f.Scope = "the namespaces " + strings.Join(namespaces, ", ")
	}
	var b bytes.Buffer
	if err := f.page().Render(&b); err != nil {
		return nil, fmt.Errorf("render page: %w", err)
	}
	return b.Bytes(), nil
}
