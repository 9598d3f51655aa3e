package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"
	"github.com/spdx/tools-golang/spdxlib"
)

const (
	unknown = "NOASSERTION"
	imageID = common.ElementID("Image")
)

// writeSBOM writes what the image is made of: the programs, every module that one of them was built from, and the module
// of the certificates.
func writeSBOM(r request, digest v1.Hash) error {
	modules, err := modulesOf(r)
	if err != nil {
		return err
	}
	doc := &v2_3.Document{
		SPDXVersion:       v2_3.Version,
		DataLicense:       v2_3.DataLicense,
		SPDXIdentifier:    "DOCUMENT",
		DocumentName:      r.name,
		DocumentNamespace: "https://github.com/grantor-dev/grantor/sbom/" + url.PathEscape(r.version) + "/" + digest.Hex,
		CreationInfo: &v2_3.CreationInfo{
			Creators: []common.Creator{{CreatorType: "Tool", Creator: "grantor-image"}},
			Created:  r.created.Format(time.RFC3339),
		},
		Packages: []*v2_3.Package{{
			PackageName: "grantor", PackageSPDXIdentifier: imageID, PackageVersion: r.version,
			PackageDownloadLocation: unknown, PackageLicenseConcluded: unknown, PackageLicenseDeclared: "Apache-2.0",
			PackageCopyrightText: unknown, PrimaryPackagePurpose: "CONTAINER",
			PackageChecksums:          []common.Checksum{{Algorithm: common.SHA256, Value: digest.Hex}},
			PackageExternalReferences: purl("pkg:oci/grantor@" + url.QueryEscape(digest.String())),
		}},
		Relationships: []*v2_3.Relationship{relation("DOCUMENT", imageID, common.TypeRelationshipDescribe)},
	}
	for _, b := range r.binaries {
		sum := sha256.Sum256(b.content)
		id := common.ElementID("Program-" + b.platform.OS + "-" + b.platform.Architecture)
		doc.Packages = append(doc.Packages, &v2_3.Package{
			PackageName: "grantor (" + b.platform.String() + ")", PackageSPDXIdentifier: id, PackageVersion: r.version,
			PackageFileName: program, PackageDownloadLocation: unknown, PackageLicenseConcluded: unknown,
			PackageLicenseDeclared: "Apache-2.0", PackageCopyrightText: unknown, PrimaryPackagePurpose: "APPLICATION",
			PackageChecksums: []common.Checksum{{Algorithm: common.SHA256, Value: hex.EncodeToString(sum[:])}},
		})
		doc.Relationships = append(doc.Relationships, relation(imageID, id, common.TypeRelationshipContains))
	}
	for _, key := range slices.Sorted(maps.Keys(modules)) {
		p, err := modules[key].describe()
		if err != nil {
			return err
		}
		doc.Packages = append(doc.Packages, p)
		doc.Relationships = append(doc.Relationships, relation(imageID, p.PackageSPDXIdentifier, common.TypeRelationshipContains))
	}
	return save(doc, r.sbom)
}

func save(doc *v2_3.Document, file string) error {
	if err := spdxlib.ValidateDocument(doc); err != nil {
		return fmt.Errorf("bill of materials: %w", err)
	}
	var out bytes.Buffer
	if err := json.Write(doc, &out, json.Indent("  ")); err != nil {
		return fmt.Errorf("write bill of materials: %w", err)
	}
	return os.WriteFile(file, out.Bytes(), 0o644) //nolint:gosec // It is for everybody to read.
}

// module is a Go module with its version and the hash of its tree as go.sum has it, or the Go distribution.
type module struct{ path, version, sum string }

// modulesOf returns the modules of all programs, by path and version.
func modulesOf(r request) (map[string]module, error) {
	all := map[string]module{}
	add := func(m module) { all[m.path+"@"+m.version] = m }
	for _, b := range r.binaries {
		add(module{path: "stdlib", version: strings.TrimPrefix(b.info.GoVersion, "go")})
		add(module{path: b.info.Main.Path, version: r.version})
		for _, d := range b.info.Deps {
			add(effective(d))
		}
	}
	self, ok := debug.ReadBuildInfo()
	if !ok {
		return nil, errors.New("this program does not say what it was built from")
	}
	at := slices.IndexFunc(self.Deps, func(d *debug.Module) bool { return d.Path == rootsModule })
	if at < 0 {
		return nil, fmt.Errorf("this program was built without %s", rootsModule)
	}
	add(effective(self.Deps[at]))
	return all, nil
}

// effective is the module that was compiled.
func effective(d *debug.Module) module {
	if d.Replace != nil {
		d = d.Replace
	}
	return module{path: d.Path, version: d.Version, sum: d.Sum}
}

func (m module) describe() (*v2_3.Package, error) {
	p := &v2_3.Package{
		PackageName: m.path, PackageVersion: m.version,
		PackageSPDXIdentifier:   common.ElementID("Module-" + notIDString.ReplaceAllString(m.path+"-"+m.version, "-")),
		PackageDownloadLocation: unknown, PackageLicenseConcluded: unknown, PackageLicenseDeclared: unknown,
		PackageCopyrightText: unknown, PrimaryPackagePurpose: "LIBRARY",
		PackageExternalReferences: purl("pkg:golang/" + m.path + "@" + url.QueryEscape(m.version)),
	}
	if m.sum == "" {
		return p, nil
	}
	sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.sum, "h1:"))
	if err != nil || len(sum) != sha256.Size {
		return nil, fmt.Errorf("%s has the sum %q, which is not of the form h1", m.path, m.sum)
	}
	p.PackageChecksums = []common.Checksum{{Algorithm: common.SHA256, Value: hex.EncodeToString(sum)}}
	p.PackageSourceInfo = "the checksum is that of go.sum, over the tree of the module: " + m.sum
	return p, nil
}

// notIDString is what an identifier of SPDX may not hold.
var notIDString = regexp.MustCompile(`[^A-Za-z0-9.-]+`)

func purl(locator string) []*v2_3.PackageExternalReference {
	return []*v2_3.PackageExternalReference{{Category: common.CategoryPackageManager, RefType: common.TypePackageManagerPURL, Locator: locator}}
}

func relation(from, to common.ElementID, kind string) *v2_3.Relationship {
	return &v2_3.Relationship{
		RefA: common.MakeDocElementID("", string(from)), RefB: common.MakeDocElementID("", string(to)), Relationship: kind,
	}
}
