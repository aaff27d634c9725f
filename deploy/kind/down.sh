#!/usr/bin/env bash
# Removes the kind cluster that RETRYLAB_KIND names, and its files. Nothing if it was not made here.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/begin.sh"

[ -f "$kind_marker" ] || { say "no kind cluster '$kind_name' was made here; nothing is removed"; exit; }
command -v kind > /dev/null || fail "kind is missing"
kind_delete
rm -rf "$kind_folder"
