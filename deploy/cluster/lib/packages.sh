# shellcheck shell=bash
# Sourced: the distribution's packages, installed only when what they bring is missing.

# need_packages PROBE=PACKAGE...: a probe is a command's name, or the path of a file.
need_packages() {
  local pair probe missing=()
  for pair in "$@"; do
    probe=${pair%%=*}
    if [[ $probe == /* ]]; then [ -e "$probe" ] && continue
    else command -v "$probe" > /dev/null && continue; fi
    missing+=("${pair#*=}")
  done
  [ ${#missing[@]} -eq 0 ] && return
  command -v apt-get > /dev/null || fail "please install what Debian calls: ${missing[*]}"
  [ "$(id -u)" = 0 ] || fail "please install as root: apt-get install ${missing[*]}"
  say "installing ${missing[*]}"
  local log
  log=$(mktemp)
  export DEBIAN_FRONTEND=noninteractive
  if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"; } > "$log" 2>&1; then
    cat "$log" >&2
    fail "cannot install ${missing[*]}"
  fi
  rm "$log"
}
