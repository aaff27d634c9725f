# shellcheck shell=bash
# Sourced: the programs of a node, and where they come from.

kube_programs=(etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl coredns)
containerd_programs=(containerd containerd-shim-runc-v2 ctr)


# link_programs FOLDER: gives a cluster one folder for its PATH, wherever the programs come from.
link_programs() {
  local program from
  mkdir -p "$1"
  for program in "${kube_programs[@]}"; do
    from=$bin/kube
    [ -z "${RETRYLAB_KUBE_BIN:-}" ] || from=$RETRYLAB_KUBE_BIN/$program
    [ -x "$from" ] || fail "there is no $from"
    ln -sfn "$(realpath "$from")" "$1/$program"
  done
  for program in "${containerd_programs[@]}"; do ln -sfn "$bin/$program" "$1/$program"; done
}
