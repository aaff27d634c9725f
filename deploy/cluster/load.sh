#!/usr/bin/env bash
# Loads image archives (docker-archive or OCI) into the cluster that RETRYLAB_CLUSTER names: load.sh IMAGE.tar...
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib/log.sh"
export CONTAINERD_SUPPRESS_DEPRECATION_WARNINGS=1 # of cgroup version 1, which is no choice of ours

[ $# -gt 0 ] || fail "give it image archives"
for archive in "$@"; do
  [ -f "$archive" ] || fail "there is no $archive"
  say "loading $archive"
  # --local: in this process, where the variable that names the snapshotter counts.
  "$here/shell.sh" ctr --namespace k8s.io images import --local "$(realpath "$archive")" > /dev/null ||
    fail "cannot load $archive"
done
