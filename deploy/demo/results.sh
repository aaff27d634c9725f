#!/usr/bin/env bash
# The results of an experiment, as tables: results.sh NAME
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../cluster/lib/log.sh"
. "$here/table.sh"

[ $# = 1 ] || fail "give it the name of an experiment"
print_results "$1"
