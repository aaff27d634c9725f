# shellcheck shell=bash
# Sourced: the images and where their archives are. `localhost/` keeps every runtime from asking a registry for them.
# The archives are kept apart from a cluster's own, so that one that comes up never loads stale ones.

components=(operator client backend loadgen)
tag=${TAG:-dev}

image() { echo "localhost/retrylab-$1:$tag"; }

archive() { echo "$cache/app-images/$tag/$1.tar"; }
