// Command image packs binaries of Grantor into an OCI archive: the image layout of the OCI in a tar file, which holds an
// index with one image for each platform. It also writes what is in there as a bill of materials (SPDX 2.3). It talks to no
// registry and no container engine, and reads no file of the machine but the binaries: what is the same goes in, the same
// bytes come out.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// request is what is asked for on the command line.
type request struct {
	// name is the reference by which container runtimes know the image, as somebody typed it.
	name string
	// version of Grantor.
	version string
	// created is the time that the image and the bill of materials carry.
	created time.Time
	// archive and sbom are the files to write.
	archive, sbom string
	binaries      []binary
}

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

// run writes both files and prints the digest of the index.
func run(args []string, stdout io.Writer) error {
	r, err := parse(args)
	if err != nil {
		return err
	}
	name, err := normalize(r.name)
	if err != nil {
		return err
	}
	index, err := buildIndex(r)
	if err != nil {
		return err
	}
	digest, err := index.Digest()
	if err != nil {
		return fmt.Errorf("digest of the index: %w", err)
	}
	if err := writeSBOM(r, digest); err != nil {
		return err
	}
	if err := writeArchive(r.archive, name, index); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s@%s\n", name, digest)
	return err
}

func parse(args []string) (request, error) {
	var r request
	var created string
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	flags.StringVar(&r.name, "name", "", "reference of the image, for example grantor:v1")
	flags.StringVar(&r.version, "version", "", "version of Grantor")
	flags.StringVar(&created, "created", "0", "seconds since 1970 that the image carries as the time it was made at")
	flags.StringVar(&r.archive, "archive", "", "OCI archive to write")
	flags.StringVar(&r.sbom, "sbom", "", "bill of materials to write")
	if err := flags.Parse(args); err != nil {
		return r, err
	}
	seconds, err := strconv.ParseInt(created, 10, 64)
	if err != nil {
		return r, fmt.Errorf("-created: %w", err)
	}
	r.created = time.Unix(seconds, 0).UTC()
	if r.name == "" || r.version == "" || r.archive == "" || r.sbom == "" || flags.NArg() == 0 {
		return r, errors.New("usage: image -name NAME -version VERSION -archive FILE -sbom FILE OS/ARCH=BINARY...")
	}
	for _, arg := range flags.Args() {
		platform, path, ok := strings.Cut(arg, "=")
		if !ok {
			return r, fmt.Errorf("%q is not OS/ARCH=BINARY", arg)
		}
		b, err := openBinary(platform, path)
		if err != nil {
			return r, err
		}
		r.binaries = append(r.binaries, b)
	}
	return r, nil
}
