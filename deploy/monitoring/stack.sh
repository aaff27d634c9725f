#!/usr/bin/env bash
# Brings into the cluster that RETRYLAB_CLUSTER names what kube-prometheus-stack would: the real prometheus-operator, and the
# image of the real Prometheus. `kubectl apply --filename deploy/monitoring/stack.yaml` then makes a Prometheus.
# Everything is built once, into RETRYLAB_CACHE; nothing is pulled.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../cluster/lib/log.sh"
. "$here/../cluster/lib/cache.sh"
. "$here/../cluster/lib/packages.sh"
. "$here/../cluster/lib/built.sh"
. "$here/lib/programs.sh"

programs=(prometheus prometheus-operator prometheus-config-reloader)

# manifests: those of prometheus-operator's release, with our images, in a namespace of its own.
manifests() {
  # By default the reloader has a hundredth of a core, and takes seconds to start.
  sed -E -e "s#[a-z0-9.]+/prometheus-operator/([a-z-]+):v[0-9.]+#localhost/\1:test#" -e 's/namespace: default$/namespace: monitoring/' \
    -e 's#^( *)- --prometheus-config-reloader=.*#&\n\1- --config-reloader-cpu-limit=0#' \
    "$store/bundle.yaml"
}

kubectl() { "$here/../cluster/shell.sh" kubectl "$@"; }

"$here/build.sh" "${programs[@]}" bundle.yaml
load_programs "${programs[@]}"

say "installing prometheus-operator"
kubectl create namespace monitoring --dry-run=client --output yaml | kubectl apply --server-side --filename -
manifests | kubectl apply --server-side --filename - > /dev/null
kubectl --namespace monitoring rollout status deployment/prometheus-operator --timeout 60s
