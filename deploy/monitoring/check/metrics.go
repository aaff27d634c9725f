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

// checkQuery says what is wrong with a query: its grammar, or a metric or a label that nobody exposes. That it answers 0 where
// there is nothing may only be its end, so that whoever tests whether it has an answer can leave that out.
func checkQuery(problems *report, place, query string, known metrics) {
	query = strings.TrimSuffix(query, " or vector(0)")
	expr, err := parser.ParseExpr(query)
	if err != nil {
		problems.add(place, "%v in %s", err, query)
		return
	}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch node := node.(type) {
		case *parser.VectorSelector:
			checkSelector(problems, place, node, known)
		case *parser.AggregateExpr:
			checkLabels(problems, place, node.Grouping, node.Expr, known)
		case *parser.BinaryExpr:
			if matching := node.VectorMatching; matching != nil {
				checkLabels(problems, place, matching.MatchingLabels, node.LHS, known)
				checkLabels(problems, place, matching.MatchingLabels, node.RHS, known)
				one := node.RHS // it has what group_left takes
				if matching.Card == parser.CardOneToMany {
					one = node.LHS
				}
				checkLabels(problems, place, matching.Include, one, known)
			}
		case *parser.Call:
			if node.Func.Name == "vector" {
				problems.add(place, "it has an answer even if there is nothing: %s", query)
			}
		}
		return nil
	})
}

func checkSelector(problems *report, place string, selector *parser.VectorSelector, known metrics) {
	labels, isKnown := known[selector.Name]
	if !isKnown {
		problems.add(place, "docs/metrics.md has no metric %q", selector.Name)
		return
	}
	for _, matcher := range selector.LabelMatchers {
		if matcher.Name != "__name__" && !slices.Contains(labels, matcher.Name) {
			problems.add(place, "%s has no label %q", selector.Name, matcher.Name)
		}
	}
}

// checkLabels holds the labels that series are put together by against those that they can have.
func checkLabels(problems *report, place string, labels []string, of parser.Expr, known metrics) {
	had := labelsOf(of, known)
	for _, label := range labels {
		if !slices.Contains(had, label) {
			problems.add(place, "no label %q in %s", label, of)
		}
	}
}

// labelsOf gives the labels that the series of an expression can have.
func labelsOf(expr parser.Node, known metrics) (labels []string) {
	switch expr := expr.(type) {
	case *parser.VectorSelector:
		return known[expr.Name]
	case *parser.AggregateExpr:
		if expr.Op != parser.TOPK && expr.Op != parser.BOTTOMK && !expr.Without {
			return expr.Grouping
		}
	}
	for child := range parser.ChildrenIter(expr) {
		labels = append(labels, labelsOf(child, known)...)
	}
	return labels
}
