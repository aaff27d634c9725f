#!/usr/bin/env bash
# Installs kube-prometheus-stack and Jaeger by their charts, with the ports that kind-config.yaml maps: Prometheus 9090, Grafana
# 3001 (admin, and the password that it prints), Jaeger 16686. Each of them is left out where settings.sh says so.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/begin.sh"

# install RELEASE ARGUMENT...
install() {
  say "installing $1"
  helm upgrade --install "$1" --namespace monitoring --create-namespace --wait --timeout 10m "${@:2}"
}

need_cluster
need_helm
if [ "${stack_chart[0]}" != none ]; then
  install kube-prometheus-stack "${stack_chart[@]}" "${stack_args[@]}"
fi
if [ "${jaeger_chart[0]}" != none ]; then
  install jaeger "${jaeger_chart[@]}" "${jaeger_args[@]}"
fi
[ "${stack_chart[0]} ${jaeger_chart[0]}" = "none none" ] || kubectl apply --filename "$here/stack-ports.yaml"
if [ "${stack_chart[0]}" != none ]; then
  # Its operator makes it, so helm has not waited for it: its images may still have to come.
  until_answered http://localhost:9090/-/ready Prometheus 600
  until_answered http://localhost:3001/api/health Grafana
  kubectl --namespace monitoring get secret kube-prometheus-stack-grafana \
    --output go-template='Grafana: admin, {{index .data "admin-password" | base64decode}}{{"\n"}}'
fi
[ "${jaeger_chart[0]}" = none ] || until_answered http://localhost:16686/ Jaeger
