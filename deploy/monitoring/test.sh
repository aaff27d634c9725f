#!/usr/bin/env bash
# Tests what Prometheus and Grafana are given, without either: the rules by promtool, the metrics of each component too, the
# dashboards by Grafana's own types and Prometheus' own parser.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
kube_module=$root/deploy/cluster/kube # whose Go is everybody's
. "$here/../cluster/lib/log.sh"
. "$here/../cluster/lib/cache.sh"
. "$here/../cluster/lib/packages.sh"
. "$here/../cluster/lib/go.sh"
. "$here/lib/programs.sh"

"$here/build.sh" promtool
need_go
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

say "checking the rules"
"$store/promtool" check rules "$root"/charts/retrylab/rules/*.yaml
"$store/promtool" test rules "$here/rules_test.yaml"

say "checking the dashboards"
(cd "$here" && export CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false" && go test ./check &&
  go run ./check "$root/charts/retrylab" "$root/docs")

say "checking the metrics"
(cd "$root" && cargo run --quiet --locked --package retrylab-operator --example expositions -- "$tmp")
for exposition in "$tmp"/*.prom; do
  "$store/promtool" check metrics < "$exposition" || fail "$(basename "$exposition" .prom): see above"
done
