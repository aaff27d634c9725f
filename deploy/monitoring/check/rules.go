package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
)

const runbooks = "https://github.com/retrylab/retrylab/blob/main/docs/alerts/"

// checkRules checks every rule file and gives the number of rules; what they record is known from then on.
func checkRules(problems *report, folder, pages string, known metrics) int {
	var all []rulefmt.Rule
	for _, file := range filesIn(folder, "*.yaml") {
		groups, errs := rulefmt.ParseFile(file, false, model.UTF8Validation)
		for _, err := range errs {
			problems.add(filepath.Base(file), "%v", err)
		}
		if groups == nil {
			continue
		}
		for _, group := range groups.Groups {
			all = append(all, group.Rules...)
		}
	}
	for _, rule := range all {
		if rule.Record != "" {
			known[rule.Record] = append(targetLabels, "arm")
		}
	}
	alerts := map[string]bool{}
	for _, rule := range all {
		checkQuery(problems, rule.Record+rule.Alert, rule.Expr, known)
		if rule.Alert == "" {
			continue
		}
		alerts[rule.Alert] = true
		for _, annotation := range []string{"summary", "description"} {
			if rule.Annotations[annotation] == "" {
				problems.add(rule.Alert, "no annotation %s", annotation)
			}
		}
		if rule.Labels["severity"] == "" {
			problems.add(rule.Alert, "no label severity")
		}
		if url := rule.Annotations["runbook_url"]; url != runbooks+rule.Alert+".md" {
			problems.add(rule.Alert, "its runbook_url is %q", url)
		}
	}
	checkPages(problems, pages, alerts)
	return len(all)
}

// checkPages holds the alerts against their pages: each has one, and there are no others.
func checkPages(problems *report, folder string, alerts map[string]bool) {
	for _, page := range filesIn(folder, "*.md") {
		name := strings.TrimSuffix(filepath.Base(page), ".md")
		if !alerts[name] {
			problems.add(page, "there is no such alert")
		}
		delete(alerts, name)
		text, err := os.ReadFile(page)
		if err != nil || !strings.HasPrefix(string(text), "# "+name+"\n") {
			problems.add(page, "its title is not the alert's name")
		}
	}
	for name := range alerts {
		problems.add(name, "has no page in docs/alerts")
	}
}

func filesIn(folder, pattern string) []string {
	files, err := filepath.Glob(filepath.Join(folder, pattern))
	if err != nil {
		panic(err)
	}
	return files
}
