# shellcheck shell=bash
# Sourced: other people's programs that tests and checks need, built from their Go modules, and images of them for the cluster.
# All are made once, into $RETRYLAB_CACHE/monitoring, and again only when a pin changes.

store=$cache/monitoring

# lock_store: only one at a time builds; until the script ends or load_programs unlocks it.
lock_store() {
  mkdir -p "$store"
  exec 9> "$store/.lock"
  flock 9
}

# build_program MODULE NAME PACKAGE: makes NAME of a package, at the version that go.mod in the folder MODULE pins.
build_program() {
  local stamp
  stamp=$(cat "$1/go.mod" "$1/go.sum" | sha256sum)
  is_built "$store/$2" "$stamp" && return
  need_go
  say "building $2 (once)"
  (cd "$1" && CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false" go build -ldflags "-s -w" -o "$store/$2.new" "$3")
  install_built "$store/$2.new" "$store/$2" "$stamp"
}

program_image() { echo "localhost/$1:test"; }

program_archive() { echo "$store/$1.tar"; }

# pack_program NAME: makes of the program NAME an image that has nothing else, as /bin/NAME.
pack_program() {
  local stamp tmp image archive buildah
  image=$(program_image "$1")
  archive=$(program_archive "$1")
  stamp="$image $(sha256sum < "$store/$1")"
  is_built "$archive" "$stamp" && return
  need_packages buildah=buildah
  say "packing $image"
  tmp=$(mktemp -d)
  buildah=(buildah --root "$tmp/store" --runroot "$tmp/run" --storage-driver vfs)
  mkdir "$tmp/context"
  install -m 755 "$store/$1" "$tmp/context/$1"
  printf 'FROM scratch\nCOPY . /bin/\nUSER 65534:65534\nENTRYPOINT ["/bin/%s"]\n' "$1" > "$tmp/Dockerfile"
  "${buildah[@]}" build --quiet --isolation chroot --squash --timestamp 0 --file "$tmp/Dockerfile" --tag "$image" \
    "$tmp/context" > /dev/null
  rm -f "$archive.new" # it would be added to
  "${buildah[@]}" push --quiet "$image" "docker-archive:$archive.new:$image"
  install_built "$archive.new" "$archive" "$stamp"
  rm -rf "$tmp"
}

# load_programs NAME...: brings the images of programs that are built into the cluster that RETRYLAB_CLUSTER names.
load_programs() {
  local program archives=()
  lock_store
  for program in "$@"; do
    pack_program "$program"
    archives+=("$(program_archive "$program")")
  done
  flock --unlock 9
  "$here/../cluster/load.sh" "${archives[@]}"
}
