package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const chart = "../../../charts/retrylab"

func knownMetrics() metrics {
	known := readMetrics("../../../docs/metrics.md")
	checkRules(new(report), filepath.Join(chart, "rules"), "../../../docs/alerts", known)
	return known
}

type object = map[string]any

// at gives what is in an object by keys, and in a list as its item of a number.
func at(in any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			in = in.(object)[step]
		case int:
			in = in.([]any)[step]
		}
	}
	return in
}

// problemsWith gives what is wrong with the dashboard of one run, changed.
func problemsWith(t *testing.T, change func(board object)) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(chart, "dashboards/run.json"))
	if err != nil {
		t.Fatal(err)
	}
	var board object
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	change(board)
	folder := t.TempDir()
	if text, err = json.Marshal(board); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "run.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	var problems report
	checkDashboards(&problems, folder, knownMetrics())
	return strings.Join(problems, "\n")
}

// collapse puts the last panel into the last row, as Grafana does when somebody collapses it.
func collapse(board object) (panel object) {
	panels := board["panels"].([]any)
	panel = panels[len(panels)-1].(object)
	panels = panels[:len(panels)-1]
	for _, row := range panels {
		if row := row.(object); row["type"] == "row" && row["title"] == "The load generator" {
			row["collapsed"], row["panels"] = true, []any{panel}
		}
	}
	board["panels"] = panels
	return panel
}

func TestTheDashboardIsGoodAsItIsAndWithARowThatIsCollapsed(t *testing.T) {
	for _, change := range []func(object){func(object) {}, func(board object) { collapse(board) }} {
		if said := problemsWith(t, change); said != "" {
			t.Error(said)
		}
	}
}

func TestABadDashboardIsRefused(t *testing.T) {
	panel := func(board object) object { return at(board, "panels", 0).(object) }
	target := func(board object) object { return at(panel(board), "targets", 0).(object) }
	expr := func(expr string) func(object) { return func(board object) { target(board)["expr"] = expr } }
	unknown := func(place func(object) any) func(object) {
		return func(board object) { place(board).(object)["tpyo"] = 1 }
	}
	for name, bad := range map[string]struct {
		change   func(object)
		expected string
	}{
		"a field too many":             {unknown(func(b object) any { return b }), "tpyo"},
		"in a panel":                   {unknown(func(b object) any { return panel(b) }), "tpyo"},
		"in a panel's fields":          {unknown(func(b object) any { return at(panel(b), "fieldConfig", "defaults") }), "tpyo"},
		"in a panel's fields, drawn":   {unknown(func(b object) any { return drawn(b) }), "tpyo"},
		"in the fields of a row":       {unknown(func(b object) any { return at(collapse(b), "fieldConfig", "defaults") }), "tpyo"},
		"in a panel's options":         {unknown(func(b object) any { return panel(b)["options"] }), "tpyo"},
		"in a query":                   {unknown(func(b object) any { return target(b) }), "tpyo"},
		"in an annotation":             {unknown(func(b object) any { return at(b, "annotations", "list", 0) }), "tpyo"},
		"in a variable":                {unknown(func(b object) any { return at(b, "templating", "list", 1) }), "tpyo"},
		"in a row":                     {unknown(func(b object) any { return at(b, "panels", rowOf(b)) }), "tpyo"},
		"in a panel of a row":          {unknown(func(b object) any { return collapse(b) }), "tpyo"},
		"a field of another type":      {func(b object) { panel(b)["gridPos"] = "left" }, "gridPos"},
		"a panel of a row":             {func(b object) { collapse(b)["title"] = "" }, "needs a title"},
		"a query in a row":             {func(b object) { at(collapse(b), "targets", 0).(object)["expr"] = "nobody" }, `no metric "nobody"`},
		"one id twice":                 {func(b object) { collapse(b)["id"] = panel(b)["id"] }, "id is not its own"},
		"no PromQL":                    {expr("sum("), "parse error"},
		"an unknown metric":            {expr("sum(nobody)"), `no metric "nobody"`},
		"an unknown label":             {expr(`retrylab_experiments{phsae="Running"}`), `no label "phsae"`},
		"an unknown label to sum by":   {expr("sum by (phsae) (retrylab_experiments)"), `no label "phsae"`},
		"one that is summed away":      {expr("sum by (phase) (sum by (verdict) (retrylab_experiments))"), `no label "phase"`},
		"one to match on":              {expr("retrylab_experiments / on (arm) retrylab_arm_amplification"), `no label "arm"`},
		"one to take over":             {expr("retrylab_arm_amplification * on (experiment) group_left (phsae) retrylab_experiment_info"), `no label "phsae"`},
		"always an answer":             {expr("sum(retrylab_experiments or vector(0))"), "even if there is nothing"},
		"another source":               {func(b object) { target(b)["datasource"].(object)["uid"] = "mine" }, "variable data source"},
		"another source of annotation": {func(b object) { at(b, "annotations", "list", 0, "datasource").(object)["uid"] = "mine" }, "variable data source"},
		"no source of an annotation":   {func(b object) { delete(at(b, "annotations", "list", 0).(object), "datasource") }, "variable data source"},
		"another source of variable":   {func(b object) { at(b, "templating", "list", 1, "datasource").(object)["uid"] = "mine" }, "variable data source"},
		"an unknown label to choose": {func(b object) {
			at(b, "templating", "list", 1).(object)["definition"] = "label_values(retrylab_experiment_info, phsae)"
		}, `no label "phsae"`},
	} {
		if said := problemsWith(t, bad.change); !strings.Contains(said, bad.expected) {
			t.Errorf("%s: expected %q, got %q", name, bad.expected, said)
		}
	}
}

// drawn gives how the first panel that is a graph draws its fields.
func drawn(board object) any {
	for _, panel := range board["panels"].([]any) {
		if panel := panel.(object); panel["type"] == "timeseries" {
			return at(panel, "fieldConfig", "defaults", "custom")
		}
	}
	panic("no graph")
}

// rowOf gives the number of the first row among the panels.
func rowOf(board object) int {
	for i, panel := range board["panels"].([]any) {
		if panel.(object)["type"] == "row" {
			return i
		}
	}
	panic("no row")
}
