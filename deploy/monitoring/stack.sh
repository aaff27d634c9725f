#!/usr/bin/env bash
# Brings up, in the cluster that RETRYLAB_CLUSTER names, what kube-prometheus-stack would: the real prometheus-operator and a
# Prometheus of its, with the stack's default selectors. Then adds what our chart has for them: the monitors, the rules and the
# dashboards. It is all built or fetched once, into RETRYLAB_CACHE; nothing is pulled.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
kube_module=$root/deploy/cluster/kube # it pins the Go
. "$here/../cluster/lib/log.sh"
. "$here/../cluster/lib/cache.sh"
. "$here/../cluster/lib/packages.sh"
. "$here/../cluster/lib/built.sh"
. "$here/../cluster/lib/go.sh"
. "$here/../tools/versions.sh"

module=github.com/prometheus-operator/prometheus-operator
version=$(sed -nE "s|^(require)?[[:space:]]*$module (v[0-9.]+)( //.*)?\$|\2|p" "$here/go.mod")
components=(prometheus prometheus-operator prometheus-config-reloader)
store=$cache/monitoring # the programs and the images' archives

export CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false"

# Debian's Prometheus knows no Kubernetes: it is built without discovery there.
build_programs() {
  local stamp
  stamp=$(cat "$here/go.mod" "$here/go.sum" | sha256sum)
  is_built "$store/bundle.yaml" "$stamp" && return
  need_go
  say "building prometheus-operator $version and Prometheus (about five minutes on two cores, once)"
  (cd "$here" && go build -ldflags "-s -w" -o "$store/prometheus-operator" "$module/cmd/operator" &&
    go build -ldflags "-s -w" -o "$store/" "$module/cmd/prometheus-config-reloader" \
      github.com/prometheus/prometheus/cmd/prometheus)
  install -m 644 "$(cd "$here" && go list -m -f '{{.Dir}}' "$module")/bundle.yaml" "$store/bundle.yaml.new"
  install_built "$store/bundle.yaml.new" "$store/bundle.yaml" "$stamp"
}

# An image is one program, where prometheus-operator looks for it.
build_image() { # COMPONENT
  local stamp archive=$store/$1.tar image=localhost/$1:test root buildah
  stamp=$(cat "$store/$1" "$here/stack.sh" | sha256sum)
  is_built "$archive" "$stamp" && return
  need_packages buildah=buildah
  say "packing $image"
  root=$(mktemp -d)
  buildah=(buildah --root "$root/store" --runroot "$root/run" --storage-driver vfs)
  mkdir "$root/context"
  install -m 755 "$store/$1" "$root/context/$1"
  printf 'FROM scratch\nCOPY . /bin/\nENTRYPOINT ["/bin/%s"]\n' "$1" > "$root/Dockerfile"
  "${buildah[@]}" build --quiet --isolation chroot --squash --file "$root/Dockerfile" --tag "$image" "$root/context" > /dev/null
  rm -f "$archive.new"
  "${buildah[@]}" push --quiet "$image" "docker-archive:$archive.new:$image"
  install_built "$archive.new" "$archive" "$stamp"
  rm -rf "$root"
}

kubectl() { "$here/../cluster/shell.sh" kubectl "$@"; }

# wait_for COMMAND...: until it does, for a minute at most.
wait_for() {
  local deadline=$((SECONDS + 60))
  until "$@" > /dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || fail "not within a minute: $*"
    sleep 0.2
  done
}

# What the chart makes for the stack, of the release that deploy/operator is.
of_the_chart() {
  local charts
  charts=$(mktemp -d)
  cp -R "$root/charts/." "$charts"
  "$tools/helm" dependency build "$charts/retrylab" > /dev/null
  "$tools/helm" template retrylab "$charts/retrylab" --namespace retrylab-system --values "$here/values.yaml" \
    --show-only=templates/{service-monitor,pod-monitor,prometheus-rules,dashboards}.yaml
  rm -rf "$charts"
}

mkdir -p "$store"
exec 9> "$store/.lock" # tests and a demo may want them at once
flock 9
build_programs
"$here/../tools/build.sh" helm 9>&-
for component in "${components[@]}"; do build_image "$component"; done
flock --unlock 9

archives=()
for component in "${components[@]}"; do archives+=("$store/$component.tar"); done
"$here/../cluster/load.sh" "${archives[@]}"
say "installing prometheus-operator $version"
# By default the reloader has a hundredth of a core, and takes seconds to start.
sed -E -e "s#quay.io/prometheus-operator/([a-z-]+):$version#localhost/\1:test#" \
  -e 's#^( *)- --prometheus-config-reloader=.*#&\n\1- --config-reloader-cpu-limit=0#' "$store/bundle.yaml" |
  kubectl apply --server-side --filename - > /dev/null
kubectl rollout status deployment/prometheus-operator --timeout 60s
kubectl apply --server-side --filename "$here/stack.yaml"
of_the_chart | kubectl apply --server-side --filename -
wait_for kubectl --namespace monitoring get pod prometheus-stack-0
kubectl --namespace monitoring wait --for condition=Ready pod/prometheus-stack-0 --timeout 60s
