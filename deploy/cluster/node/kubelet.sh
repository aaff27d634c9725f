# shellcheck shell=bash
# The kubelet, which makes this machine a node.

start_kubelet() {
  cat > "$run/kubelet.yaml" << END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $run/pki/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: $run/pki/kubelet.crt
tlsPrivateKeyFile: $run/pki/kubelet.key
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
volumePluginDir: $run/volume-plugins
clusterDNS: [$dns_ip]
clusterDomain: $dns_domain
resolvConf: $run/resolv.conf
cgroupDriver: cgroupfs
cgroupRoot: /$cgroup
enforceNodeAllocatable: []
failCgroupV1: false
failSwapOn: false
# Images come only by load.sh, so one that is deleted to make room does not come back; and a full disk is the machine's
# affair, not the pods'.
imageGCHighThresholdPercent: 100
evictionHard: {nodefs.available: "1%", imagefs.available: "1%"}
END
  start kubelet kubelet --config "$run/kubelet.yaml" --kubeconfig "$run/pki/kubelet.kubeconfig" \
    --hostname-override "$node_name" --node-ip "$node_ip" --cert-dir "$run/pki"
}

wait_node() { retry 60 kubectl wait --for=condition=Ready "node/$node_name" --timeout=1s; }
