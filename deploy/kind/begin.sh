# shellcheck shell=bash
# Sourced first by every script here: the settings, and what all of them need. $here is this folder.

root=$(cd "$here/../.." && pwd)
. "$here/../cluster/lib/log.sh"
. "$here/../cluster/lib/cache.sh"
. "$here/settings.sh"
. "$here/cluster.sh"

# Nothing is done to a cluster that was not made here.
need_cluster() {
  if ! [ -f "$kind_marker" ] || ! kind_exists; then fail "there is no kind cluster '$kind_name' of ours; make kind-up makes it"; fi
}

# need_helm: puts a Helm 4 first in PATH, the user's or one that is built.
need_helm() {
  [[ $(helm version --template '{{.Version}}' 2> /dev/null) == v4.* ]] && return
  "$here/../tools/build.sh" helm
  . "$here/../tools/versions.sh"
  PATH=$tools:$PATH
}

# until_answered URL WHAT [SECONDS]: waits until there is an answer, 120 s by default. That a rollout is over doesn't say that a port leads there: for a second
# it may still break connections.
until_answered() {
  local deadline=$((SECONDS + ${3:-120}))
  until curl --silent --fail --output /dev/null --max-time 5 "$1"; do
    [ "$SECONDS" -lt "$deadline" ] || fail "$2 does not answer at $1"
    sleep 0.5
  done
  say "$2 answers at $1"
}
