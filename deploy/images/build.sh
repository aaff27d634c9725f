#!/usr/bin/env bash
# Builds the images localhost/retrylab-COMPONENT:$TAG and saves each as an archive in $RETRYLAB_CACHE/app-images/$TAG.
# By a Docker engine if one is running, else by cargo and buildah. RETRYLAB_BINARIES, a folder with the static binaries,
# skips the compiler.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
. "$here/../cluster/lib/log.sh"
. "$here/../cluster/lib/cache.sh"
. "$here/../cluster/lib/packages.sh"
. "$here/../cluster/lib/built.sh"
. "$here/names.sh"
. "$here/binaries.sh"
if docker info > /dev/null 2>&1; then
  . "$here/with-docker.sh"
else
  . "$here/with-buildah.sh"
fi

version=$(sed -nE '/^\[workspace.package\]/,/^\[/s/^version = "(.+)"$/\1/p' "$root/Cargo.toml")
mkdir -p "$(dirname "$(archive any)")"
exec 9> "$cache/app-images/.lock" # tests and a demo may want them at once
flock 9
prepare_builder
for component in "${components[@]}"; do
  build_image "$component" "$(image "$component")" "$(archive "$component")"
done

say "images, compressed"
for component in "${components[@]}"; do
  printf '%-34s %6.2f MB\n' "$(image "$component")" "$(gzip -c "$(archive "$component")" | wc -c)e-6"
done
