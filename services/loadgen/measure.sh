#!/usr/bin/env bash
# Measures the load generator against the smallest server there can be: server on core 0, generators on core 1, several
# rounds in turn, medians. wrk is measured beside it when it is installed. Meant for a machine that does nothing else.
#
#   services/loadgen/measure.sh [closed|open|memory|stall|all]
set -euo pipefail
cd "$(dirname "$0")/../.."

rounds=${ROUNDS:-5}
what=${1:-all}
cargo build --quiet --release -p retrylab-loadgen --examples
examples=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release/examples

server=
stop_server() { [ -z "$server" ] || kill "$server"; server=; }
trap stop_server EXIT

start_server() {
  local out
  out=$(mktemp)
  taskset -c 0 "$examples/tiny_server" "$@" >"$out" &
  server=$!
  for _ in $(seq 100); do
    target=$(cat "$out")
    [ -z "$target" ] || break
    sleep 0.02
  done
  rm "$out"
}

drive() { taskset -c 1 "$examples/drive" "$@" "$target"; }
value() { grep -o "\b$1=[0-9.]*" | cut -d= -f2; }
median() { sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }

closed() {
  start_server
  local ours=() wrks=()
  for round in $(seq "$rounds"); do
    ours+=("$(drive closed 64 4 | value rate)")
    if command -v wrk >/dev/null; then
      wrks+=("$(taskset -c 1 wrk -t1 -c64 -d4s "http://$target/process" | awk '/Requests\/sec/ {printf "%d", $2}')")
    fi
    echo "closed loop, 64 connections, round $round: ${ours[-1]}/s, wrk ${wrks[-1]-not installed}/s"
  done
  stop_server
  echo "closed loop, medians: $(printf '%s\n' "${ours[@]}" | median)/s, wrk $(printf '%s\n' "${wrks[@]-}" | median)/s"
}

open() {
  start_server
  for round in $(seq "$rounds"); do
    echo "open loop, 40,000/s, round $round: $(drive open 40000 5 | tr '\n' ' ')"
  done
  stop_server
}

memory() {
  start_server
  echo "10 million requests: $(drive closed 64 "${SECONDS_MAX:-120}" | tr '\n' ' ')"
  stop_server
}

stall() {
  start_server 1000 10000
  echo "stalls of 1 s in every 10 s; expected p95=500 p99=900: $(drive open 1000 60 | tr '\n' ' ')"
  stop_server
}

case $what in
  all) closed && open && memory && stall ;;
  closed | open | memory | stall) "$what" ;;
  *) sed -n 2,5p "$0" && exit 2 ;;
esac
