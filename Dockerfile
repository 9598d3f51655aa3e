# The builder runs on the platform that builds and cross-compiles, so a foreign architecture needs no emulation.
FROM --platform=$BUILDPLATFORM golang:1.26.8 AS build
WORKDIR /src

COPY go.mod go.sum ./
RUN go mod download

COPY . .
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=v0.0.0-dev
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -buildvcs=false -o /out/grantor \
    -ldflags "-s -w -X github.com/grantor-dev/grantor/internal/app.version=$VERSION" ./cmd/grantor

FROM scratch
LABEL org.opencontainers.image.title="Grantor" \
      org.opencontainers.image.source="https://github.com/grantor-dev/grantor" \
      org.opencontainers.image.licenses="Apache-2.0"
# For an API server whose certificate is publicly signed.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/grantor /grantor
USER 65532:65532
ENTRYPOINT ["/grantor"]
