# shellcheck shell=bash disable=SC2016 # a $ in a template is the template's
# Sourced: the results of an experiment, as tables.

# print_results NAME
print_results() {
  fill "$1" '{{range .status.arms}}{{$arm := .name}}{{range .windows -}}
    {{$arm}}|{{.name}}|{{.requests}}|{{.attempts}}|{{.amplification}}|{{.wireAmplification}}|{{.peakAmplification}}|{{.successRate}}|{{.goodput}}
    {{end}}{{end}}' |
    lay_out '%-12s %-12s %9s %9s %7s %7s %7s %8s %10s\n' 'ARM|WINDOW|REQUESTS|ATTEMPTS|AMP|WIRE|PEAK|SUCCESS|GOODPUT/S'
  echo
  fill "$1" '{{range .status.arms -}}
    {{.name}}|{{with .recovery}}{{.timeToRecovery}}{{else}}-{{end}}|
    {{- with .latency}}{{.p50}}|{{.p99}}|{{.p999}}{{else}}-|-|-{{end}}|
    {{- with .evidence}}{{.faultDelivered}}|{{.loadAchieved}}|{{.accountingGap}}{{else}}-|-|-{{end}}
    {{end}}' |
    lay_out '%-12s %-12s %9s %9s %9s %10s %9s %6s\n' 'ARM|RECOVERY|P50 MS|P99 MS|P99.9 MS|DELIVERED|LOAD|GAP'
  echo
  fill "$1" '{{.status.verdict}}: {{.status.message}}'
}

fill() { # NAME TEMPLATE: the template with the experiment's values; lines that it doesn't fill are left out
  kubectl get retryexperiment "$1" --output go-template="$2{{\"\\n\"}}" | sed -e 's/<no value>/-/g' -e 's/^ *//' -e '/^$/d'
}

lay_out() { # FORMAT HEADINGS
  awk -F '|' -v format="$1" -v headings="$2" 'BEGIN {$0 = headings; row()} {row()}
    function row() {printf format, $1, $2, $3, $4, $5, $6, $7, $8, $9}'
}
