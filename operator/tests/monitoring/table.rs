//! `docs/metrics.md`, made from the expositions.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

const HEAD: &str = "# Metrics

What operator, client, backend and load generator say at `/metrics`. Made from what they say, by
`UPDATE=1 cargo test -p retrylab-operator --test monitoring`; a test compares.

The monitors of the chart add `namespace`, `pod`, `experiment`, `role` and, where a pod calls another, `calls`. Every label has
few values: arms, windows and strategies are those of one experiment, and the series end with its pods. What the operator says
of an experiment goes with the object; of experiments that are over, the 500 latest have series of their own.
";

/// A metric as it is exposed.
#[derive(Debug, Default)]
struct Exposed {
    kind: String,
    help: String,
    labels: BTreeSet<String>,
}

/// The document.
pub fn document(expositions: &[(&str, String)]) -> String {
    let mut text = HEAD.to_owned();
    for (component, exposition) in expositions {
        writeln!(text, "\n## {component}\n\n| metric | type | labels | meaning |\n|---|---|---|---|").unwrap();
        for (name, Exposed { kind, help, labels }) in metrics(exposition) {
            let labels = labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ");
            writeln!(text, "| `{name}` | {kind} | {labels} | {help} |").unwrap();
        }
    }
    text
}

/// Every metric, by name.
fn metrics(exposition: &str) -> BTreeMap<&str, Exposed> {
    let mut metrics: BTreeMap<&str, Exposed> = BTreeMap::new();
    for line in exposition.lines() {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
            help.clone_into(&mut metrics.entry(name).or_default().help);
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            kind.clone_into(&mut metrics.entry(name).or_default().kind);
        } else if let Some((series, rest)) = line.split_once('{') {
            let name = metrics.keys().copied().filter(|name| series.starts_with(name)).max_by_key(|name| name.len());
            let labels = rest.split("\",").filter_map(|pair| pair.split_once('=')).map(|(label, _)| label.to_owned());
            let metric = metrics.get_mut(name.unwrap()).unwrap();
            metric.labels.extend(labels.filter(|label| label != "le"));
        }
    }
    metrics
}
