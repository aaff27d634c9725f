# shellcheck shell=bash
# kube-proxy, which makes a service's address lead to its pods.

start_proxy() {
  cat > "$run/kube-proxy.yaml" << END
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
clientConnection: {kubeconfig: $run/pki/proxy.kubeconfig}
hostnameOverride: $node_name
clusterCIDR: $pod_subnet
conntrack: {maxPerCore: 0} # leaves the kernel's limits alone
END
  start kube-proxy kube-proxy --config "$run/kube-proxy.yaml"
}
