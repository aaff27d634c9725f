# shellcheck shell=bash disable=SC2034 # the variables are for the scripts that source this
# Sourced: the names of one cluster, and where everything of it is kept.

cluster=${RETRYLAB_CLUSTER:-dev}
[[ $cluster =~ ^[a-z0-9]([-a-z0-9]{0,28}[a-z0-9])?$ ]] ||
  fail "RETRYLAB_CLUSTER is '$cluster'; it must be 1 to 30 of a-z, 0-9 and '-', and not begin or end with '-'"

. "$here/lib/cache.sh"

kube_module=$here/kube
kube_version=$(sed -nE 's|^\s*k8s.io/kubernetes (v[0-9.]+)$|\1|p' "$kube_module/go.mod")
bin=$cache/kube-$kube_version # programs, shared by all clusters
pause_image=localhost/retrylab-pause:1
pause_archive=$bin/pause.tar

run=$cache/clusters/$cluster  # all state of this cluster; gone when it is down
lock=$cache/clusters/.$cluster.lock
# Two caches may both have a cluster of this name, but a machine has one cgroup tree: the path tells them apart.
cgroup=retrylab-$cluster-$(cksum <<< "$run" | cut -d' ' -f1)
