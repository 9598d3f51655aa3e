package main

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/distribution/reference"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// normalize returns the reference as a kubelet asks a container runtime for it: with a registry and a tag.
func normalize(name string) (string, error) {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return "", fmt.Errorf("name %q: %w", name, err)
	}
	if _, ok := named.(reference.Digested); ok {
		return "", fmt.Errorf("name %q: a digest is what comes out, so it cannot be chosen", name)
	}
	return reference.TagNameOnly(named).String(), nil
}

// writeArchive writes the index under a name into a tar file. Both annotations carry the whole name: containerd reads the
// first, others the second.
func writeArchive(file, name string, index v1.ImageIndex) (err error) {
	dir, err := os.MkdirTemp("", "layout")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	top := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex), mutate.IndexAddendum{
		Add: index,
		Descriptor: v1.Descriptor{
			MediaType: types.OCIImageIndex,
			Annotations: map[string]string{
				"io.containerd.image.name":          name,
				"org.opencontainers.image.ref.name": name,
			},
		},
	})
	if _, err := layout.Write(dir, top); err != nil {
		return fmt.Errorf("write image layout: %w", err)
	}
	// Renamed into place whole, so that an archive that exists is complete.
	out, err := os.CreateTemp(filepath.Dir(file), ".archive")
	if err != nil {
		return fmt.Errorf("create archive: %w", err)
	}
	defer func() { _ = os.Remove(out.Name()) }()
	if err := errors.Join(pack(out, dir), out.Chmod(0o644), out.Close()); err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	return os.Rename(out.Name(), file)
}

// pack writes the files of a folder in the order of their names, without anything that is of this machine.
func pack(out io.Writer, dir string) error {
	w := tar.NewWriter(out)
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		header := &tar.Header{
			Typeflag: tar.TypeReg, Name: filepath.ToSlash(rel), Mode: 0o644, Size: int64(len(content)), Format: tar.FormatUSTAR,
		}
		if err := w.WriteHeader(header); err != nil {
			return err
		}
		_, err = w.Write(content)
		return err
	})
	return errors.Join(err, w.Close())
}
