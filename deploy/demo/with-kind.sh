# shellcheck shell=bash disable=SC2034 # the variables are for the scripts that source this
# Sourced: the demo in kind, on a Docker engine.

cluster_exists() { kind get clusters 2> /dev/null | grep -qx "$kind_cluster"; }

cluster_name="the kind cluster '$kind_cluster'"

cluster_up() {
  local config=()
  [ ! -f "$root/kind-config.yaml" ] || config=(--config "$root/kind-config.yaml")
  kind create cluster --name "$kind_cluster" --kubeconfig "$KUBECONFIG" --wait 120s "${config[@]}"
}

cluster_load() { # ARCHIVE...
  local archive
  for archive in "$@"; do
    say "loading $archive"
    kind load image-archive "$archive" --name "$kind_cluster"
  done
}

cluster_down() { kind delete cluster --name "$kind_cluster" --kubeconfig "$KUBECONFIG"; }

kubectl() { command kubectl "$@"; }

look_around="export KUBECONFIG=$KUBECONFIG"
