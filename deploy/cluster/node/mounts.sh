# shellcheck shell=bash
# What the node writes outside its run folder goes to mounts that only its own namespace sees.

make_mounts() {
  local dir
  mount --make-rprivate /
  mkdir -p "$run/logs/pods"
  for dir in /run /var/lib/kubelet /var/lib/cni /var/log/pods /var/log/containers; do
    mkdir -p "$dir"
    mount -t tmpfs -o mode=755 tmpfs "$dir"
  done
  mkdir -p /run/netns
  mount --bind "$run/logs/pods" /var/log/pods # pods' logs are worth reading after the cluster has failed
  hide_kernel_settings
  resolve_with_cluster_dns
  # Shared below here: the mounts that the kubelet makes must reach containerd, and the other way round.
  mount --make-rshared /
}

# The kubelet wants these values and writes them for the whole machine. It writes only what differs, so a file laid over
# each shows it what it wants to see.
hide_kernel_settings() {
  local setting name
  mkdir -p /run/sysctl
  for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
    kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
    name=${setting%=*}
    echo "${setting#*=}" > "/run/sysctl/${name//\//.}"
    mount --bind "/run/sysctl/${name//\//.}" "/proc/sys/$name"
  done
}

# Commands run in here find services by name. Pods get the same server from the kubelet.
resolve_with_cluster_dns() {
  local target
  echo "nameserver $dns_ip" > "$run/resolv.conf"
  target=$(realpath --canonicalize-missing /etc/resolv.conf) # often a link into /run, which is empty by now
  mkdir -p "$(dirname "$target")"
  [ -e "$target" ] || : > "$target"
  mount --bind "$run/resolv.conf" "$target"
}
