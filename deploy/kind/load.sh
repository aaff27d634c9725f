#!/usr/bin/env bash
# Builds the project's images and loads them into the kind cluster that RETRYLAB_KIND names.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/begin.sh"
export TAG=dev # the one that the chart names
. "$here/../images/names.sh"

need_cluster
"$here/../images/build.sh"
archives=()
for component in "${components[@]}"; do archives+=("$(archive "$component")"); done
kind_load "${archives[@]}"
