package image

import (
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/test/harness"
)

type spdxPackage struct {
	Name      string `json:"name"`
	ID        string `json:"SPDXID"`
	Version   string `json:"versionInfo"`
	Checksums []struct {
		Algorithm string `json:"algorithm"`
		Value     string `json:"checksumValue"`
	} `json:"checksums"`
	ExternalRefs []struct {
		Category string `json:"referenceCategory"`
		Type     string `json:"referenceType"`
		Locator  string `json:"referenceLocator"`
	} `json:"externalRefs"`
}

type spdxDocument struct {
	Version      string `json:"spdxVersion"`
	Namespace    string `json:"documentNamespace"`
	CreationInfo struct {
		Created string `json:"created"`
	} `json:"creationInfo"`
	Packages      []spdxPackage `json:"packages"`
	Relationships []struct {
		From string `json:"spdxElementId"`
		To   string `json:"relatedSpdxElement"`
		Kind string `json:"relationshipType"`
	} `json:"relationships"`
}

// readSBOM returns the document, and its packages by name and version.
func readSBOM(t *testing.T) (spdxDocument, map[string]spdxPackage) {
	t.Helper()
	var doc spdxDocument
	if err := json.Unmarshal(packed.sbom, &doc); err != nil {
		t.Fatal(err)
	}
	byName := map[string]spdxPackage{}
	for _, p := range doc.Packages {
		byName[p.Name+"@"+p.Version] = p
	}
	return doc, byName
}

// TestModules: what `go version -m` lists for a program in the image is in the bill of materials, with the sum of go.sum.
func TestModules(t *testing.T) {
	_, packages := readSBOM(t)
	for platform, path := range programs {
		info, err := buildinfo.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(info.Deps) < 2 {
			t.Fatalf("%s has only %d dependencies", platform, len(info.Deps))
		}
		for _, d := range info.Deps {
			p, ok := packages[d.Path+"@"+d.Version]
			sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(d.Sum, "h1:"))
			if err != nil {
				t.Fatal(err)
			}
			if !ok || len(p.Checksums) != 1 || p.Checksums[0].Algorithm != "SHA256" || p.Checksums[0].Value != hex.EncodeToString(sum) ||
				len(p.ExternalRefs) != 1 || p.ExternalRefs[0].Category != "PACKAGE-MANAGER" || p.ExternalRefs[0].Type != "purl" ||
				p.ExternalRefs[0].Locator != "pkg:golang/"+d.Path+"@"+d.Version {
				t.Errorf("%s: %s %s %s is listed as %+v", platform, d.Path, d.Version, d.Sum, p)
			}
		}
		for _, name := range []string{info.Main.Path + "@" + version, "stdlib@" + strings.TrimPrefix(info.GoVersion, "go")} {
			if _, ok := packages[name]; !ok {
				t.Errorf("%s: no %s", platform, name)
			}
		}
	}
}

// TestRootsAreListed: the certificates come from a module too, of the version that is pinned.
func TestRootsAreListed(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(harness.ModuleRoot(), "hack", "tools", "image", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	const module = "golang.org/x/crypto/x509roots/fallback"
	pinned := regexp.MustCompile(regexp.QuoteMeta(module) + ` (v\S+)`).FindStringSubmatch(string(text))
	if pinned == nil {
		t.Fatal("no module of certificates is pinned")
	}
	_, packages := readSBOM(t)
	if p, ok := packages[module+"@"+pinned[1]]; !ok || len(p.Checksums) != 1 {
		t.Errorf("listed as %+v", p)
	}
}

// TestDocument: the document is about this image, says the time that it was told, and hangs together.
func TestDocument(t *testing.T) {
	doc, packages := readSBOM(t)
	digest := strings.TrimPrefix(packed.top.Manifests[0].Digest, "sha256:")
	if doc.Version != "SPDX-2.3" || doc.CreationInfo.Created != "2026-05-28T20:26:40Z" || !strings.HasSuffix(doc.Namespace, "/v1.2.3/"+digest) {
		t.Errorf("%s of %s about %s", doc.Version, doc.CreationInfo.Created, doc.Namespace)
	}
	image := packages["grantor@"+version]
	if len(image.Checksums) != 1 || image.Checksums[0].Value != digest {
		t.Errorf("the image is listed as %+v", image)
	}
	reached := map[string]bool{"SPDXRef-DOCUMENT": true}
	for _, r := range doc.Relationships {
		if !reached[r.From] || (r.From == "SPDXRef-DOCUMENT") != (r.Kind == "DESCRIBES") || (r.From == image.ID) != (r.Kind == "CONTAINS") {
			t.Errorf("%s %s %s", r.From, r.Kind, r.To)
		}
		reached[r.To] = true
	}
	seen := map[string]bool{}
	for _, p := range doc.Packages {
		if !reached[p.ID] || seen[p.ID] {
			t.Errorf("%s of %s hangs in the air, or is there twice", p.ID, p.Name)
		}
		seen[p.ID] = true
	}
	if len(packages) != len(doc.Packages) {
		t.Error("something is listed twice")
	}
}
