#!/bin/sh
# A stand-in for kubectl in tests: answers with the files in $STAND_IN, and writes down what it was asked.
# get KIND NAME         -> get-KIND-NAME.json, else get-KIND.json, else what get-KIND.err says, with exit code 1
# get ... --watch ...   -> the n-th time watch-N.json or what watch-N.err says, else watch.json or what watch.err says; it goes on for watch.for seconds
# anything else VERB    -> VERB.txt, else what VERB.err says, with exit code 1
echo "$*" >> "$STAND_IN/asked"
verb=$1 kind=${2%%,*} name=$3
case "$*" in
*--watch*)
  answer="watch.json" error="watch" n=$(grep -c -e --watch "$STAND_IN/asked")
  [ ! -f "$STAND_IN/watch-$n.json" ] || answer="watch-$n.json"
  [ ! -f "$STAND_IN/watch-$n.err" ] || answer=none error="watch-$n"
  ;;
get*) answer="get-$kind-$name.json" error="get-$kind" ;;
*) answer="$verb.txt" error="$verb" ;;
esac
[ -f "$STAND_IN/$answer" ] || [ "$verb" != get ] || answer="get-$kind.json"
if [ -f "$STAND_IN/$answer" ]; then
  cat "$STAND_IN/$answer"
  case "$*" in *--watch*) [ ! -f "$STAND_IN/watch.for" ] || exec sleep "$(cat "$STAND_IN/watch.for")" ;; esac
else
  cat "$STAND_IN/$error.err" >&2
  exit 1
fi
