package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// The parts of the OCI image format that are looked at, read by themselves: a reader of the library that wrote them would
// share its mistakes.
type (
	descriptor struct {
		MediaType   string            `json:"mediaType"`
		Digest      string            `json:"digest"`
		Size        int               `json:"size"`
		Annotations map[string]string `json:"annotations"`
		Platform    struct {
			OS           string `json:"os"`
			Architecture string `json:"architecture"`
		} `json:"platform"`
	}
	index struct {
		MediaType string       `json:"mediaType"`
		Manifests []descriptor `json:"manifests"`
	}
	manifest struct {
		MediaType string       `json:"mediaType"`
		Config    descriptor   `json:"config"`
		Layers    []descriptor `json:"layers"`
	}
	imageConfig struct {
		OS           string         `json:"os"`
		Architecture string         `json:"architecture"`
		Created      time.Time      `json:"created"`
		Config       map[string]any `json:"config"`
		RootFS       struct {
			DiffIDs []string `json:"diff_ids"`
		} `json:"rootfs"`
	}
)

// archive is what was written.
type archive struct {
	// raw and sbom are the two files.
	raw, sbom []byte
	// files of the archive.
	files map[string][]byte
	// top names the image, list has one entry for each platform.
	top, list index
}

func readArchive(dir string) (archive, error) {
	var a archive
	var err error
	if a.raw, err = os.ReadFile(filepath.Join(dir, "image.tar")); err != nil {
		return a, err
	}
	if a.sbom, err = os.ReadFile(filepath.Join(dir, "image.json")); err != nil {
		return a, err
	}
	entries, err := untar(bytes.NewReader(a.raw))
	if err != nil {
		return a, err
	}
	a.files = map[string][]byte{}
	for _, e := range entries {
		a.files[e.Name] = e.content
	}
	if err := json.Unmarshal(a.files["index.json"], &a.top); err != nil {
		return a, fmt.Errorf("index.json: %w", err)
	}
	if len(a.top.Manifests) != 1 {
		return a, fmt.Errorf("index.json names %d images", len(a.top.Manifests))
	}
	return a, a.read(a.top.Manifests[0], &a.list)
}

// blob returns what a descriptor describes, and only that.
func (a archive) blob(d descriptor) ([]byte, error) {
	algorithm, sum, found := bytes.Cut([]byte(d.Digest), []byte(":"))
	content, ok := a.files["blobs/"+string(algorithm)+"/"+string(sum)]
	got := sha256.Sum256(content)
	if !found || !ok || len(content) != d.Size || hex.EncodeToString(got[:]) != string(sum) {
		return nil, fmt.Errorf("the archive does not hold %s of %d bytes", d.Digest, d.Size)
	}
	return content, nil
}

func (a archive) read(d descriptor, into any) error {
	content, err := a.blob(d)
	if err != nil {
		return err
	}
	return json.Unmarshal(content, into)
}

// image returns the configuration for a platform, and the entries of its layers in order.
func (a archive) image(platform string) (imageConfig, []entry, error) {
	var c imageConfig
	for _, d := range a.list.Manifests {
		if d.Platform.OS+"/"+d.Platform.Architecture != platform {
			continue
		}
		var m manifest
		if err := errors.Join(a.read(d, &m), a.read(m.Config, &c)); err != nil {
			return c, nil, err
		}
		all, err := a.layers(m, c)
		return c, all, err
	}
	return c, nil, fmt.Errorf("no image for %s", platform)
}

func (a archive) layers(m manifest, c imageConfig) ([]entry, error) {
	if len(m.Layers) != len(c.RootFS.DiffIDs) {
		return nil, fmt.Errorf("%d layers and %d of their ids", len(m.Layers), len(c.RootFS.DiffIDs))
	}
	var all []entry
	for i, l := range m.Layers {
		compressed, err := a.blob(l)
		if err != nil {
			return nil, err
		}
		r, err := gzip.NewReader(bytes.NewReader(compressed))
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		if sum := sha256.Sum256(content); "sha256:"+hex.EncodeToString(sum[:]) != c.RootFS.DiffIDs[i] {
			return nil, fmt.Errorf("layer %d is not the one that the configuration names", i)
		}
		entries, err := untar(bytes.NewReader(content))
		if err != nil {
			return nil, err
		}
		all = append(all, entries...)
	}
	return all, nil
}

// entry is a file in a tar archive.
type entry struct {
	*tar.Header
	content []byte
}

func untar(r io.Reader) ([]entry, error) {
	var all []entry
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(t)
		if err != nil {
			return nil, err
		}
		all = append(all, entry{Header: h, content: content})
	}
}
