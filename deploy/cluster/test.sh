#!/usr/bin/env bash
# The tests that need a cluster: builds the images and the tests, brings up a fresh cluster named `test`, installs the
# operator, and prometheus-operator beside it, and runs the tests inside. Arguments go to the tests' program (a name to select one, --nocapture...). The cluster
# ends with the tests; with KEEP=1 it stays, to look at: RETRYLAB_CLUSTER=test deploy/cluster/shell.sh
# RETRYLAB_TEST_CLUSTER names another cluster than `test`, so that two checkouts can be tested at once.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
export RETRYLAB_CLUSTER=${RETRYLAB_TEST_CLUSTER:-test} TAG=dev # the tag that the chart names
. "$here/lib/log.sh"
. "$here/lib/paths.sh"
. "$here/lib/packages.sh"
. "$here/../images/names.sh"
. "$here/../tools/versions.sh"
chart=$run/charts/retrylab # a copy, whole: with the chart that it depends on

# Built out here: inside there is no network, and nothing else that cargo needs.
build_tests() {
  local package=(cargo test --package retrylab-e2e --test cluster --locked --no-run)
  say "building the tests"
  (cd "$root" && "${package[@]}" && "${package[@]}" --message-format=json 2> /dev/null) |
    sed -nE 's/.*"kind":\["test"\].*"executable":"([^"]+)".*/\1/p'
}

inside() { "$here/shell.sh" "$@"; }

kubectl() { inside kubectl "$@"; }

install_operator() {
  local archives=() component
  for component in "${components[@]}"; do archives+=("$(archive "$component")"); done
  "$here/load.sh" "${archives[@]}"
  say "installing the operator"
  cp -R "$root/charts" "$run"
  inside "$tools/helm" dependency build "$chart"
  kubectl apply --filename "$root/deploy/operator/namespace.yaml"
  inside "$tools/helm" install retrylab "$chart" --namespace retrylab-system --wait --timeout 60s
}

finish() {
  local code=$?
  trap - EXIT
  [ "$code" = 0 ] || show_why >&2 || true
  if [ "${KEEP:-}" = 1 ]; then
    say "the cluster stays up: RETRYLAB_CLUSTER=$RETRYLAB_CLUSTER $here/shell.sh"
  else
    "$here/down.sh"
  fi
  exit "$code"
}

show_why() {
  say "what the cluster looked like"
  kubectl get retryexperiments,pods --all-namespaces --output wide
  kubectl get events --all-namespaces --sort-by .metadata.creationTimestamp | tail -n 40
  kubectl --namespace retrylab-system logs deployment/retrylab-operator --tail 100 --all-containers
}

need_packages curl=curl shellcheck=shellcheck ipset=ipset # the runbook's, and the enforcer's
tests=$(build_tests)
[ -x "$tests" ] || fail "cargo built no tests"
"$here/../images/build.sh"
"$here/../tools/build.sh" helm enforcer
trap finish EXIT
"$here/down.sh"
"$here/up.sh"
install_operator
"$here/../monitoring/stack.sh"
"$here/../monitoring/jaeger.sh"
say "running the tests"
cd "$root/operator/e2e" # where cargo would run them
# Some tests measure how late things are, so not too many at a time.
inside env RETRYLAB_AUDIT_LOG="$run/logs/audit.log" RETRYLAB_TOOLS="$tools" RETRYLAB_CHART="$chart" RUST_TEST_THREADS=2 \
  "$tests" "$@"
