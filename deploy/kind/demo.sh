#!/usr/bin/env bash
# All of it in kind, from nothing to results: the cluster, Prometheus, Grafana and Jaeger, the operator, client and backend on
# their ports, and the comparison of retry strategies. Each step is a script that can be run again by itself.
# RETRYLAB_KIND_SAMPLE is another file of deploy/samples than comparison.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/begin.sh"
. "$here/../demo/watch.sh"
. "$here/../demo/table.sh"
sample=${RETRYLAB_KIND_SAMPLE:-comparison}
look_around="export KUBECONFIG=$KUBECONFIG" # what watch_experiment tells whoever waits in vain

# run NAME SECONDS: runs a sample, anew if it was there.
run() {
  kubectl delete retryexperiment "$1" --ignore-not-found --timeout 60s
  kubectl apply --filename "$root/deploy/samples/$1.yaml"
  watch_experiment "$1" "$2"
}

[ -f "$root/deploy/samples/$sample.yaml" ] || fail "there is no deploy/samples/$sample.yaml"
"$here/up.sh"
"$here/stack.sh"
"$here/install.sh"
say "client and backend, to be driven by hand"
kubectl apply --filename "$here/ports.yaml"
run lab 120
until_answered http://localhost:8000/health "the client"
until_answered http://localhost:8001/health "the backend"
say "running the experiment in deploy/samples/$sample.yaml"
run "$sample" 600
echo
print_results "$sample"
cat << END

Done in $SECONDS s. To look around: $look_around
             and then docs/runbook.md, from \`ports-kind\` on.
To remove all of it: make kind-down
END
