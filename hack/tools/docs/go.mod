// What renders the documentation as a site.
module github.com/grantor-dev/grantor/hack/tools/docs

go 1.26.0

require github.com/yuin/goldmark v1.8.7
