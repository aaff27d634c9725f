# shellcheck shell=bash
# Sourced: the static binaries, built on the host for where there is no Docker engine.

# build_binaries: prints the folder that has them.
build_binaries() {
  local component bins=() target
  if [ -n "${RETRYLAB_BINARIES:-}" ]; then
    realpath "$RETRYLAB_BINARIES"
    return
  fi
  command -v cargo > /dev/null || fail "there is neither a Docker engine nor cargo; one of them must build the binaries"
  need_packages cc=gcc /usr/include/stdlib.h=libc6-dev >&2
  target=$(uname -m)-unknown-linux-gnu
  for component in "${components[@]}"; do bins+=(--bin "retrylab-$component"); done
  say "building the binaries"
  # With --target, the flags don't reach build scripts and macros, which can't be static.
  (cd "$root" && RUSTFLAGS="-C target-feature=+crt-static" \
    cargo build --release --locked --workspace --target "$target" "${bins[@]}") >&2 || return 1 # in $(), errexit does not end it
  echo "$(cd "$root" && realpath "${CARGO_TARGET_DIR:-target}")/$target/release"
}
