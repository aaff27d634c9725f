# shellcheck shell=bash
# Sourced: builds that happen once, whole or not at all. A built file has beside it a stamp of what it was made from.

# is_built FILE STAMP
is_built() { [ -e "$1" ] && [ "$(cat "$1.stamp" 2> /dev/null)" = "$2" ]; }

# install_built NEW FILE STAMP: puts NEW in place. By rename, since FILE may be running; and the stamp last, so that an
# interrupted build is done again.
install_built() {
  rm -f "$2.stamp"
  mv "$1" "$2"
  echo "$3" > "$2.stamp"
}
