#!/usr/bin/env bash
# Generates everything that is made from the API types and from the markers beside the code. Output that belongs to this
# script alone is made aside and swapped in whole, so that what is no longer generated disappears.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

controller_gen=$(hack/tool.sh controller-gen)
crd_ref_docs=$(hack/tool.sh crd-ref-docs)

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# swap FROM TO: makes the YAML files of TO those of FROM.
swap() {
	compgen -G "$1/*.yaml" >/dev/null || die "nothing was generated for $2"
	mkdir -p "$2"
	rm -f "$2"/*.yaml
	cp "$1"/*.yaml "$2"
}

# role NAME PACKAGES FOLDER: the role that the RBAC markers of the packages ask for. Packages without code are an error
# here: controller-gen would write an empty role. So is a marker in the comment of a declaration: controller-gen would leave
# it out.
role() {
	local attached
	[[ -n $(go list "$2" 2>/dev/null) ]] || die "no Go package matches $2"
	attached=$(go list -f '{{range .GoFiles}}{{$.Dir}}/{{.}}{{"\n"}}{{end}}' "$2" | xargs awk '
		FNR == 1 { marker = "" }
		/^\/\/ \+kubebuilder:rbac:/ { marker = FILENAME ":" FNR }
		!/^\/\// { if (marker && $0 != "") print marker; marker = "" }
	')
	[[ -z $attached ]] || die "a blank line must part this RBAC marker from the declaration below: $attached"
	say "role $1"
	"$controller_gen" "rbac:roleName=$1" "paths=$2" "output:rbac:artifacts:config=$out/$1"
	swap "$out/$1" "$3"
}

say "deep copies"
"$controller_gen" object paths=./api/...

say "custom resource definitions"
"$controller_gen" crd paths=./api/... "output:crd:artifacts:config=$out/crd"
swap "$out/crd" config/crd/bases
swap "$out/crd" charts/grantor/files/crds

say "API reference"
mkdir -p docs/reference
"$crd_ref_docs" --source-path=api --config=hack/crd-ref-docs.yaml --renderer=markdown --log-level=ERROR \
	--output-path="$out/api.md"
# The ends of lines of a comment are no ends of sentences.
sed -E 's#([^ .:>])<br />([^ <])#\1 \2#g; s#:<br />([a-z])#: \1#g' "$out/api.md" >docs/reference/api.md

say "references that are made from the code"
mkdir "$out/reference"
go run ./hack/reference "$out/reference"
cp "$out/reference"/*.md docs/reference

role grantor-operator ./controllers/operator/... config/rbac/operator
role grantor-tokenserver ./controllers/trustsync/... config/rbac/tokenserver
role grantor-metrics ./internal/scrape/... config/rbac/metrics
role grantor-console ./internal/console/... config/rbac/console

say "roles of the chart"
mkdir "$out/files"
for component in operator tokenserver metrics console; do
	cp "config/rbac/$component/role.yaml" "$out/files/$component-role.yaml"
done
swap "$out/files" charts/grantor/files

say "values in the README of the chart"
"$(hack/tool.sh render-chart)" charts/grantor --values-table >"$out/values.md"
awk -v table="$out/values.md" '
	/^<!-- \/values -->$/ { inside = 0 }
	!inside { print }
	/^<!-- values -->$/ { inside = 1; while ((getline line < table) > 0) print line }
' charts/grantor/README.md >"$out/README.md"
grep -q '^<!-- /values -->$' "$out/README.md" || die "charts/grantor/README.md has no place for the values"
cp "$out/README.md" charts/grantor/README.md
