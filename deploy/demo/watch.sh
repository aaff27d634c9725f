# shellcheck shell=bash
# Sourced: waits for an experiment and says what it is doing.

# watch_experiment NAME SECONDS: a line at every change, until the condition Complete is true.
watch_experiment() {
  local began=$SECONDS now before='' template='
    {{- with .status.phase}}{{.}}{{else}}Pending{{end}}|
    {{- range .status.arms}}{{.name}} {{.phase}}, {{end}}
    {{- range .status.conditions}}
      {{- if and (eq .type "FaultActive") (eq .status "True")}}fault active{{end}}
      {{- if and (eq .type "Complete") (eq .status "True")}}|complete{{end}}{{end}}'
  until [[ $before == *'|complete' ]]; do
    now=$(kubectl get retryexperiment "$1" --output go-template="$template")
    [ "$now" = "$before" ] || report $((SECONDS - began)) "$now"
    before=$now
    [ $((SECONDS - began)) -lt "$2" ] || fail "'$1' is not complete after $2 s; to see why: $look_around"
    sleep 0.5
  done
}

report() { # SECONDS PHASE|WHAT|...
  local phase what
  IFS='|' read -r phase what _ <<< "$2"
  say "$(printf '%4d s  %-10s %s' "$1" "$phase" "${what%, }")"
}
