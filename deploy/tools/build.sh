#!/usr/bin/env bash
# Builds tools from their Go modules into $RETRYLAB_CACHE/tools: once; again only when a pin changes. Give it their names:
#   build.sh helm kubeconform helm-docs schemas enforcer
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../cluster/lib/log.sh"
. "$here/../cluster/lib/cache.sh"
. "$here/../cluster/lib/packages.sh"
. "$here/../cluster/lib/built.sh"
kube_module=$here/../cluster/kube # it pins the Go
. "$here/../cluster/lib/go.sh"
. "$here/versions.sh"

export CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false"

# build_tool NAME MODULE PACKAGE VERSION [LDFLAGS]
build_tool() {
  is_built "$tools/$1" "$4" && return
  need_go
  say "building $1 $4 (once)"
  rm -rf "$tools/$1.new"
  (cd / && GOBIN=$tools/$1.new go install -ldflags "-s -w ${5:-}" "$2/$3@$4")
  install_built "$tools/$1.new/$1" "$tools/$1" "$4"
  rmdir "$tools/$1.new"
}

# Makes a node obey NetworkPolicies. A module of its own pins it: a part of a program, and built as that program isn't.
build_enforcer() {
  local stamp module=$here/../cluster/enforcer
  stamp=$(cat "$module"/{go.mod,go.sum,main.go} | sha256sum)
  is_built "$tools/enforcer" "$stamp" && return
  need_go
  say "building the enforcer of NetworkPolicies (once)"
  (cd "$module" && go build -ldflags "-s -w" -o "$tools/enforcer.new" .)
  install_built "$tools/enforcer.new" "$tools/enforcer" "$stamp"
}

# The schemas of Kubernetes' kinds, out of the OpenAPI document that its module has: of the version that tests run in.
build_schemas() {
  local version module
  version=$(sed -nE 's|^\s*k8s.io/kubernetes (v[0-9.]+)$|\1|p' "$kube_module/go.mod")
  is_built "$schemas/_definitions.json" "$version $(sha256sum < "$here/schemas.jq")" && return
  need_go
  need_packages jq=jq
  say "making the schemas of Kubernetes $version"
  module=$(cd "$kube_module" && go mod download -json "k8s.io/kubernetes@$version" | jq -r .Dir)
  rm -rf "$schemas.new" "$schemas"
  mkdir "$schemas.new"
  jq -f "$here/schemas.jq" "$module/api/openapi-spec/swagger.json" > "$schemas.new/_definitions.json"
  jq -r '.kinds | to_entries[] | "\(.key) \(.value)"' "$schemas.new/_definitions.json" | while read -r file definition; do
    echo "{\"\$ref\": \"_definitions.json#/definitions/$definition\"}" > "$schemas.new/$file.json"
  done
  mv "$schemas.new" "$schemas"
  echo "$version $(sha256sum < "$here/schemas.jq")" > "$schemas/_definitions.json.stamp"
}

mkdir -p "$tools"
exec 9> "$tools/.lock" # tests and a demo may want them at once
flock 9
for tool in "$@"; do
  case $tool in
    helm) build_tool helm helm.sh/helm/v4 cmd/helm "$helm_version" "-X helm.sh/helm/v4/internal/version.version=$helm_version" ;;
    kubeconform) build_tool kubeconform github.com/yannh/kubeconform cmd/kubeconform "$kubeconform_version" ;;
    helm-docs) build_tool helm-docs github.com/norwoodj/helm-docs cmd/helm-docs "$helm_docs_version" ;;
    actionlint) build_tool actionlint github.com/rhysd/actionlint cmd/actionlint "$actionlint_version" ;;
    cosign) build_tool cosign github.com/sigstore/cosign/v2 cmd/cosign "$cosign_version" ;;
    schemas) build_schemas ;;
    enforcer) build_enforcer ;;
    *) fail "there is no tool '$tool' here" ;;
  esac
done
