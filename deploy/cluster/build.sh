#!/usr/bin/env bash
# Builds the programs of a one-node Kubernetes into $RETRYLAB_CACHE: once; again only when a pin changes.
# With RETRYLAB_KUBE_BIN, a folder that has the Kubernetes programs, etcd and CoreDNS, only the rest is built.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib/log.sh"
. "$here/lib/paths.sh"
. "$here/lib/packages.sh"
. "$here/lib/go.sh"
. "$here/lib/built.sh"

containerd=v2.4.2 # Kubernetes 1.36 needs a 2.x; Debian 12 has 1.6
export CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false"

build_kube() {
  local stamp pkg=k8s.io/component-base/version minor=${kube_version#v1.}
  stamp=$(cd "$kube_module" && cat go.mod go.sum main.go | sha256sum | cut -d' ' -f1)
  is_built "$bin/kube" "$stamp" && return
  need_go
  say "building Kubernetes $kube_version (5 to 10 minutes on two cores, once)"
  (cd "$kube_module" && go build -tags providerless -o "$bin/kube.new" -ldflags \
    "-s -w -X $pkg.gitVersion=$kube_version -X $pkg.gitMajor=1 -X $pkg.gitMinor=${minor%%.*}" .)
  install_built "$bin/kube.new" "$bin/kube" "$stamp"
}

build_containerd() {
  local program new=$bin/containerd.new at=github.com/containerd/containerd/v2/cmd
  is_built "$bin/containerd" "$containerd" && return
  need_go
  say "building containerd $containerd (about two minutes, once)"
  rm -rf "$new"
  (cd / && GOBIN=$new go install -ldflags "-s -w" $at/{containerd,containerd-shim-runc-v2,ctr}@$containerd)
  for program in ctr containerd-shim-runc-v2; do mv "$new/$program" "$bin/$program"; done
  install_built "$new/containerd" "$bin/containerd" "$containerd"
  rmdir "$new"
}

build_pause() {
  local stamp
  stamp=$(cat "$kube_module/pause/main.go" "$here/image.sh" | sha256sum | cut -d' ' -f1)
  is_built "$pause_archive" "$stamp" && return
  need_go
  (cd "$kube_module" && go build -ldflags "-s -w" -o "$bin/pause" ./pause)
  "$here/image.sh" "$pause_image" "$bin/pause" "$pause_archive.new"
  install_built "$pause_archive.new" "$pause_archive" "$stamp"
}

need_packages runc=runc iptables=iptables conntrack=conntrack openssl=openssl ip=iproute2 sysctl=procps \
  /usr/lib/cni/ptp=containernetworking-plugins
mkdir -p "$bin"
exec 9> "$bin/.lock" # two clusters may be brought up at once
flock 9
[ -n "${RETRYLAB_KUBE_BIN:-}" ] || build_kube
build_containerd
build_pause
