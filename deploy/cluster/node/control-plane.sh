# shellcheck shell=bash
# etcd, the API server, the controllers and the scheduler.

etcd_url=http://127.0.0.1:2379

start_etcd() {
  # No fsync: nothing in here outlives the cluster.
  start etcd etcd --data-dir "$run/etcd" --unsafe-no-fsync --listen-client-urls "$etcd_url" \
    --advertise-client-urls "$etcd_url" --listen-peer-urls http://127.0.0.1:2380
}

start_apiserver() {
  local pki=$run/pki
  start apiserver kube-apiserver --etcd-servers "$etcd_url" --secure-port 6443 --advertise-address "$node_ip" \
    --tls-cert-file "$pki/apiserver.crt" --tls-private-key-file "$pki/apiserver.key" --client-ca-file "$pki/ca.crt" \
    --service-account-key-file "$pki/sa.key" --service-account-signing-key-file "$pki/sa.key" \
    --service-account-issuer "https://kubernetes.default.svc.$dns_domain" --service-cluster-ip-range "$service_subnet" \
    --authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction --allow-privileged \
    --kubelet-preferred-address-types InternalIP --kubelet-certificate-authority "$pki/ca.crt" \
    --kubelet-client-certificate "$pki/apiserver-to-kubelet.crt" --kubelet-client-key "$pki/apiserver-to-kubelet.key" \
    --audit-policy-file "$here/audit-policy.yaml" --audit-log-path "$run/logs/audit.log" --audit-log-maxsize 1000
  retry 60 kubectl get --raw /readyz
}

start_controllers() {
  start controllers kube-controller-manager --kubeconfig "$run/pki/controllers.kubeconfig" --leader-elect=false \
    --use-service-account-credentials --service-account-private-key-file "$run/pki/sa.key" --root-ca-file "$run/pki/ca.crt" \
    --flex-volume-plugin-dir "$run/volume-plugins"
  start scheduler kube-scheduler --kubeconfig "$run/pki/scheduler.kubeconfig" --leader-elect=false
}
