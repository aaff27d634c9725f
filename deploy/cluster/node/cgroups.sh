# shellcheck shell=bash
# The pods' cgroups hang below one that is this cluster's alone. The kubelet wants it to be there, with every controller.

make_cgroups() {
  local root controller
  if [ -e /sys/fs/cgroup/cgroup.controllers ]; then # version 2: one tree, controllers handed down from its top
    mkdir -p "/sys/fs/cgroup/$cgroup"
    for controller in $(< /sys/fs/cgroup/cgroup.controllers); do
      echo "+$controller" > /sys/fs/cgroup/cgroup.subtree_control 2> /dev/null ||
        echo "note: cannot hand the cgroup controller $controller to the pods"
    done
    return
  fi
  for root in /sys/fs/cgroup/*/; do # version 1: a tree for each controller
    mountpoint --quiet "$root" || continue
    # Before it is made: a new cpuset has no CPUs unless it is told to begin as a copy.
    [ ! -e "${root}cgroup.clone_children" ] || echo 1 > "${root}cgroup.clone_children"
    mkdir -p "$root$cgroup"
    # All pods together weigh as much as one process of the host, unless it is said: they are what is measured.
    [ ! -e "$root$cgroup/cpu.shares" ] || echo 20480 > "$root$cgroup/cpu.shares"
  done
}
