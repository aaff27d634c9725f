# shellcheck shell=bash
# Sourced: a cluster in kind. $kind_name is its name, $kind_arguments how it is made, $KUBECONFIG where it is reached.

# That there is none must be sure: whoever takes somebody else's cluster for one that isn't there makes it his own, and deletes it.
# So no answer is no "no", and there is no pipe, which under pipefail fails as well when the reader has seen enough.
kind_exists() {
  local list
  list=$(kind get clusters 2>&1) || fail "kind cannot say which clusters there are: $list"
  grep -Fqx -- "$kind_name" <<< "$list"
}

kind_create() {
  kind create cluster --name "$kind_name" --kubeconfig "$KUBECONFIG" --wait 120s "${kind_arguments[@]}"
}

kind_load() { # ARCHIVE...
  local archive
  for archive in "$@"; do
    say "loading $archive"
    kind load image-archive "$archive" --name "$kind_name"
  done
}

kind_delete() { kind delete cluster --name "$kind_name" --kubeconfig "$KUBECONFIG"; }
