# shellcheck shell=bash
# A network with no way out. Every pod has a point-to-point link to the node (the CNI plugin `ptp`), which routes between
# them: with a bridge, services would need the kernel module br_netfilter, which not every machine has.

make_network() {
  ip link set lo up
  # The node's own address is on a link that leads nowhere: a pair of ends, both here.
  ip link add node0 type veth peer name nowhere
  ip address add "$node_ip/32" dev node0
  ip link set node0 up
  ip link set nowhere up
  ip address add "$dns_ip/32" dev lo
  # A service's address must have a route before kube-proxy's rules can send the packet elsewhere.
  ip route add "$service_subnet" dev node0 src "$node_ip"
  ip route add unreachable default # an error at once, not a timeout
  sysctl -qw net.ipv4.ip_forward=1
}

write_cni_config() { # FOLDER
  mkdir -p "$1"
  cat > "$1/10-pods.conflist" << END
{"cniVersion": "1.0.0", "name": "pods", "plugins": [
  {"type": "ptp", "ipam": {"type": "host-local", "dataDir": "/run/cni", "ranges": [[{"subnet": "$pod_subnet"}]],
   "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
END
}
