# shellcheck shell=bash
# Sourced: Prometheus and promtool, taken out of Debian's package into $RETRYLAB_CACHE. The package is not installed, since it would
# start a server on this machine.

prometheus=$cache/prometheus # has prometheus and promtool

need_prometheus() {
  local log
  [ -x "$prometheus/promtool" ] && return
  command -v apt-get > /dev/null || fail "there is no apt-get to fetch Prometheus with; put prometheus and promtool into $prometheus"
  say "fetching Prometheus"
  mkdir -p "$cache"
  prometheus_new=$(mktemp -d "$cache/prometheus.XXXXXX")
  log=$prometheus_new/log
  (cd "$prometheus_new" && apt-get update -qq && apt-get download -qq -o APT::Sandbox::User=root prometheus &&
    dpkg --extract prometheus_*.deb .) > "$log" 2>&1 || { cat "$log" >&2; fail "cannot fetch Debian's package prometheus"; }
  rm -rf "$prometheus"
  mv "$prometheus_new/usr/bin" "$prometheus"
  rm -rf "$prometheus_new"
}
