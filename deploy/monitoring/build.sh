#!/usr/bin/env bash
# Builds programs at the versions that go.mod here pins: once; again only when it changes. Give it their names:
#   build.sh promtool prometheus prometheus-operator prometheus-config-reloader
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
kube_module=$here/../cluster/kube # it pins the Go
. "$here/../cluster/lib/log.sh"
. "$here/../cluster/lib/cache.sh"
. "$here/../cluster/lib/packages.sh"
. "$here/../cluster/lib/built.sh"
. "$here/../cluster/lib/go.sh"
. "$here/lib/programs.sh"

prometheus=github.com/prometheus/prometheus/cmd
operator=github.com/prometheus-operator/prometheus-operator/cmd

lock_store
for program in "$@"; do
  case $program in
    promtool | prometheus) build_program "$here" "$program" "$prometheus/$program" ;;
    prometheus-operator) build_program "$here" "$program" "$operator/operator" ;;
    prometheus-config-reloader) build_program "$here" "$program" "$operator/$program" ;;
    *) fail "there is no program '$program' here" ;;
  esac
done
