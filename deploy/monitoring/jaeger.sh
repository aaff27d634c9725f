#!/usr/bin/env bash
# Brings into the cluster that RETRYLAB_CLUSTER names the image of the real Jaeger.
# `kubectl apply --filename deploy/monitoring/jaeger.yaml` then runs one. It is built once, into RETRYLAB_CACHE; nothing is pulled.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../cluster/lib/log.sh"
. "$here/../cluster/lib/cache.sh"
. "$here/../cluster/lib/packages.sh"
. "$here/../cluster/lib/built.sh"
. "$here/lib/programs.sh"

"$here/build.sh" jaeger
load_programs jaeger
