# shellcheck shell=bash
# The node's programs, as children of the first process.

declare -A programs=() # the name by the number

start() { # NAME COMMAND...
  local name=$1
  shift
  "$@" > "$run/logs/$name.log" 2>&1 < /dev/null &
  programs[$!]=$name
}

# retry SECONDS COMMAND...: until it succeeds. A program that ended in the meantime will not come back, so that ends it too.
retry() {
  local deadline=$((SECONDS + $1)) number
  shift
  until "$@" > /dev/null 2>&1; do
    for number in "${!programs[@]}"; do kill -0 "$number" 2> /dev/null || ended "${programs[$number]}"; done
    [ "$SECONDS" -lt "$deadline" ] || { echo "gave up on: $*"; exit 1; }
    sleep 0.1
  done
}

ended() {
  echo "$1 ended; the last lines of its log:"
  tail -n 5 "$run/logs/$1.log"
  exit 1
}

# A cluster is whole or it is gone: when one program ends, so do all.
supervise() {
  local number
  wait -n -p number "${!programs[@]}" || true
  ended "${programs[$number]}"
}
