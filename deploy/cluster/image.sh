#!/usr/bin/env bash
# Packs one static binary as a container image archive, with no container tool: image.sh IMAGE BINARY OUT.tar
# It is for the pause image, which a cluster needs before it can run anything. All others have a Dockerfile.
set -euo pipefail
[ $# = 3 ] || { sed -n '2s/^# //p' "$0" >&2; exit 2; }
image=$1 binary=$2 out=$3

case $(uname -m) in
  x86_64) arch=amd64 ;;
  aarch64) arch=arm64 ;;
  *) arch=$(uname -m) ;;
esac
name=$(basename "$binary")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

mkdir "$tmp/root" "$tmp/image"
install -m 755 "$binary" "$tmp/root/$name"
pack() { tar --owner=0 --group=0 --mtime=@0 --sort=name -cf "$@"; } # the same input makes the same image
pack "$tmp/image/layer.tar" -C "$tmp/root" "$name"
layer=$(sha256sum < "$tmp/image/layer.tar" | cut -d' ' -f1)
cat > "$tmp/image/config.json" << END
{"architecture": "$arch", "os": "linux", "config": {"Entrypoint": ["/$name"]},
 "rootfs": {"type": "layers", "diff_ids": ["sha256:$layer"]}}
END
cat > "$tmp/image/manifest.json" << END
[{"Config": "config.json", "RepoTags": ["$image"], "Layers": ["layer.tar"]}]
END
pack "$out" -C "$tmp/image" config.json layer.tar manifest.json
