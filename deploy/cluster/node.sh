#!/usr/bin/env bash
# The node: runs as the first process inside a cluster's own namespaces, for as long as the cluster lives. Only up.sh
# starts it; its one argument, the run folder, is there for the eye and for lib/life.sh, which knows the process by it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib/log.sh"
. "$here/lib/paths.sh"
. "$here/node/addresses.sh"
. "$here/node/mounts.sh"
. "$here/node/network.sh"
. "$here/node/cgroups.sh"
. "$here/node/pki.sh"
. "$here/node/processes.sh"
. "$here/node/control-plane.sh"
. "$here/node/containers.sh"
. "$here/node/kubelet.sh"
. "$here/node/proxy.sh"
. "$here/node/dns.sh"

set -E # the trap counts in functions too
trap 'echo "failed in ${BASH_SOURCE[0]##*/}, line $LINENO: $BASH_COMMAND"' ERR
step() { echo "step: $*"; }

step "making mounts, network and certificates"
make_mounts
make_network
make_cgroups
make_certificates 2> "$run/logs/pki.log"
export KUBECONFIG=$run/kubeconfig # people's and tests' own identity; each program has another
export CONTAINERD_SNAPSHOTTER
CONTAINERD_SNAPSHOTTER=$(snapshotter)
step "starting the control plane"
start_etcd
start_containerd # beside the control plane, which takes longer
start_apiserver
start_controllers
step "starting the node"
load_pause_image
start_kubelet
start_proxy
start_dns
wait_node
wait_dns
retry 30 kubectl get serviceaccount default # without it no pod can be made
touch "$run/ready"
supervise
