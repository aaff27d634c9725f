# shellcheck shell=bash
# Sourced: a Go that can build the modules here. The Go of the machine if it is new enough; else the toolchain that
# kube/go.mod pins, which is itself a Go module that any older Go can fetch and verify.

# need_go: puts a good Go first in PATH.
need_go() {
  local least pinned go
  least=$(sed -nE 's/^go (.+)$/\1/p' "$kube_module/go.mod")
  pinned=$(sed -nE 's/^toolchain (.+)$/\1/p' "$kube_module/go.mod")
  # Which Go to use is decided here, not by the Go that happens to be first in PATH.
  export GOTOOLCHAIN=local
  go_is_new_enough "$least" && return
  go=$cache/$pinned/bin/go
  [ -x "$go" ] || fetch_go "$pinned"
  PATH=${go%/go}:$PATH
  go_is_new_enough "$least" || fail "the Go in $cache/$pinned is not the one that was asked for"
}

go_is_new_enough() { # LEAST
  local version
  version=$(cd / && go env GOVERSION 2> /dev/null) || return
  printf '%s\n' "$1" "${version#go}" | sort --version-sort --check=quiet
}

fetch_go() { # TOOLCHAIN, such as go1.26.8
  need_packages go=golang-go
  local arch modules
  arch=$(cd / && go env GOARCH)
  say "fetching $1"
  modules=$(mktemp -d "$cache/go.XXXXXX")
  (cd / && GOMODCACHE=$modules GOFLAGS=-modcacherw go mod download "golang.org/toolchain@v0.0.1-$1.linux-$arch") ||
    fail "cannot fetch $1 as a Go module"
  # Module archives carry no modes: the programs come without their execute bits.
  chmod -R +x "$modules"/golang.org/toolchain@*/bin "$modules"/golang.org/toolchain@*/pkg/tool
  rm -rf "${cache:?}/$1"
  mv "$modules"/golang.org/toolchain@* "$cache/$1"
  rm -rf "$modules"
}
