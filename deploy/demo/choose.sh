# shellcheck shell=bash
# Sourced: which kind of cluster the demo uses. One that it has made before is used again.

if [ -f "$marker" ]; then
  with=$(cat "$marker")
elif docker info > /dev/null 2>&1 && command -v kind > /dev/null && command -v kubectl > /dev/null; then
  with=kind
else
  with=own
fi
case $with in
  kind) . "$here/with-kind.sh" ;;
  own) . "$here/with-own.sh" ;;
  *) fail "$marker says '$with'; it must be kind or own" ;;
esac
