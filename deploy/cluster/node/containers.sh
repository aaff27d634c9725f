# shellcheck shell=bash
# containerd, which runs the pods' containers through runc.

start_containerd() {
  write_cni_config "$run/cni"
  cat > "$run/containerd.toml" << END
version = 3
root = "$run/containerd"
state = "/run/containerd"

[plugins.'io.containerd.internal.v1.opt']
path = "$run/opt"

[plugins.'io.containerd.cri.v1.images']
snapshotter = "$CONTAINERD_SNAPSHOTTER"
pinned_images = { sandbox = "$pause_image" }

[plugins.'io.containerd.cri.v1.runtime']
# Some machines, themselves containers, may not lower a score.
restrict_oom_score_adj = true

[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = ["/usr/lib/cni"]
conf_dir = "$run/cni"
END
  start containerd containerd --config "$run/containerd.toml"
}

load_pause_image() {
  retry 30 ctr version
  CONTAINERD_SUPPRESS_DEPRECATION_WARNINGS=1 ctr --namespace k8s.io images import --local "$pause_archive"
}
