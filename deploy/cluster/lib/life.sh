# shellcheck shell=bash
# Sourced: whether a cluster lives, and how it ends. A cluster is one process tree: `unshare`, whose number is kept, and
# below it the first process of the cluster's own PID namespace. When that one ends the kernel ends all the others.

# A number alone may have gone to another process since: the command must be this cluster's too.
is_alive() { [ -s "$run/pid" ] && grep -qszxF "$run" "/proc/$(cat "$run/pid")/cmdline"; }

is_up() { [ -e "$run/ready" ] && is_alive; }

# A cluster's processes can't be seen or ended from inside one: there it would look dead, and its files would be removed under it.
# Inside, the first process is the node.
need_outside() {
  if grep -qszx '.*/deploy/cluster/node\.sh' /proc/1/cmdline; then
    fail "this is the shell of a cluster, from which none can be started or ended; leave it with exit first"
  fi
}

# init_pid: the first process of the cluster, as the host numbers it.
init_pid() {
  local pid
  pid=$(cat "$run/pid")
  tr ' ' '\n' < "/proc/$pid/task/$pid/children" | head -1
}

# end_cluster: ends every process and removes every trace but the run folder. Also cleans up after a cluster that died.
end_cluster() {
  local init
  if is_alive; then
    init=$(init_pid)
    kill -KILL "${init:-$(cat "$run/pid")}" 2> /dev/null || true
    wait_until 30 not_alive || fail "processes of cluster '$cluster' don't end (see /proc/$init)"
  fi
  wait_until 10 no_cgroups || fail "cannot remove the cgroups '$cgroup' below /sys/fs/cgroup"
}

not_alive() { ! is_alive; }

# The containers' cgroups outlive their processes by a moment.
no_cgroups() {
  local root
  for root in /sys/fs/cgroup/"$cgroup" /sys/fs/cgroup/*/"$cgroup"; do
    [ -d "$root" ] || continue
    find "$root" -depth -type d -exec rmdir {} + 2> /dev/null
    [ ! -d "$root" ] || return 1
  done
}

# wait_until SECONDS COMMAND...
wait_until() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.1
  done
}

# Only one of up and down at a time for a cluster.
lock_cluster() {
  mkdir -p "$(dirname "$lock")"
  exec 9> "$lock"
  flock --nonblock 9 && return
  say "waiting for another up or down of cluster '$cluster'"
  flock 9
}
