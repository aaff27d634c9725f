#!/usr/bin/env bash
# Starts the cluster that RETRYLAB_CLUSTER names (default: dev) and waits until it is ready. Nothing if it is up already.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib/log.sh"
. "$here/lib/paths.sh"
. "$here/lib/programs.sh"
. "$here/lib/life.sh"

start() {
  mkdir -p "$run/logs"
  link_programs "$run/bin"
  # A clean environment: a proxy or a KUBECONFIG of the caller's must not reach the node's programs.
  setsid env --ignore-environment HOME="$run" PATH="$run/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    RETRYLAB_CLUSTER="$cluster" RETRYLAB_CACHE="$cache" \
    unshare --net --mount --pid --fork --mount-proc --kill-child "$here/node.sh" "$run" \
    < /dev/null > "$run/logs/node.log" 2>&1 9>&- &
  echo $! > "$run/pid"
}

# Until the node is ready, each line that it logs is a step that it has reached.
wait_ready() {
  local shown=0 deadline=$((SECONDS + 180)) line lines
  wait_until 5 is_alive || give_up "the node did not start"
  until [ -e "$run/ready" ]; do
    mapfile -t -s "$shown" lines < "$run/logs/node.log"
    for line in "${lines[@]}"; do [[ $line == "step: "* ]] && say "${line#step: }"; done
    shown=$((shown + ${#lines[@]}))
    is_alive || give_up "the node ended"
    [ "$SECONDS" -lt "$deadline" ] || give_up "not ready after 180 s"
    sleep 0.1
  done
}

give_up() {
  grep -v "^step: " "$run/logs/node.log" >&2 || true
  end_cluster
  fail "cluster '$cluster' did not come up: $1; its logs are in $run/logs"
}

[ "$(id -u)" = 0 ] || fail "a cluster needs root: for namespaces, mounts and cgroups of its own"
need_outside
lock_cluster
if is_up; then
  say "cluster '$cluster' is already up"
  exit
fi
"$here/build.sh" 9>&-
end_cluster # what a cluster that died has left
rm -rf --one-file-system "$run"
say "starting cluster '$cluster'"
trap 'end_cluster; exit 130' INT TERM
start
wait_ready
say "cluster '$cluster' is ready after ${SECONDS} s: $here/shell.sh kubectl get nodes"
