// Checks the dashboards and rules that the chart ships: `check CHART DOCS`.
//
// Dashboards must be what Grafana's own types hold, without a field too many, and every query must be one that Prometheus' own
// parser takes, about metrics and labels that docs/metrics.md lists. Rules as well, and each alert has its page.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: check CHART DOCS")
		os.Exit(2)
	}
	chart, docs := os.Args[1], os.Args[2]
	var problems report
	known := readMetrics(filepath.Join(docs, "metrics.md"))
	// Recorded metrics are known to alerts and dashboards alike.
	rules := checkRules(&problems, filepath.Join(chart, "rules"), filepath.Join(docs, "alerts"), known)
	boards, queries := checkDashboards(&problems, filepath.Join(chart, "dashboards"), known)
	for _, problem := range problems {
		fmt.Println(problem)
	}
	fmt.Printf("%d dashboards with %d queries and %d rules: %d problems\n", boards, queries, rules, len(problems))
	if len(problems) > 0 || boards == 0 || queries == 0 || rules == 0 {
		os.Exit(1)
	}
}

// report collects what is wrong, each with its place.
type report []string

func (r *report) add(place, format string, values ...any) {
	*r = append(*r, place+": "+fmt.Sprintf(format, values...))
}
