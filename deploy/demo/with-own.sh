# shellcheck shell=bash disable=SC2034 # the variables are for the scripts that source this
# Sourced: the demo in a cluster of the project's own, where there is no Docker engine.

own=$root/deploy/cluster

cluster_exists() { "$own/shell.sh" true 2> /dev/null; }

cluster_name="the cluster '$RETRYLAB_CLUSTER'"

cluster_up() {
  "$own/up.sh"
  cp "$cache/clusters/$RETRYLAB_CLUSTER/kubeconfig" "$KUBECONFIG"
}

cluster_load() { "$own/load.sh" "$@"; }

cluster_down() { "$own/down.sh"; }

kubectl() { "$own/shell.sh" kubectl --kubeconfig "$KUBECONFIG" "$@"; }

look_around="make cluster-shell RETRYLAB_CLUSTER=$RETRYLAB_CLUSTER"
