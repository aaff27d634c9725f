package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
)

// The schema of Grafana 12.
const schemaVersion = 42

// What a dashboard's variables may be when its queries are looked at.
var variables = strings.NewReplacer("$__range", "15m", "$window", "10s", "$namespace", "lab", "$experiment", "x")

// label_values(METRIC{SELECTOR}, LABEL)
var labelValues = regexp.MustCompile(`^label_values\((.+), (\w+)\)$`)

// checkDashboards checks every dashboard and gives their number and that of their queries.
func checkDashboards(problems *report, folder string, known metrics) (boards, queries int) {
	plugins.RegisterDefaultPlugins() // or panels' options would be looked at as anything
	for _, file := range filesIn(folder, "*.json") {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		text, err := os.ReadFile(file)
		if err != nil {
			panic(err)
		}
		// Only for what it complains about: where all is well it gives an error all the same, one that says nothing, and
		// leaves out what it was about.
		if err := new(dashboard.Dashboard).UnmarshalJSONStrict(text); err != nil && err.Error() != "" {
			problems.add(name, "not what Grafana's schema says: %v", err)
			continue
		}
		var board dashboard.Dashboard
		if err := json.Unmarshal(text, &board); err != nil {
			problems.add(name, "not what Grafana's schema says: %v", err)
			continue
		}
		if err := board.Validate(); err != nil && err.Error() != "" {
			problems.add(name, "not valid by Grafana's schema: %v", err)
		}
		boards++
		checkFrame(problems, name, &board)
		queries += checkPanels(problems, name, &board, known)
		queries += checkAround(problems, name, &board, known)
	}
	return boards, queries
}

// checkFrame checks what a dashboard says of itself. Its uid, by which people link to it, is that of its file for good.
func checkFrame(problems *report, name string, board *dashboard.Dashboard) {
	if uid := text(board.Uid); uid != "retrylab-"+name {
		problems.add(name, "its uid is %q", uid)
	}
	if board.SchemaVersion != schemaVersion {
		problems.add(name, "its schemaVersion is %d", board.SchemaVersion)
	}
	if text(board.Title) == "" || text(board.Description) == "" || len(board.Tags) == 0 {
		problems.add(name, "needs a title, a description and tags")
	}
	if list := board.Templating.List; len(list) == 0 || list[0].Name != "datasource" || list[0].Type != "datasource" {
		problems.add(name, "its first variable must be the data source")
	}
}

// checkPanels checks every panel and gives the number of queries.
func checkPanels(problems *report, name string, board *dashboard.Dashboard, known metrics) (queries int) {
	ids := map[uint32]bool{}
	for _, either := range board.Panels {
		panel := either.Panel
		if panel == nil {
			ids[either.RowPanel.Id] = true
			continue
		}
		place := name + ", panel " + text(panel.Title)
		if panel.Id == nil || ids[*panel.Id] {
			problems.add(place, "its id is not its own")
		} else {
			ids[*panel.Id] = true
		}
		if text(panel.Title) == "" || text(panel.Description) == "" {
			problems.add(place, "needs a title and a description")
		}
		if panel.FieldConfig == nil || text(panel.FieldConfig.Defaults.Unit) == "" {
			problems.add(place, "needs a unit")
		}
		if panel.GridPos == nil || panel.GridPos.X+panel.GridPos.W > 24 {
			problems.add(place, "does not fit in 24 columns")
		}
		if len(panel.Targets) == 0 {
			problems.add(place, "has no query")
		}
		for _, target := range panel.Targets {
			query, ok := target.(*prometheus.Dataquery)
			if !ok || query.Datasource == nil || text(query.Datasource.Uid) != "${datasource}" {
				problems.add(place, "a query that is not to the variable data source")
				continue
			}
			queries++
			checkQuery(problems, place, variables.Replace(query.Expr), known)
		}
	}
	return queries
}

// checkAround checks the queries of annotations and variables, and gives their number.
func checkAround(problems *report, name string, board *dashboard.Dashboard, known metrics) (queries int) {
	for _, annotation := range board.Annotations.List {
		queries++
		checkQuery(problems, name+", annotation "+annotation.Name, variables.Replace(text(annotation.Expr)), known)
	}
	for _, variable := range board.Templating.List {
		if variable.Type != "query" {
			continue
		}
		place := name + ", variable " + variable.Name
		parts := labelValues.FindStringSubmatch(variables.Replace(text(variable.Definition)))
		if parts == nil {
			problems.add(place, "is not label_values(METRIC, LABEL)")
			continue
		}
		queries++
		checkQuery(problems, place, "count by ("+parts[2]+") ("+parts[1]+")", known)
	}
	return queries
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
