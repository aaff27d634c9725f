# shellcheck shell=bash
# CoreDNS, beside the pods and not in one: it needs no image, and answers as soon as it is up.

start_dns() {
  cat > "$run/Corefile" << END
.:53 {
    bind $dns_ip
    errors
    cache 5
    kubernetes $dns_domain in-addr.arpa {
        kubeconfig $run/pki/dns.kubeconfig
        ttl 5
    }
}
END
  start coredns coredns -conf "$run/Corefile"
}

wait_dns() { retry 30 getent hosts "kubernetes.default.svc.$dns_domain"; }
