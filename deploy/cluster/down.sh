#!/usr/bin/env bash
# Ends the cluster that RETRYLAB_CLUSTER names (default: dev) and waits until nothing of it is left. Nothing if it is down.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib/log.sh"
. "$here/lib/paths.sh"
. "$here/lib/life.sh"

need_outside
lock_cluster
[ -d "$run" ] || { say "cluster '$cluster' is down"; exit; }
say "ending cluster '$cluster'"
end_cluster
# Mounts of the cluster are in a namespace that ended with it; should one show here all the same, don't delete through it.
rm -rf --one-file-system "$run"
