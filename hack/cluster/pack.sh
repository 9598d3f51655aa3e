#!/usr/bin/env bash
# Usage: pack.sh NAME BINARY ARCHIVE [FILE...]. Packs a binary as an image of one layer, in an OCI archive that carries the
# name of the image. What a binary that is not static needs are files, which come to where they are here. The same files give
# the same archive.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

[[ $# -ge 3 ]] || die "usage: $0 NAME BINARY ARCHIVE [FILE...]"
readonly image=$1 binary=$2 archive=$3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
readonly blobs=$scratch/image/blobs/sha256
mkdir -p "$scratch/root" "$blobs"

# packed FOLDER NAME: a tar that depends on nothing but the content.
packed() {
	tar --create --sort=name --format=ustar --mtime=@0 --owner=0 --group=0 --numeric-owner --directory "$1" "$2"
}

# blob: stores standard input by its digest, and prints the digest.
blob() {
	local digest
	cat >"$scratch/blob"
	digest=$(sha256sum <"$scratch/blob" | cut -d ' ' -f 1)
	mv "$scratch/blob" "$blobs/$digest"
	printf '%s' "$digest"
}

# described TYPE DIGEST: prints the descriptor of a blob, without the closing brace.
described() {
	printf '{"mediaType":"application/vnd.oci.image.%s","digest":"sha256:%s","size":%d' "$1" "$2" "$(stat -c %s "$blobs/$2")"
}

name=$(basename "$binary")
install -m 0755 "$binary" "$scratch/root/$name"
for file in "${@:4}"; do
	install -D -m 0755 "$file" "$scratch/root/$file"
done
chmod 0755 "$scratch/root"
layer=$(packed "$scratch/root" . | blob)
config=$(printf '{"architecture":"%s","os":"linux","config":{"Entrypoint":["/%s"]},%s"sha256:%s"]}}' \
	"$(go env GOHOSTARCH)" "$name" '"rootfs":{"type":"layers","diff_ids":[' "$layer" | blob)
readonly head='{"schemaVersion":2,"mediaType":"application/vnd.oci.image'
manifest=$(printf '%s.manifest.v1+json","config":%s},"layers":[%s}]}' "$head" \
	"$(described config.v1+json "$config")" "$(described layer.v1.tar "$layer")" | blob)
printf '%s.index.v1+json","manifests":[%s,"annotations":{"io.containerd.image.name":"%s"}}]}' "$head" \
	"$(described manifest.v1+json "$manifest")" "$image" >"$scratch/image/index.json"
printf '{"imageLayoutVersion":"1.0.0"}' >"$scratch/image/oci-layout"
packed "$scratch/image" . >"$archive"
