package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// The image is that of the Dockerfile; a test compares them.
const (
	program = "/grantor"
	bundle  = "/etc/ssl/certs/ca-certificates.crt"
	user    = "65532:65532"
)

func labels() map[string]string {
	return map[string]string{
		"org.opencontainers.image.title":    "Grantor",
		"org.opencontainers.image.source":   "https://github.com/grantor-dev/grantor",
		"org.opencontainers.image.licenses": "Apache-2.0",
	}
}

// buildIndex makes the index over the images of all platforms.
func buildIndex(r request) (v1.ImageIndex, error) {
	roots, err := rootCertificates()
	if err != nil {
		return nil, err
	}
	// First, because it stays the same from one version to the next, and a node then has it.
	trust, err := layer(bundle, roots, 0o644)
	if err != nil {
		return nil, err
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, b := range r.binaries {
		code, err := layer(program, b.content, 0o755)
		if err != nil {
			return nil, err
		}
		image, err := buildImage(r, b.platform, trust, code)
		if err != nil {
			return nil, fmt.Errorf("image for %s: %w", b.platform.String(), err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        image,
			Descriptor: v1.Descriptor{MediaType: types.OCIManifestSchema1, Platform: &b.platform},
		})
	}
	return index, nil
}

func buildImage(r request, platform v1.Platform, layers ...v1.Layer) (v1.Image, error) {
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err := mutate.AppendLayers(image, layers...)
	if err != nil {
		return nil, fmt.Errorf("append layers: %w", err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = platform.OS, platform.Architecture
	config.Created = v1.Time{Time: r.created}
	config.Config = v1.Config{User: user, Entrypoint: []string{program}, Labels: labels()}
	for i := range config.History {
		config.History[i] = v1.History{Created: config.Created}
	}
	return mutate.ConfigFile(image, config)
}

// layer holds one file, and the folders that lead to it. It depends on nothing but the content.
func layer(name string, content []byte, mode int64) (v1.Layer, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	rel := strings.TrimPrefix(name, "/")
	for i, c := range rel {
		if c == '/' {
			if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: rel[:i+1], Mode: 0o755, Format: tar.FormatUSTAR}); err != nil {
				return nil, fmt.Errorf("write layer: %w", err)
			}
		}
	}
	header := &tar.Header{Typeflag: tar.TypeReg, Name: rel, Mode: mode, Size: int64(len(content)), Format: tar.FormatUSTAR}
	if err := w.WriteHeader(header); err != nil {
		return nil, fmt.Errorf("write layer: %w", err)
	}
	if _, err := w.Write(content); err != nil {
		return nil, fmt.Errorf("write layer: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("write layer: %w", err)
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(out.Bytes())), nil }
	l, err := tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, fmt.Errorf("layer of %s: %w", path.Base(name), err)
	}
	return l, nil
}
