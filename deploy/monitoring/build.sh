#!/usr/bin/env bash
# Builds programs at the versions that go.mod here and in operator/ pin, and gets the manifests that come with one of them: once; again only
# when a pin changes. Give it their names:
#   build.sh promtool prometheus prometheus-operator prometheus-config-reloader bundle.yaml
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
operator=github.com/prometheus-operator/prometheus-operator

# The manifests of prometheus-operator's release.
get_bundle() {
  local stamp module
  stamp=$(sha256sum < "$here/operator/go.mod")
  is_built "$store/bundle.yaml" "$stamp" && return
  need_go
  module=$(cd "$here/operator" && go mod download "$operator" && go list -m -f '{{.Dir}}' "$operator")
  install -m 644 "$module/bundle.yaml" "$store/bundle.yaml.new"
  install_built "$store/bundle.yaml.new" "$store/bundle.yaml" "$stamp"
}

lock_store
for program in "$@"; do
  case $program in
    promtool | prometheus) build_program "$here" "$program" "$prometheus/$program" ;;
    prometheus-operator) build_program "$here/operator" "$program" "$operator/cmd/operator" ;;
    prometheus-config-reloader) build_program "$here/operator" "$program" "$operator/cmd/$program" ;;
    bundle.yaml) get_bundle ;;
    *) fail "there is no program '$program' here" ;;
  esac
done
