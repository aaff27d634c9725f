# shellcheck shell=bash
# Sourced: images by a Docker engine, which needs no Rust on the host.

prepare_builder() {
  local rust binaries
  rust=$(sed -nE 's/^channel = "(.+)"$/\1/p' "$root/rust-toolchain.toml")
  docker_args=(--file "$here/Dockerfile" --build-arg VERSION="$version" --build-arg RUST_VERSION="$rust")
  [ -n "${RETRYLAB_BINARIES:-}" ] || return 0
  binaries=$(realpath "$RETRYLAB_BINARIES")
  # The second, since the image that would compile is looked up in its registry though nothing of it is used.
  docker_args+=(--build-context build="$binaries" --build-context "rust:$rust-bookworm=$binaries")
}

# build_image COMPONENT IMAGE ARCHIVE. What is unchanged comes out of the engine's cache.
build_image() {
  local id
  say "building $2"
  DOCKER_BUILDKIT=1 docker build "${docker_args[@]}" --target "$1" --tag "$2" "$root" >&2
  id=$(docker image inspect --format '{{.Id}}' "$2")
  is_built "$3" "$2 $id" && return
  docker save --output "$3.new" "$2"
  install_built "$3.new" "$3" "$2 $id"
}
