//! A report as the XML of `JUnit`, which every CI server shows: a test case for the verdict, and one for each check of a criterion. What
//! is not known is an error, never a pass and never skipped.

use std::io;

use quick_xml::{
    Writer,
    events::{BytesDecl, BytesText, Event},
};
use retrylab_api::{CriterionStatus, Verdict};
use retrylab_report::Report;

use super::source_in_words;

/// A test case, and what is wrong with it.
struct Case {
    class: String,
    name: String,
    wrong: Option<Wrong>,
}

struct Wrong {
    element: &'static str,
    kind: &'static str,
    message: String,
}

/// The document.
///
/// # Errors
/// When it can't be written.
pub fn document(report: &Report) -> anyhow::Result<String> {
    let name = &report.metadata.name;
    let checks = report.status.criteria.iter().map(|criterion| check(name, criterion));
    let cases: Vec<Case> = std::iter::once(verdict(report)).chain(checks).collect();
    let count = |element: &str| {
        let is_so = |case: &&Case| case.wrong.as_ref().is_some_and(|wrong| wrong.element == element);
        cases.iter().filter(is_so).count().to_string()
    };
    let total = cases.len().to_string();
    let (failures, errors) = (count(FAILURE), count(ERROR));
    let suite = format!("{name}, {}", source_in_words(report.source));
    let sums = [("tests", total.as_str()), ("failures", &failures), ("errors", &errors)];
    let named = |name| std::iter::once(("name", name)).chain(sums);
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    writer.create_element("testsuites").with_attributes(named(name)).write_inner_content(|writer| {
        writer
            .create_element("testsuite")
            .with_attributes(named(&suite))
            .write_inner_content(|writer| cases.iter().try_for_each(|case| test_case(writer, case)))?;
        Ok(())
    })?;
    Ok(String::from_utf8(writer.into_inner())? + "\n")
}

const FAILURE: &str = "failure";
const ERROR: &str = "error";

fn test_case(writer: &mut Writer<Vec<u8>>, Case { class, name, wrong }: &Case) -> io::Result<()> {
    let element = writer.create_element("testcase").with_attributes([("classname", class.as_str()), ("name", name)]);
    let Some(Wrong { element: outcome, kind, message }) = wrong else { return element.write_empty().map(drop) };
    let inner = |writer: &mut Writer<Vec<u8>>| {
        let attributes = [("type", *kind), ("message", message)];
        writer.create_element(*outcome).with_attributes(attributes).write_text_content(BytesText::new(message))?;
        Ok(())
    };
    element.write_inner_content(inner).map(drop)
}

/// Whether the run carries a verdict at all: that a criterion fails is said by its own case.
fn verdict(report: &Report) -> Case {
    let status = &report.status;
    let message = status.message.clone().unwrap_or_default();
    let wrong = match status.verdict {
        Some(Verdict::Passed | Verdict::Failed) => None,
        Some(verdict) => Some(Wrong { element: ERROR, kind: verdict.as_str(), message }),
        None => Some(Wrong { element: ERROR, kind: "NoVerdict", message: "the experiment is not over".into() }),
    };
    Case { class: report.metadata.name.clone(), name: "carries a verdict".into(), wrong }
}

fn check(experiment: &str, criterion: &CriterionStatus) -> Case {
    let CriterionStatus { name, arm, observed, bound, holds } = criterion;
    let observed = observed.as_deref().unwrap_or("nothing");
    let wrong = match holds {
        Some(true) => None,
        Some(false) => Some(Wrong { element: FAILURE, kind: "Failed", message: format!("{observed}, to be {bound}") }),
        None => Some(Wrong { element: ERROR, kind: "Unknown", message: format!("{observed} observed, to be {bound}") }),
    };
    Case { class: format!("{experiment}.{arm}"), name: name.clone(), wrong }
}

#[cfg(test)]
mod tests {
    use retrylab_report::Source;

    use super::*;
    use crate::experiment::tests::comparison;

    fn criterion(name: &str, holds: Option<bool>) -> CriterionStatus {
        let observed = holds.map(|_| "3.000".to_owned());
        CriterionStatus { name: name.into(), arm: "naive".into(), observed, bound: "<= 2".into(), holds }
    }

    fn shown(verdict: Option<Verdict>, criteria: Vec<CriterionStatus>) -> String {
        let mut report = Report::new(&comparison().object, vec![], Source::Simulation);
        (report.status.verdict, report.status.criteria) = (verdict, criteria);
        report.status.message = Some("a < b".into());
        document(&report).unwrap()
    }

    #[test]
    fn a_criterion_that_does_not_hold_is_a_failure_and_an_unknown_one_an_error() {
        let text = shown(
            Some(Verdict::Failed),
            vec![criterion("x", Some(true)), criterion("y", Some(false)), criterion("z", None)],
        );
        assert!(
            text.contains(r#"<testsuite name="comparison, simulated" tests="4" failures="1" errors="1">"#),
            "{text}"
        );
        assert!(text.contains(r#"<testcase classname="comparison.naive" name="x"/>"#), "{text}");
        assert!(text.contains(r#"<failure type="Failed" message="3.000, to be &lt;= 2">"#), "{text}");
        assert!(text.contains(r#"<error type="Unknown" message="nothing observed, to be &lt;= 2">"#), "{text}");
    }

    #[test]
    fn without_a_verdict_nothing_passes() {
        for verdict in [None, Some(Verdict::Inconclusive), Some(Verdict::Aborted), Some(Verdict::Error)] {
            assert!(shown(verdict, vec![]).contains(r#"tests="1" failures="0" errors="1""#), "{verdict:?}");
        }
        assert!(shown(Some(Verdict::Passed), vec![]).contains(r#"failures="0" errors="0""#));
    }
}
