# shellcheck shell=bash
# Sourced: where everything is kept that is not the repository's.

cache=${RETRYLAB_CACHE:-$HOME/.cache/retrylab}
[[ $cache == /* ]] || fail "RETRYLAB_CACHE is '$cache'; it must be an absolute path"

# Overlays don't work on top of an overlay, and that is what the cache is on where the machine is itself a container.
snapshotter() {
  case $(stat --file-system --format %T "$cache") in
    overlay*) echo native ;;
    *) echo overlayfs ;;
  esac
}
