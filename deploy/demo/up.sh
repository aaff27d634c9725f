#!/usr/bin/env bash
# The demo, from nothing to results: a cluster, the operator, and an experiment that compares retry strategies.
# In kind where a Docker engine, kind and kubectl are there, else in a cluster of the project's own.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
. "$here/../cluster/lib/log.sh"
. "$here/../cluster/lib/cache.sh"
. "$here/paths.sh"
. "$here/../images/names.sh"
. "$here/choose.sh"
. "$here/watch.sh"
. "$here/table.sh"

experiment=comparison
sample=$root/deploy/samples/comparison.yaml

refuse_foreign_cluster() {
  if cluster_exists && [ ! -f "$marker" ]; then
    fail "$cluster_name is there, and the demo did not make it; please remove it first"
  fi
}

make_cluster() {
  refuse_foreign_cluster # again: building the images takes minutes, in which one may have come
  cluster_exists && [ -s "$KUBECONFIG" ] && return
  say "making $cluster_name"
  # What is half made is the demo's too, and made anew. Without the marker nothing is the demo's, and nothing is deleted.
  if [ -f "$marker" ]; then cluster_down; fi
  mkdir -p "$demo"
  echo "$with" > "$marker"
  cluster_up
}

install_operator() {
  local archives=() component old
  for component in "${components[@]}"; do archives+=("$(archive "$component")"); done
  cluster_load "${archives[@]}"
  say "installing the operator"
  old=$(kubectl get deployments --namespace retrylab-system --output name)
  kubectl apply --server-side --filename "$root/deploy/operator"
  # The tag is always the same, so a pod of an earlier demo would keep the earlier image.
  [ -z "$old" ] || kubectl --namespace retrylab-system rollout restart "$old"
  kubectl --namespace retrylab-system rollout status deployment/retrylab-operator --timeout 120s
}

run_experiment() {
  say "running the experiment in $sample"
  kubectl delete retryexperiment "$experiment" --ignore-not-found --timeout 60s
  kubectl apply --filename "$sample"
  watch_experiment "$experiment" 600
}

refuse_foreign_cluster
"$here/../images/build.sh"
make_cluster
install_operator
run_experiment
echo
print_results "$experiment"
cat << END

Done in $SECONDS s. To look around:   $look_around
                    and there:   kubectl describe rx $experiment
To remove all of it: make demo-down
END
