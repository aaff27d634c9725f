//! `retrylab compare`: two reports, or two arms, side by side; and which differences are more than chance.
//!
//! The ground for that is the band in which another run of the same arm would lie, by simulations of it. A difference is
//! significant only if each figure lies outside the other's band, and within its own: where something else than the policy was
//! measured, the band says nothing about it. Figures without a band, and those of a run without a verdict, are shown and not
//! judged.

use std::collections::BTreeMap;

use anyhow::bail;
use clap::Args;
use retrylab_api::{ArmStatus, PredictedBand, Verdict, WindowStatus, arm_plan, setup};
use retrylab_core::{
    sim::{Band, PREDICTION_BUDGET, PREDICTION_RUNS, predict},
    stats::Ratio,
};
use retrylab_report::Report;
use serde::Serialize;

use crate::{
    exit::{Answer, Unanswered},
    kubectl::Kubectl,
    output::{Form, NOTHING, table},
    reported::{REPORTED, Reported, arm_of},
};

/// Compares two reports arm by arm, or two arms: what differs, and whether by more than another run of the same would
#[derive(Debug, Args)]
pub struct Options {
    #[arg(help = REPORTED)]
    a: Reported,
    /// Another report; without it --arms says which two arms of the first one are compared
    b: Option<Reported>,
    /// Two arms: the first one of A, the second one of B, or of A where there is no B
    #[arg(long, value_delimiter = ',', num_args = 1, value_name = "ARM,ARM")]
    arms: Option<Vec<String>>,
    #[command(flatten)]
    kubectl: Kubectl,
    /// The form of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
}

#[derive(Debug, Serialize)]
struct Compared {
    a: String,
    b: String,
    differences: Vec<Difference>,
    /// Figures that are the same in both.
    same: usize,
    /// Arms, and windows of arms, that B has no figures of.
    #[serde(rename = "onlyInA")]
    only_in_a: Vec<String>,
    /// And those that A has none of.
    #[serde(rename = "onlyInB")]
    only_in_b: Vec<String>,
}

/// A figure that is not the same in both.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Difference {
    arms: String,
    window: String,
    figure: &'static str,
    a: String,
    b: String,
    /// Whether it is more than chance; nothing where there is no ground to tell.
    significant: Option<bool>,
}

/// The figures of a window, each with the band in which another run of the same arm would have it.
type Bands = BTreeMap<(String, &'static str), (Ratio, Ratio)>;

const AMPLIFICATION: &str = "amplification";
const WIRE: &str = "wire amplification";
const SUCCESS: &str = "success rate";

/// Runs the verb; gives what it prints.
///
/// # Errors
/// When there is no such report or arm.
pub fn run(options: &Options) -> anyhow::Result<Answer> {
    if options.b.is_none() && options.arms.is_none() {
        bail!("there is nothing to compare with: give another report, or --arms with two arms");
    }
    let a = options.a.read(&options.kubectl)?;
    let b = options.b.as_ref().map(|b| b.read(&options.kubectl)).transpose()?;
    let b_name = options.b.as_ref().unwrap_or(&options.a).to_string();
    let compared = Compared::of(options, (&a, options.a.to_string()), (b.as_ref().unwrap_or(&a), b_name))?;
    options.output.show(&compared, Compared::text).map(Answer::told)
}

impl Compared {
    fn of(options: &Options, (a, a_name): (&Report, String), (b, b_name): (&Report, String)) -> anyhow::Result<Self> {
        let pairs = match options.arms.as_deref() {
            Some([of_a, of_b]) => vec![(arm_of(a, of_a)?, arm_of(b, of_b)?)],
            Some(_) => bail!("--arms: two arms are needed, such as --arms naive,jitter"),
            None => namesakes(a, b)?,
        };
        let (mut differences, mut same) = (Vec::new(), 0);
        let only = |of: &Report, other: &Report| if options.arms.is_some() { vec![] } else { only_arms(of, other) };
        let (mut only_in_a, mut only_in_b) = (only(a, b), only(b, a));
        for (of_a, of_b) in pairs {
            let names =
                if of_a.name == of_b.name { of_a.name.clone() } else { format!("{}, {}", of_a.name, of_b.name) };
            only_in_a.extend(only_windows(of_a, of_b));
            only_in_b.extend(only_windows(of_b, of_a));
            let bands = (bands(a, of_a), bands(b, of_b));
            for window in &of_a.windows {
                let Some(other) = of_b.windows.iter().find(|other| other.name == window.name) else { continue };
                for ((figure, a), (_, b)) in figures(window).into_iter().zip(figures(other)) {
                    if a == b {
                        same += usize::from(a.is_some());
                        continue;
                    }
                    let key = (window.name.clone(), figure);
                    let significant = is_significant(a.as_ref(), bands.0.get(&key), b.as_ref(), bands.1.get(&key));
                    let shown = |value: Option<String>| value.unwrap_or_else(|| NOTHING.to_owned());
                    let (arms, window) = (names.clone(), window.name.clone());
                    differences.push(Difference { arms, window, figure, a: shown(a), b: shown(b), significant });
                }
            }
            match (recovery(of_a), recovery(of_b)) {
                (a, b) if a == b => same += usize::from(a.is_some()),
                (a, b) => {
                    let shown = |value: Option<String>| value.unwrap_or_else(|| NOTHING.to_owned());
                    let (window, a, b) = (NOTHING.to_owned(), shown(a), shown(b));
                    differences.push(Difference { arms: names, window, figure: "recovery", a, b, significant: None });
                }
            }
        }
        if differences.is_empty() && same == 0 {
            bail!(Unanswered(format!(
                "there is nothing to compare: {a_name} and {b_name} have no figure of the same window"
            )));
        }
        Ok(Self { a: a_name, b: b_name, differences, same, only_in_a, only_in_b })
    }

    fn text(&self) -> String {
        let row = |difference: &Difference| {
            let Difference { arms, window, figure, a, b, significant } = difference;
            let significant = match significant {
                Some(true) => "yes",
                Some(false) => "no",
                None => NOTHING,
            };
            [arms, window, *figure, a, b, significant].map(str::to_owned).to_vec()
        };
        let header = ["ARM", "WINDOW", "FIGURE", "A", "B", "SIGNIFICANT"];
        let only = |side: &str, what: &[String]| match what {
            [] => String::new(),
            _ => format!("only in {side}: {}\n", what.join("; ")),
        };
        format!(
            "A: {}\nB: {}\n\n{}\n{} other figures are the same. Significant: each lies outside the band in which another run of the \
             other would lie,\nand within its own; {NOTHING}: there is no ground to tell: the figure has no band, or the run no verdict\n{}{}",
            self.a,
            self.b,
            table(&header, &self.differences.iter().map(row).collect::<Vec<_>>()),
            self.same,
            only("A", &self.only_in_a),
            only("B", &self.only_in_b),
        )
    }
}

/// The arms of one that the other has not.
fn only_arms(of: &Report, other: &Report) -> Vec<String> {
    let is_missing = |arm: &&ArmStatus| other.status.arms.iter().all(|other| other.name != arm.name);
    of.status.arms.iter().filter(is_missing).map(|arm| format!("arm {}", arm.name)).collect()
}

/// The windows of one that the other has not.
fn only_windows(of: &ArmStatus, other: &ArmStatus) -> Vec<String> {
    let is_missing = |window: &&WindowStatus| other.windows.iter().all(|other| other.name != window.name);
    of.windows.iter().filter(is_missing).map(|window| format!("window {} of {}", window.name, of.name)).collect()
}

/// The arms that both have.
fn namesakes<'r>(a: &'r Report, b: &'r Report) -> anyhow::Result<Vec<(&'r ArmStatus, &'r ArmStatus)>> {
    let other = |arm: &str| b.status.arms.iter().find(|other| other.name == arm);
    let pairs: Vec<_> = a.status.arms.iter().filter_map(|arm| Some((arm, other(&arm.name)?))).collect();
    if pairs.is_empty() {
        let of_spec = |report: &Report| report.spec.arms.iter().map(|arm| arm.name.clone()).collect::<Vec<_>>();
        if of_spec(a).iter().any(|arm| of_spec(b).contains(arm)) {
            bail!(Unanswered("there is nothing to compare: no arm has begun in both".to_owned()));
        }
        let names = |report: &Report| of_spec(report).join(", ");
        bail!("no arm is in both: A has {}, B has {}; --arms says which two are compared", names(a), names(b));
    }
    Ok(pairs)
}

/// The figures of a window that people compare.
fn figures(window: &WindowStatus) -> [(&'static str, Option<String>); 6] {
    [
        (AMPLIFICATION, window.amplification.clone()),
        (WIRE, window.wire_amplification.clone()),
        ("peak amplification", window.peak_amplification.clone()),
        (SUCCESS, window.success_rate.clone()),
        ("goodput/s", window.goodput.clone()),
        ("p99 ms", window.latency.as_ref().map(|latency| latency.p99.clone())),
    ]
}

/// How service came back after the last fault, which is no window's figure.
fn recovery(arm: &ArmStatus) -> Option<String> {
    let recovery = arm.recovery.as_ref()?;
    let after = recovery.time_to_recovery.as_ref().map_or_else(String::new, |time| format!("{time} "));
    Some(after + recovery.verdict.as_str())
}

/// The bands that the report has, or that simulations of the arm give where it has none.
fn bands(report: &Report, arm: &ArmStatus) -> Bands {
    if !carries_a_verdict(report) {
        return Bands::new();
    }
    let parsed = |band: &PredictedBand| Some((band.low.parse().ok()?, band.high.parse().ok()?));
    let of_report = arm.windows.iter().filter_map(|window| Some((window, window.predicted.as_ref()?)));
    let of_report: Bands = of_report
        .flat_map(|(window, predicted)| {
            let bands = [
                (AMPLIFICATION, &predicted.amplification),
                (WIRE, &predicted.wire_amplification),
                (SUCCESS, &predicted.success_rate),
            ];
            bands.map(|(figure, band)| ((window.name.clone(), figure), band.as_ref().and_then(parsed)))
        })
        .filter_map(|(key, band)| Some((key, band?)))
        .collect();
    if of_report.is_empty() { simulated(report, &arm.name).unwrap_or_default() } else { of_report }
}

/// Whether the figures of a report may be judged at all.
fn carries_a_verdict(report: &Report) -> bool {
    matches!(report.status.verdict, Some(Verdict::Passed | Verdict::Failed))
}

fn simulated(report: &Report, arm: &str) -> Option<Bands> {
    let arm = report.spec.arms.iter().find(|of_spec| of_spec.name == arm)?;
    let setup = setup(&report.spec, &arm_plan(&report.spec, arm, ""));
    let prediction = predict(&setup, PREDICTION_RUNS, PREDICTION_BUDGET).ok()?;
    // Rounded as the figures are that are held against them.
    let rounded = |ratio: Ratio| ratio.to_string().parse().unwrap_or(ratio);
    let ends = |band: Band| (rounded(band.low), rounded(band.high));
    let of_window = |window: retrylab_core::sim::WindowPrediction| {
        [(AMPLIFICATION, window.amplification), (WIRE, window.wire_amplification), (SUCCESS, window.success_rate)]
            .map(|(figure, band)| ((window.name.clone(), figure), band.map(ends)))
    };
    Some(prediction.windows.into_iter().flat_map(of_window).filter_map(|(key, band)| Some((key, band?))).collect())
}

/// `None`: there is no ground to tell.
fn is_significant(
    a: Option<&String>,
    a_band: Option<&(Ratio, Ratio)>,
    b: Option<&String>,
    b_band: Option<&(Ratio, Ratio)>,
) -> Option<bool> {
    let (a, b): (Ratio, Ratio) = (a?.parse().ok()?, b?.parse().ok()?);
    let ((a_low, a_high), (b_low, b_high)) = (*a_band?, *b_band?);
    let (in_a, in_b) = (|figure| a_low <= figure && figure <= a_high, |figure| b_low <= figure && figure <= b_high);
    (in_a(a) && in_b(b)).then(|| !in_a(b) && !in_b(a))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(a: &str, a_band: Option<(&str, &str)>, b: &str, b_band: Option<(&str, &str)>, expected: Option<bool>) {
        let band = |band: Option<(&str, &str)>| band.map(|(low, high)| (low.parse().unwrap(), high.parse().unwrap()));
        let found = is_significant(Some(&a.into()), band(a_band).as_ref(), Some(&b.into()), band(b_band).as_ref());
        assert_eq!(found, expected, "{a} in {a_band:?}, {b} in {b_band:?}");
    }

    #[test]
    fn significance_needs_ground() {
        check("3", Some(("2.9", "3.1")), "2", Some(("1.9", "2.1")), Some(true));
        check("3", Some(("2.9", "3.1")), "3.05", Some(("2.95", "3.1")), Some(false));
        // Each must be outside the other's band: a wide one takes much for chance.
        check("3", Some(("2.9", "3.1")), "2", Some(("1.9", "3.5")), Some(false));
        // A figure outside its own band was made by something that the band knows nothing of.
        check("3.5", Some(("2.9", "3.1")), "2", Some(("1.9", "2.1")), None);
        check("3", None, "2", Some(("1.9", "2.1")), None);
        check("3", Some(("2.9", "3.1")), "2", None, None);
    }
}
