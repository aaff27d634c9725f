#!/usr/bin/env bash
# Removes what the demo made: its cluster and its files. Nothing if there is no demo.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
. "$here/../cluster/lib/log.sh"
. "$here/../cluster/lib/cache.sh"
. "$here/paths.sh"
[ -f "$marker" ] || { say "there is no demo"; exit; }
. "$here/choose.sh"

cluster_down
rm -rf "$demo"
