#!/usr/bin/env bash
# Installs the operator by its chart, with all that Prometheus and Grafana want of it where kube-prometheus-stack is there, and with
# traces where Jaeger is.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/begin.sh"

need_cluster
need_helm
values=()
if [ "${stack_chart[0]}" != none ]; then
  values+=(--set monitoring.labels.release=kube-prometheus-stack --set monitoring.serviceMonitor.enabled=true
    --set monitoring.podMonitor.enabled=true --set monitoring.prometheusRule.enabled=true --set monitoring.dashboards.enabled=true)
fi
[ "${jaeger_chart[0]}" = none ] || values+=(--set otlp.endpoint=http://jaeger-otlp.monitoring:4318)
say "installing the operator"
helm upgrade --install retrylab "$root/charts/retrylab" --dependency-update --reset-values --namespace retrylab-system \
  --create-namespace --wait --timeout 2m "${values[@]}"
# The tag is always the same, so a pod that was there before would keep the image of then.
kubectl --namespace retrylab-system rollout restart deployment/retrylab-operator
kubectl --namespace retrylab-system rollout status deployment/retrylab-operator --timeout 120s
