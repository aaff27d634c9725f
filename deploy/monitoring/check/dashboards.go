package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/common"
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
		if said := strictly(text); said != "" {
			problems.add(name, "not what Grafana's schema says: %s", said)
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

// strictly says what of a dashboard is not as Grafana's types have it, such as a field that they don't know.
func strictly(text []byte) string {
	var said []string
	add := func(err error) {
		// Where all is well there is an error all the same, a list of none.
		if err != nil && err.Error() != "" {
			said = append(said, err.Error())
		}
	}
	add(new(dashboard.Dashboard).UnmarshalJSONStrict(text))
	// Of the fields of a panel that is not strict: it takes every one.
	type panel struct{ FieldConfig json.RawMessage }
	var board struct {
		Panels []struct {
			panel
			Panels []panel
		}
	}
	add(json.Unmarshal(text, &board))
	for _, each := range board.Panels {
		for _, panel := range append(each.Panels, each.panel) {
			add(new(dashboard.FieldConfigSource).UnmarshalJSONStrict(panel.FieldConfig))
		}
	}
	return strings.Join(said, "\n")
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

// checkPanels checks every panel, those in rows too, and gives the number of queries.
func checkPanels(problems *report, name string, board *dashboard.Dashboard, known metrics) (queries int) {
	ids := map[uint32]bool{}
	checkId := func(place string, id uint32) {
		if id == 0 || ids[id] {
			problems.add(place, "its id is not its own")
		}
		ids[id] = true
	}
	for _, either := range board.Panels {
		panels := []dashboard.Panel{}
		if row := either.RowPanel; row != nil {
			checkId(name+", row "+text(row.Title), row.Id)
			panels = row.Panels // of one that is collapsed
		} else {
			panels = append(panels, *either.Panel)
		}
		for _, panel := range panels {
			place := name + ", panel " + text(panel.Title)
			if panel.Id == nil {
				checkId(place, 0)
			} else {
				checkId(place, *panel.Id)
			}
			queries += checkPanel(problems, place, &panel, known)
		}
	}
	return queries
}

// checkPanel checks one panel and gives the number of its queries.
func checkPanel(problems *report, place string, panel *dashboard.Panel, known metrics) (queries int) {
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
		if !ok {
			problems.add(place, "a query that is not Prometheus'")
			continue
		}
		checkSource(problems, place, query.Datasource)
		queries++
		checkQuery(problems, place, variables.Replace(query.Expr), known)
	}
	return queries
}

// checkSource checks that a query goes to the data source that is chosen at the top.
func checkSource(problems *report, place string, source *common.DataSourceRef) {
	if source == nil || text(source.Uid) != "${datasource}" {
		problems.add(place, "a query that is not to the variable data source")
	}
}

// checkAround checks the queries of annotations and variables, and gives their number.
func checkAround(problems *report, name string, board *dashboard.Dashboard, known metrics) (queries int) {
	for _, annotation := range board.Annotations.List {
		place := name + ", annotation " + annotation.Name
		checkSource(problems, place, annotation.Datasource)
		queries++
		checkQuery(problems, place, variables.Replace(text(annotation.Expr)), known)
	}
	for _, variable := range board.Templating.List {
		if variable.Type != "query" {
			continue
		}
		place := name + ", variable " + variable.Name
		checkSource(problems, place, variable.Datasource)
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
