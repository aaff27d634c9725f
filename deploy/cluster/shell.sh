#!/usr/bin/env bash
# Runs a command inside the cluster that RETRYLAB_CLUSTER names (default: dev), or with no command a shell:
#   shell.sh kubectl get pods -A
# Only there are the cluster's network, processes and mounts to be seen; files and the working directory are the host's.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib/log.sh"
. "$here/lib/paths.sh"
. "$here/lib/life.sh"

is_up || fail "cluster '$cluster' is not up; start it with: make cluster-up RETRYLAB_CLUSTER=$cluster"
export RETRYLAB_CLUSTER=$cluster KUBECONFIG=$run/kubeconfig KUBECACHEDIR=$run/kubectl-cache PATH=$run/bin:$PATH
CONTAINERD_SNAPSHOTTER=$(snapshotter)
export CONTAINERD_SNAPSHOTTER
if [ $# = 0 ]; then
  say "inside cluster '$cluster'; leave with exit"
  export PS1="[$cluster] \\w\\$ "
  set -- bash --norc
fi
# Entering mounts changes the working directory to /, so it is set again; and a command must not outlive a killed nsenter.
exec nsenter --target "$(init_pid)" --net --mount --pid -- setpriv --pdeathsig KILL env --chdir="$PWD" "$@"
