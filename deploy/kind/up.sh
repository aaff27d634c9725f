#!/usr/bin/env bash
# Makes the kind cluster that RETRYLAB_KIND names (default: retrylab), with the ports of kind-config.yaml and the project's images.
# If it is there already, only the images are loaded. settings.sh has the variables.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/begin.sh"

make_cluster() {
  kind_exists && [ -s "$KUBECONFIG" ] && return
  # What is half made is ours too, and made anew. Without the marker nothing is ours, and nothing is deleted.
  if [ -f "$kind_marker" ]; then kind_delete; fi
  need_ports
  mkdir -p "$kind_folder"
  touch "$kind_marker"
  say "making the kind cluster '$kind_name'"
  kind_create
}

# Docker would say it as well, of one port, at the end of a screenful.
need_ports() {
  local port ports taken=()
  mapfile -t ports < <(sed -nE 's/.*hostPort: ([0-9]+),.*/\1/p' "$root/kind-config.yaml")
  for port in "${ports[@]}"; do
    if (: < "/dev/tcp/127.0.0.1/$port") 2> /dev/null; then taken+=("$port"); fi
  done
  [ ${#taken[@]} -eq 0 ] ||
    fail "kind-config.yaml opens ports on 127.0.0.1 that are in use: ${taken[*]}; another cluster of ours is ended by make kind-down RETRYLAB_KIND=NAME"
}

for program in docker kind kubectl curl flock; do command -v "$program" > /dev/null || fail "$program is missing"; done
docker info > /dev/null 2>&1 || fail "there is no Docker engine; without one, use the project's own cluster: make cluster-up"
[[ $(kind version) == *" $kind_version."* ]] || say "this was written for kind $kind_version, and here is: $(kind version)"
if kind_exists && [ ! -f "$kind_marker" ]; then
  fail "there is a kind cluster '$kind_name' that was not made here; name another one with RETRYLAB_KIND"
fi
make_cluster
"$here/load.sh"
say "to use it: export KUBECONFIG=$KUBECONFIG, and then docs/runbook.md from \`install\` on"
