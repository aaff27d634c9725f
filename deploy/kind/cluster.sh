# shellcheck shell=bash
# Sourced: a cluster in kind. $kind_name is its name, $kind_arguments how it is made, $KUBECONFIG where it is reached.

kind_exists() { kind get clusters 2> /dev/null | grep -qx "$kind_name"; }

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
