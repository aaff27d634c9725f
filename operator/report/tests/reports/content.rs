//! What a report says is what the status holds, and nothing else is in it.

use retrylab_api::Verdict;
use retrylab_report::{Report, Source, advice, finding, headline, html, markdown};

use super::{
    given::{ATTACK, hostile, inconclusive, report, running, sample},
    pages,
};

#[test]
fn every_page_is_below_500_kb_and_none_holds_a_script_or_an_address() {
    for (name, report) in pages::pages() {
        let page = html(&report);
        assert!(page.len() < 500_000, "{name}: {} bytes", page.len());
        for forbidden in ["<script", "http://", "https://", "@import", "url("] {
            assert!(!page.contains(forbidden), "{name} holds {forbidden}");
        }
    }
}

#[test]
fn the_figures_on_the_page_are_those_of_the_status() {
    let report = report(sample("comparison"));
    let (page, markdown) = (html(&report), markdown(&report));
    for arm in &report.status.arms {
        for window in &arm.windows {
            let figures = [&window.amplification, &window.wire_amplification, &window.peak_amplification];
            for figure in figures.into_iter().flatten() {
                assert!(page.contains(&format!(">{figure}<")), "{} {}: {figure}", arm.name, window.name);
                assert!(markdown.contains(&format!("| {figure} |")), "{} {}: {figure}", arm.name, window.name);
            }
        }
        let recovery = arm.recovery.as_ref().unwrap();
        assert!(page.contains(&recovery.message) && page.contains(recovery.time_to_recovery.as_ref().unwrap()));
    }
    for criterion in &report.status.criteria {
        let observed = criterion.observed.as_ref().unwrap();
        assert!(page.contains(&format!(">{observed}<")) && page.contains(&criterion.name));
    }
}

#[test]
fn what_comes_from_the_object_stays_text() {
    let report = hostile();
    let page = html(&report);
    assert!(page.contains("&lt;script&gt;alert(1)"), "it is shown as it is");
    for raw in [ATTACK, "<script", "<img", "\"'>", "onerror=alert(1)>"] {
        assert!(!page.contains(raw), "{raw}");
    }
    let markdown = markdown(&report);
    for raw in ["<script", "<img", "@team", "[x]("] {
        assert!(!markdown.contains(raw), "{raw}");
    }
}

fn with_verdict(verdict: Verdict, change: impl FnOnce(&mut Report)) -> String {
    let mut report = report(sample("comparison"));
    report.status.verdict = Some(verdict);
    change(&mut report);
    headline(&report)
}

#[test]
fn the_headline_is_the_verdict_and_why() {
    let passed = "Passed: the evidence is complete, and all 3 checks hold.";
    assert_eq!(with_verdict(Verdict::Passed, |_| {}), passed);
    assert_eq!(
        with_verdict(Verdict::Passed, |report| report.status.criteria.clear()),
        "Passed: the evidence is complete, and no criteria were set."
    );
    assert_eq!(
        with_verdict(Verdict::Passed, |report| report.source = Source::Simulation),
        "Passed in simulation: the evidence is complete, and all 3 checks hold."
    );
    let failed = with_verdict(Verdict::Failed, |report| {
        report.status.criteria[1].holds = Some(false);
        report.status.criteria[1].observed = Some("0.900".into());
    });
    assert_eq!(failed, "Failed: 1 of 3 checks does not hold: backoff-saves-all in backoff is 0.900, to be >= 1.");
    let aborted = with_verdict(Verdict::Aborted, |report| {
        report.status.arms.truncate(1);
        report.status.message = Some("spec.abort is true".into());
    });
    assert_eq!(aborted, "Aborted: spec.abort is true; 1 of 3 arms are done.");
}

#[test]
fn an_inconclusive_report_says_why_first_and_concludes_nothing_from_what_lacks_evidence() {
    let report = inconclusive();
    assert_eq!(
        headline(&report),
        "Inconclusive: in backoff, only 0.871 of the planned load was sent; and 1 more. Nothing below carries a verdict."
    );
    let finding = finding(&report).unwrap();
    assert!(!finding.contains("backoff") && finding.contains("naive") && finding.contains("jitter"), "{finding}");
    let advice = advice(&report);
    assert_eq!(advice[0].what, "Run backoff again on a quieter node, or with more CPU for the load generator");
    assert_eq!(advice[0].why, "only 0.871 of the planned load was sent");
    assert!(advice[1..].iter().all(|a| !a.what.contains("backoff") && !a.why.contains("backoff")), "{advice:?}");
}

#[test]
fn a_report_of_a_run_under_way_says_so_and_advises_nothing() {
    let report = running();
    assert_eq!(headline(&report), "Running: arm backoff is under way, 2 of 3; there is no verdict yet.");
    assert_eq!(advice(&report), []);
    let page = html(&report);
    assert!(page.contains("This arm is under way since 12:00:00 UTC") && page.contains("This arm has not begun."));
}

#[test]
fn a_report_without_timelines_has_all_else() {
    let report = Report { series: vec![], ..report(sample("comparison")) };
    let page = html(&report);
    assert!(page.contains("There is no timeline of this arm.") && page.contains("Fates: how requests ended"));
}

/// What is advised, of the arms of a sample.
fn advised(sample_name: &str) -> Vec<String> {
    advice(&report(sample(sample_name))).into_iter().map(|advice| format!("{}: {}", advice.what, advice.why)).collect()
}

fn check(advised: &[String], what: &str, why: &str) {
    assert!(advised.iter().any(|a| a.contains(what) && a.contains(why)), "{advised:#?} lacks {what:?} for {why:?}");
}

#[test]
fn advice_follows_from_the_results() {
    let comparison = advised("comparison");
    check(&comparison, "Prefer jitter to ", "attempts per request instead of");
    check(&comparison, "Bound the retries of naive", "saved none of 250");
    assert!(!comparison.iter().any(|a| a.contains("Add jitter")), "a steady stream of retries is not in step");
    let metastability = advised("metastability");
    check(&metastability, "Don't run one-retry at this load", "MetastableConfirmed: ");
    check(&metastability, "Don't run one-retry at this load", "under none and budget it came back");
    check(&metastability, "Let the backend drop what nobody waits for", "100\u{a0}% of what it completed in recovery");
    let hedging = advised("hedging");
    check(&hedging, "Prefer hedged to plain", "p99 is ");
    let synchronisation = advised("synchronisation");
    check(&synchronisation, "Add jitter to exponential", "53.333 times the retries of the mean 100 ms; under additive");
    assert!(!synchronisation.iter().any(|a| a.contains("Add jitter to full")));
}
