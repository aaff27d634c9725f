# shellcheck shell=bash disable=SC2034 # the variables are for the scripts that source this
# Sourced: the demo in kind, on a Docker engine. A cluster of its own that opens no ports.

kind_name=$kind_cluster kind_arguments=()
[ -z "${RETRYLAB_KIND_IMAGE:-}" ] || kind_arguments=(--image "$RETRYLAB_KIND_IMAGE")
. "$root/deploy/kind/cluster.sh"

cluster_exists() { kind_exists; }

cluster_name="the kind cluster '$kind_name'"

cluster_up() { kind_create; }

cluster_load() { kind_load "$@"; }

cluster_down() { kind_delete; }

kubectl() { command kubectl "$@"; }

look_around="export KUBECONFIG=$KUBECONFIG"
