package main

import (
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// targetLabels are those that the chart's monitors add to every metric of a pod.
var targetLabels = []string{"namespace", "pod", "experiment", "role", "calls"}

// metrics maps the name of a metric to its labels.
type metrics map[string][]string

var row = regexp.MustCompile("^\\| `([a-z_]+)` \\| (\\w+) \\| (.*?) \\|")

// readMetrics reads the tables of docs/metrics.md.
func readMetrics(path string) metrics {
	text, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	known := metrics{}
	for _, line := range strings.Split(string(text), "\n") {
		cells := row.FindStringSubmatch(line)
		if cells == nil {
			continue
		}
		name, kind := cells[1], cells[2]
		labels := slices.Clone(targetLabels)
		for _, label := range strings.Split(cells[3], ", ") {
			labels = append(labels, strings.Trim(label, "`"))
		}
		if kind == "histogram" {
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				known[name+suffix] = append(labels, "le")
			}
		} else {
			known[name] = append(known[name], labels...)
		}
	}
	return known
}

// checkQuery says what is wrong with a query: its grammar, or a metric or a label that nobody exposes.
func checkQuery(problems *report, place, query string, known metrics) {
	expr, err := parser.ParseExpr(query)
	if err != nil {
		problems.add(place, "%v in %s", err, query)
		return
	}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		labels, isKnown := known[selector.Name]
		if !isKnown {
			problems.add(place, "docs/metrics.md has no metric %q", selector.Name)
			return nil
		}
		for _, matcher := range selector.LabelMatchers {
			if matcher.Name != "__name__" && !slices.Contains(labels, matcher.Name) {
				problems.add(place, "%s has no label %q", selector.Name, matcher.Name)
			}
		}
		return nil
	})
}
