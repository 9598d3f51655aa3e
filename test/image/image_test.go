package image

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"debug/elf"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/test/harness"
)

// TestContent: one program, the certificates, and the folders that lead there. Whoever can run something in a container
// finds nothing to run.
func TestContent(t *testing.T) {
	if len(packed.list.Manifests) != len(programs) {
		t.Errorf("%d images, not %d", len(packed.list.Manifests), len(programs))
	}
	want := []string{
		"d 755 etc/", "d 755 etc/ssl/", "d 755 etc/ssl/certs/", "- 644 etc/ssl/certs/ca-certificates.crt", "- 755 grantor",
	}
	for platform, path := range programs {
		_, entries, err := packed.image(platform)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range entries {
			kind := map[byte]string{'0': "-", '5': "d"}[e.Typeflag]
			got = append(got, fmt.Sprintf("%s %o %s", kind, e.Mode, e.Name))
			if e.Uid != 0 || e.Gid != 0 || e.Uname != "" || !e.ModTime.Equal(time.Unix(0, 0)) {
				t.Errorf("%s: %s is of %d:%d %q, %s", platform, e.Name, e.Uid, e.Gid, e.Uname, e.ModTime)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", platform, diff)
		}
		program, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(entries[len(entries)-1].content, program) {
			t.Errorf("%s: the program is another one", platform)
		}
	}
}

// TestConfiguration compares how the image runs with what the Dockerfile says, so that both images are the same.
func TestConfiguration(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(harness.ModuleRoot(), "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	last := string(text[bytes.LastIndex(text, []byte("\nFROM scratch\n")):])
	labels := map[string]any{}
	for _, l := range regexp.MustCompile(`(?m)(org\.[a-z.]+)="([^"]*)"`).FindAllStringSubmatch(last, -1) {
		labels[l[1]] = l[2]
	}
	user := regexp.MustCompile(`(?m)^USER (.*)$`).FindStringSubmatch(last)
	entry := regexp.MustCompile(`(?m)^ENTRYPOINT \["(.*)"\]$`).FindStringSubmatch(last)
	if len(labels) != 3 || user == nil || user[1] != "65532:65532" || entry == nil {
		t.Fatalf("the Dockerfile has %v, %v, %v", labels, user, entry)
	}
	want := map[string]any{"User": user[1], "Entrypoint": []any{entry[1]}, "Labels": labels}
	for platform := range programs {
		c, _, err := packed.image(platform)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, c.Config); diff != "" {
			t.Errorf("%s (-Dockerfile +archive):\n%s", platform, diff)
		}
		if c.OS+"/"+c.Architecture != platform || c.Created.Unix() != 1780000000 {
			t.Errorf("%s: configured for %s/%s at %s", platform, c.OS, c.Architecture, c.Created)
		}
	}
}

// TestBuildCommands: what is built for a binary, an image and an archive is built alike, without a trace of the machine.
func TestBuildCommands(t *testing.T) {
	build := regexp.MustCompile(`(?s)go build -trimpath -buildvcs=false -o \S+ (?:\\\s+)?` +
		`-ldflags "-s -w -X github\.com/grantor-dev/grantor/internal/app\.version=\$[({]?(?:VERSION|version)[)}]?" \./cmd/grantor`)
	for _, file := range []string{"Makefile", "Dockerfile", "hack/image-archive.sh"} {
		text, err := os.ReadFile(filepath.Join(harness.ModuleRoot(), file))
		if err != nil {
			t.Fatal(err)
		}
		if !build.Match(text) || !bytes.Contains(text, []byte("CGO_ENABLED=0")) {
			t.Errorf("%s builds in a way of its own", file)
		}
	}
}

// TestName: container runtimes keep the image under the name by which a kubelet asks for it.
func TestName(t *testing.T) {
	digest := strings.Repeat("a", 64)
	for name, want := range map[string]string{
		"grantor:v1":                    "docker.io/library/grantor:v1",
		"ghcr.io/grantor-dev/grantor:2": "ghcr.io/grantor-dev/grantor:2",
		"localhost:5000/grantor:x":      "localhost:5000/grantor:x",
		"Grantor:v1":                    "",
		"grantor@sha256:" + digest:      "",
		"":                              "",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := pack(t.Context(), dir, name); (err != nil) != (want == "") {
				t.Fatalf("got %v", err)
			}
			if want == "" {
				return
			}
			a, err := readArchive(dir)
			if err != nil {
				t.Fatal(err)
			}
			names := map[string]string{"io.containerd.image.name": want, "org.opencontainers.image.ref.name": want}
			if diff := cmp.Diff(names, a.top.Manifests[0].Annotations); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestSameBytes packs once more, in another folder, time zone and umask, from programs with other times.
func TestSameBytes(t *testing.T) {
	dir := t.TempDir()
	for _, path := range programs {
		if err := os.Chtimes(path, time.Time{}, time.Unix(1000000000, 0)); err != nil {
			t.Fatal(err)
		}
	}
	if err := pack(t.Context(), dir, "grantor:"+version, "TZ=Asia/Tokyo", "TMPDIR="+t.TempDir(), "HOME=/nowhere"); err != nil {
		t.Fatal(err)
	}
	again, err := readArchive(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again.raw, packed.raw) || !bytes.Equal(again.sbom, packed.sbom) {
		t.Errorf("%s the first time, %s the second", packed.top.Manifests[0].Digest, again.top.Manifests[0].Digest)
	}
}

// TestRoots: the certificates are those of public authorities, without those that are trusted only in part.
func TestRoots(t *testing.T) {
	_, entries, err := packed.image("linux/amd64")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	rest := entries[3].content
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if !c.IsCA {
			t.Errorf("%s is no authority", c.Subject)
		}
		sum := sha256.Sum256(block.Bytes)
		found[hex.EncodeToString(sum[:])] = true
	}
	const (
		isrgRootX1 = "96bcec06264976f37460779acf28c5a7cfe8a3c0aae11a8ffcee05c0bddf08c6"
		izenpe     = "2530cc8e98321502bad96f9b1fba1b099e2d299e0f4548bb914f363bc0d4531f" // not for what it signed after 2026-04-15
	)
	if len(found) < 100 || !found[isrgRootX1] || found[izenpe] {
		t.Errorf("%d certificates; ISRG Root X1 is among them: %t, Izenpe.com: %t", len(found), found[isrgRootX1], found[izenpe])
	}
	if !x509.NewCertPool().AppendCertsFromPEM(entries[3].content) {
		t.Error("Go reads none of them")
	}
}

// TestWrongProgram: what would not run in the image is not packed.
func TestWrongProgram(t *testing.T) {
	loaded := filepath.Join(t.TempDir(), "loaded")
	if err := os.WriteFile(loaded, needsLoader(t), 0o600); err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct{ program, message string }{
		"of another machine":  {"linux/arm64=" + programs["linux/amd64"], "a program for EM_X86_64, not for linux/arm64"},
		"of another system":   {"windows/amd64=" + programs["linux/amd64"], "images are for linux/amd64 and linux/arm64"},
		"not static":          {"linux/amd64=" + loaded, "not linked statically"},
		"not a Go program":    {"linux/amd64=" + script, "does not say what it was built from"},
		"without a platform":  {programs["linux/amd64"], "is not OS/ARCH=BINARY"},
		"that does not exist": {"linux/amd64=/nowhere", "read binary"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			err := packThese(t.Context(), dir, "grantor:v1", []string{row.program})
			if err == nil || !strings.Contains(err.Error(), row.message) {
				t.Errorf("got %v", err)
			}
			if _, err := os.Stat(filepath.Join(dir, "image.tar")); err == nil {
				t.Error("an archive is there")
			}
		})
	}
}

// needsLoader is a program that asks for a dynamic loader, as one does that was built with cgo.
func needsLoader(t *testing.T) []byte {
	t.Helper()
	content, err := os.ReadFile(programs["linux/amd64"])
	if err != nil {
		t.Fatal(err)
	}
	file, err := elf.NewFile(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	const headers, size = 64, 56 // of a 64-bit ELF file
	for i, p := range file.Progs {
		if p.Type == elf.PT_NOTE {
			content[headers+i*size] = byte(elf.PT_INTERP)
			return content
		}
	}
	t.Fatal("the program has no note")
	return nil
}
