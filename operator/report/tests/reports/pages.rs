//! The pages that are looked at, by the test beside this file and in Chromium.

use retrylab_report::{Report, Source};

use super::given::{hostile, inconclusive, many_arms, report, running, sample};

/// Every report, by name.
pub fn pages() -> Vec<(&'static str, Report)> {
    vec![
        ("comparison", report(sample("comparison"))),
        ("metastability", report(sample("metastability"))),
        ("budgets", Report { source: Source::Simulation, ..report(sample("budgets")) }),
        ("hedging", report(sample("hedging"))),
        ("synchronisation", report(sample("synchronisation"))),
        ("inconclusive", inconclusive()),
        ("running", running()),
        ("hostile", hostile()),
        ("many-arms", many_arms()),
    ]
}
