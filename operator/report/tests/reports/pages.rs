//! The pages that a browser looks at: `make test-reports` renders what this writes into `REPORT_PAGES`.

use std::{env, fs, path::PathBuf};

use retrylab_report::{Entry, Report, Source, html, index, markdown, not_found};

use super::given::{hostile, inconclusive, many_arms, report, running, sample};

/// Every page, by name.
pub fn pages() -> Vec<(&'static str, Report)> {
    let simulated = Report { source: Source::Simulation, ..report(sample("budgets")) };
    vec![
        ("comparison", report(sample("comparison"))),
        ("metastability", report(sample("metastability"))),
        ("budgets", simulated),
        ("hedging", report(sample("hedging"))),
        ("synchronisation", report(sample("synchronisation"))),
        ("inconclusive", inconclusive()),
        ("running", running()),
        ("hostile", hostile()),
        ("many-arms", many_arms()),
    ]
}

#[test]
fn every_page_is_below_500_kb_and_none_holds_a_script_or_an_address() {
    let folder = env::var_os("REPORT_PAGES").map(PathBuf::from);
    let mut entries = vec![];
    let mut write = |name: &str, text: &str| {
        if let Some(folder) = &folder {
            fs::write(folder.join(name), text).unwrap();
        }
    };
    for (name, report) in pages() {
        let page = html(&report);
        assert!(page.len() < 500_000, "{name}: {} bytes", page.len());
        for forbidden in ["<script", "http://", "https://", "@import", "url("] {
            assert!(!page.contains(forbidden), "{name} holds {forbidden}");
        }
        write(&format!("{name}.html"), &page);
        write(&format!("{name}.md"), &markdown(&report));
        write(&format!("{name}.json"), &serde_json::to_string_pretty(&report).unwrap());
        entries.push(Entry { namespace: "default".into(), name: name.into(), age: "5m".into(), status: report.status });
    }
    write("index.html", &index(&entries));
    write("none.html", &index(&[]));
    write("not-found.html", &not_found("/reports/lab/<nothing>"));
}
