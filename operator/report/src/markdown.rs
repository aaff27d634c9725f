//! The report as Markdown, short enough for a comment on a pull request: the windows of each arm are folded away.

use std::fmt::Write;

use retrylab_api::{ArmStatus, WindowStatus};

use crate::{
    Report, Source,
    advice::advice,
    comparison::{Comparison, Row},
    figure::{NOTHING, latency, percent, shown},
    headline::{finding, headline},
};

/// The report as Markdown.
pub fn markdown(report: &Report) -> String {
    let mut text = format!("### Retrylab: {}\n\n**{}**\n", safe(&report.metadata.name), safe(&headline(report)));
    if let Some(finding) = finding(report) {
        write!(text, "\n{}\n", safe(&finding)).ok();
    }
    comparison(report, &mut text);
    criteria(report, &mut text);
    next(report, &mut text);
    for arm in report.status.arms.iter().filter(|arm| !arm.windows.is_empty()) {
        windows(arm, &mut text);
    }
    let source = match report.source {
        Source::Cluster => "measured in a cluster",
        Source::Process => "measured in one process, over loopback",
        Source::Simulation => "simulated",
    };
    write!(text, "\n<sub>{source}; amplification is attempts ÷ requests</sub>\n").ok();
    text
}

fn comparison(report: &Report, text: &mut String) {
    let comparison = Comparison::of(report);
    let place = if report.spec.faults.is_empty() { "whole run" } else { comparison.window };
    table(
        text,
        &[
            &format!("arm, in {place}"),
            "amplification",
            "wire",
            "peak",
            "success",
            "goodput /s",
            "recovery",
            "p99, whole run",
        ],
        comparison.rows.iter().map(|row| compared(row).to_vec()),
    );
}

fn compared(row: &Row<'_>) -> [String; 8] {
    let figure =
        |of: fn(&WindowStatus) -> Option<&String>| shown(row.window.and_then(of).map(String::as_str)).to_owned();
    let recovery = row.arm.and_then(|arm| arm.recovery.as_ref());
    let recovery = recovery.map(|r| format!("{} {}", shown(r.time_to_recovery.as_deref()), r.verdict.as_str()));
    let p99 = row.arm.and_then(|arm| arm.latency.as_ref()).map(|l| latency(&l.p99));
    let lacks = if row.window.is_some() && !row.is_sound() { " (without evidence)" } else { "" };
    [
        format!("{}{lacks}", row.name),
        figure(|w| w.amplification.as_ref()),
        figure(|w| w.wire_amplification.as_ref()),
        figure(|w| w.peak_amplification.as_ref()),
        percent(row.window.and_then(|w| w.success_rate.as_deref())),
        figure(|w| w.goodput.as_ref()),
        recovery.unwrap_or_else(|| NOTHING.to_owned()),
        p99.unwrap_or_else(|| NOTHING.to_owned()),
    ]
}

fn criteria(report: &Report, text: &mut String) {
    if report.status.criteria.is_empty() {
        return;
    }
    let rows = report.status.criteria.iter().map(|criterion| {
        let holds = match criterion.holds {
            Some(true) => "✓ holds",
            Some(false) => "✗ does not hold",
            None => "? not known",
        };
        let observed = shown(criterion.observed.as_deref());
        [holds, &criterion.name, &criterion.arm, observed, &criterion.bound].map(str::to_owned).to_vec()
    });
    table(text, &["", "criterion", "arm", "observed", "to be"], rows);
}

fn next(report: &Report, text: &mut String) {
    let advice = advice(report);
    if advice.is_empty() {
        return;
    }
    text.push_str("\nWhat to do next:\n\n");
    for advice in advice {
        writeln!(text, "- **{}**: {}", safe(&advice.what), safe(&advice.why)).ok();
    }
}

fn windows(arm: &ArmStatus, text: &mut String) {
    write!(text, "\n<details><summary>{}, window by window</summary>\n", safe(&arm.name)).ok();
    let row = |window: &WindowStatus| {
        let found = |figure: &Option<String>| shown(figure.as_deref()).to_owned();
        let p99 = window.latency.as_ref().map_or_else(|| NOTHING.to_owned(), |l| latency(&l.p99));
        vec![
            window.name.clone(),
            window.requests.to_string(),
            window.attempts.to_string(),
            found(&window.amplification),
            found(&window.wire_amplification),
            found(&window.peak_amplification),
            percent(window.success_rate.as_deref()),
            found(&window.goodput),
            p99,
        ]
    };
    table(
        text,
        &["window", "requests", "attempts", "amplification", "wire", "peak", "success", "goodput /s", "p99"],
        arm.windows.iter().map(row),
    );
    if let Some(evidence) = arm.evidence.as_ref().filter(|evidence| !evidence.shortcomings.is_empty()) {
        writeln!(text, "\nEvidence that is missing: {}", safe(&evidence.shortcomings.join("; "))).ok();
    }
    for outside in &arm.outside_prediction {
        writeln!(text, "\nOutside the prediction: {}", safe(outside)).ok();
    }
    text.push_str("\n</details>\n");
}

/// A table with its first column to the left and all others to the right.
fn table(text: &mut String, header: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    text.push('\n');
    text.push_str(&line(header.iter().map(|name| safe(name)).collect()));
    text.push_str(&line(
        header.iter().enumerate().map(|(i, _)| if i == 0 { "---" } else { "--:" }.to_owned()).collect(),
    ));
    for row in rows {
        text.push_str(&line(row.iter().map(|cell| safe(cell)).collect()));
    }
}

/// Text that stays text: no markup, no table cell, no mention, no link comes of it.
fn safe(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '@' => safe.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' => safe.extend(['\\', c]),
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe.replace("://", ":&#47;&#47;").replace("www.", "www&#46;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_elsewhere_stays_text() {
        let check = |text, expected: &str| assert_eq!(safe(text), expected);
        check("a|b\nc", "a\\|b c");
        check("<img src=x>", "&lt;img src=x&gt;");
        check("@team **x** [l](http://e.com)", "&#64;team \\*\\*x\\*\\* \\[l\\](http:&#47;&#47;e.com)");
        check("p99 is 3.100, to be <= 3", "p99 is 3.100, to be &lt;= 3");
    }
}
