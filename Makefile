# `make help` lists the targets. What takes more than a line is a script in hack/.

SHELL       := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS   += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

ifndef VERSION
VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo v0.0.0-dev)
endif
IMAGE    ?= grantor:$(VERSION)
FUZZTIME ?= 30s
export FUZZTIME

.PHONY: help
help: ## Print this list.
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: build
build: ## Build bin/grantor, a static binary.
	@echo "==> bin/grantor $(VERSION)"
	@CGO_ENABLED=0 go build -trimpath -buildvcs=false -o bin/grantor \
		-ldflags "-s -w -X github.com/grantor-dev/grantor/internal/app.version=$(VERSION)" ./cmd/grantor

.PHONY: image
image: ## Build the container image, IMAGE=name:tag (needs docker or podman).
	@hack/image.sh "$(IMAGE)" "$(VERSION)"

.PHONY: image-archive
image-archive: ## Build the container image as dist/grantor-image.tar, with its SBOM (needs neither engine nor registry).
	@hack/image-archive.sh "$(IMAGE)" "$(VERSION)" dist $(PLATFORMS)

.PHONY: demo
demo: build ## Run everything on this machine and exchange a token.
	@KUBEBUILDER_ASSETS=$$(hack/controlplane.sh) go run ./hack/demo bin/grantor

.PHONY: demo-up
demo-up: build ## Start the same and stay until it is stopped; FOLDER/env says how to use it.
	@[[ -n "$(FOLDER)" ]] || { echo "name a folder: make demo-up FOLDER=/tmp/grantor" >&2; exit 1; }
	@export KUBEBUILDER_ASSETS && KUBEBUILDER_ASSETS=$$(hack/controlplane.sh) && \
	go build -o bin/demo ./hack/demo && exec bin/demo -stay "$(FOLDER)" bin/grantor

.PHONY: test
test: ## Run unit, CEL, integration and hostile tests with the race detector.
	@hack/test.sh

.PHONY: test-unit
test-unit: ## Run the tests beside the code; needs no control plane and no C compiler.
	@go test ./api/... ./cmd/... ./controllers/... ./internal/... ./tokenserver/...

.PHONY: bench
bench: build ## Measure what an exchange costs, beside the bare arithmetic of it; rewrite the tables of docs/performance.md.
	@hack/bench.sh $(BENCHFLAGS)

.PHONY: bench-operator
bench-operator: build ## Measure the operator and token servers at scale; rewrite the tables of docs/performance.md.
	@KUBEBUILDER_ASSETS=$$(hack/controlplane.sh) go run ./test/bench/operator -page docs/performance.md $(BENCHFLAGS) bin/grantor

.PHONY: test-faults
test-faults: ## Break everything that Grantor leans on, for as long as in real life, FAULTS=pattern.
	@hack/test-faults.sh

.PHONY: cluster-up
cluster-up: ## Start a Kubernetes cluster of one node from Go modules, and print its kubeconfig (needs Linux and root).
	@hack/cluster.sh up

.PHONY: cluster-down
cluster-down: ## Remove that cluster, whatever state it is in.
	@hack/cluster.sh down

.PHONY: test-e2e
test-e2e: ## Install the chart on a real cluster, use it and disturb it: that cluster, or the one that KUBECONFIG names.
	@hack/test-e2e.sh

.PHONY: console-images
console-images: ## Take the pictures of docs/console.md anew (needs chromium).
	@source hack/lib.sh && ensure_chromium && mkdir -p docs/images && \
	KUBEBUILDER_ASSETS=$$(hack/controlplane.sh) GRANTOR_CONSOLE_PICTURES=$(CURDIR)/docs/images go test -count=1 -run 'TestPages' ./test/console

.PHONY: test-cluster
test-cluster: ## Try that cluster: that it works, and that it leaves nothing.
	@hack/cluster/check.sh

.PHONY: kind-up
kind-up: ## Start a cluster with kind instead, and load ARCHIVES="file..." into it (needs docker).
	@kind=$$(hack/tool.sh kind) && \
	"$$kind" create cluster --name grantor && \
	for archive in $(ARCHIVES); do "$$kind" load image-archive --name grantor "$$archive"; done

.PHONY: kind-down
kind-down: ## Remove the cluster of kind.
	@kind=$$(hack/tool.sh kind) && \
	"$$kind" delete cluster --name grantor

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME each.
	@hack/fuzz.sh

.PHONY: lint
lint: ## Run golangci-lint with the Kubernetes API linter.
	@linter=$$(hack/tool.sh golangci-lint) && \
	echo "==> golangci-lint" >&2 && \
	"$$linter" run ./...

.PHONY: fmt
fmt: ## Format the Go code.
	@linter=$$(hack/tool.sh golangci-lint) && \
	"$$linter" fmt ./...

.PHONY: generate
generate: ## Regenerate deep copies, CRDs, roles, the chart's copies and the references.
	@hack/generate.sh

.PHONY: docs
docs: ## Render the documentation as a site in dist/docs; a broken link is an error.
	@renderer=$$(hack/tool.sh render-docs) && \
	"$$renderer" . dist/docs && \
	echo "==> dist/docs/index.html" >&2

.PHONY: verify
verify: ## Fail when module files or generated files are out of date, or go vet finds something.
	@hack/verify.sh

.PHONY: vuln
vuln: ## Look for known vulnerabilities in what the code calls (asks the Go vulnerability database).
	@scanner=$$(hack/tool.sh govulncheck) && \
	"$$scanner" ./...

.PHONY: clean
clean: ## Remove what was built in the tree; the cache of tools and the control plane stays.
	@rm -rf bin dist coverage.out
