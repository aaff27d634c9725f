# shellcheck shell=bash
# Sourced: images by buildah, which needs no engine. Only the last stages of the Dockerfile are built; a folder of binaries
# from the host stands in for the stage `build`.

prepare_builder() {
  need_packages buildah=buildah
  binaries=$(build_binaries)
  # A store of its own, for one run: a user's images are not touched, and nothing piles up.
  store=$(mktemp -d)
  trap 'rm -rf "$store"' EXIT
  mkdir "$store/context" "$store/build"
  for component in "${components[@]}"; do
    # Only these, and as copies: a build folder can have thousands of files.
    install -m 755 "$binaries/retrylab-$component" "$store/build/" || fail "there is no $binaries/retrylab-$component"
  done
}

# build_image COMPONENT IMAGE ARCHIVE. The same binary makes the same image, to the last bit.
build_image() {
  local stamp buildah=(buildah --root "$store/root" --runroot "$store/run" --storage-driver vfs)
  stamp="$2 $version $(cat "$here/Dockerfile" "$here/with-buildah.sh" "$store/build/retrylab-$1" | sha256sum)"
  is_built "$3" "$stamp" && return
  say "packing $2"
  "${buildah[@]}" build --quiet --isolation chroot --squash --timestamp 0 --file "$here/Dockerfile" --target "$1" --tag "$2" \
    --build-arg VERSION="$version" --build-context build="$store/build" "$store/context" > /dev/null
  rm -f "$3.new" # it would be added to
  "${buildah[@]}" push --quiet "$2" "docker-archive:$3.new:$2"
  install_built "$3.new" "$3" "$stamp"
}
