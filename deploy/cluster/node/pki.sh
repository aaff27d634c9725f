# shellcheck shell=bash
# Certificates and kubeconfigs. Each program has an identity of its own, so that the audit log says who wrote what.

make_certificates() {
  mkdir -p "$run/pki"
  cd "$run/pki"
  new_key sa
  new_key ca
  openssl req -x509 -new -key ca.key -days 365 -subj /CN=retrylab-ca -out ca.crt
  sign apiserver /CN=kube-apiserver \
    "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:localhost,IP:127.0.0.1,IP:$apiserver_ip,IP:$node_ip"
  sign kubelet "/O=system:nodes/CN=system:node:$node_name" "DNS:$node_name,IP:$node_ip"
  sign apiserver-to-kubelet /O=system:masters/CN=apiserver-to-kubelet
  identity admin /O=system:masters/CN=admin "$run/kubeconfig"
  identity controllers /CN=system:kube-controller-manager
  identity scheduler /CN=system:kube-scheduler
  identity kubelet "/O=system:nodes/CN=system:node:$node_name"
  identity proxy /CN=system:kube-proxy
  identity dns /O=system:masters/CN=dns # no role that comes with Kubernetes lets it read endpoint slices
  cd "$run"
}

# In the older of the two formats for such keys: the API server reads no other for service accounts.
new_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }

sign() { # NAME SUBJECT [ALTERNATIVE-NAMES]
  new_key "$1"
  openssl req -new -key "$1.key" -subj "$2" |
    openssl x509 -req -CA ca.crt -CAkey ca.key -CAcreateserial -days 365 -out "$1.crt" \
      -extfile <(echo "subjectAltName=${3:-DNS:$1}")
}

identity() { # NAME SUBJECT [KUBECONFIG]
  [ -e "$1.crt" ] || sign "$1" "$2" # the kubelet's is also a server's
  cat > "${3:-$1.kubeconfig}" << END
apiVersion: v1
kind: Config
current-context: retrylab
contexts: [{name: retrylab, context: {cluster: retrylab, user: $1}}]
clusters: [{name: retrylab, cluster: {server: "https://127.0.0.1:6443", certificate-authority-data: $(base64 -w0 ca.crt)}}]
users: [{name: $1, user: {client-certificate-data: $(base64 -w0 "$1.crt"), client-key-data: $(base64 -w0 "$1.key")}}]
END
}
