//! Criteria: each figure, as the status shows it, held against its bounds. What people read is what was judged.
//!
//! A figure that is missing is never held to be within a bound, and neither is one that is held against a missing figure.

use retrylab_api::{ArmStatus, Criterion, CriterionStatus, Metric, Multiple, RecoveryVerdict, Span, WindowStatus};
use retrylab_core::stats::Ratio;

/// Every criterion in every arm that it is about.
pub fn criteria(criteria: &[Criterion], arms: &[ArmStatus]) -> Vec<CriterionStatus> {
    criteria.iter().flat_map(|criterion| in_every_arm(criterion, arms)).collect()
}

fn in_every_arm(criterion: &Criterion, arms: &[ArmStatus]) -> Vec<CriterionStatus> {
    let others = [&criterion.max_of, &criterion.min_of].into_iter().flatten();
    let is_another = |arm: &ArmStatus| others.clone().all(|multiple| multiple.arm != arm.name);
    let is_about = |arm: &&ArmStatus| match &criterion.arm {
        Some(name) => *name == arm.name,
        None => is_another(arm),
    };
    let checks: Vec<_> = arms.iter().filter(is_about).map(|arm| check(criterion, arm, arms)).collect();
    if !checks.is_empty() {
        return checks;
    }
    // Its arm has not been run: nothing is known, and that is said.
    let (name, arm) = (criterion.name.clone(), criterion.arm.clone().unwrap_or_default());
    vec![CriterionStatus { name, arm, observed: None, bound: shown(&bounds(criterion, arms)), holds: None }]
}

fn check(criterion: &Criterion, arm: &ArmStatus, arms: &[ArmStatus]) -> CriterionStatus {
    let figure = figure(criterion.metric, &criterion.window, arm);
    let bounds = bounds(criterion, arms);
    let each: Vec<_> = bounds.iter().map(|bound| bound.holds(figure.as_ref())).collect();
    // One bound that is broken is broken, whatever is not known of another.
    let broken = each.contains(&Some(false));
    let holds = if broken { Some(false) } else { each.iter().all(Option::is_some).then_some(true) };
    CriterionStatus {
        name: criterion.name.clone(),
        arm: arm.name.clone(),
        observed: figure.map(Figure::shown),
        bound: shown(&bounds),
        holds,
    }
}

fn shown(bounds: &[Bound<'_>]) -> String {
    bounds.iter().map(Bound::shown).collect::<Vec<_>>().join(", ")
}

/// A figure as the status shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Figure {
    /// A number.
    Exactly(Ratio, String),
    /// More than that number; how much more is not known.
    Above(Ratio, String),
    /// How service came back.
    Verdict(RecoveryVerdict),
}

impl Figure {
    fn exactly(text: &str) -> Option<Self> {
        Some(Self::Exactly(text.parse().ok()?, text.to_owned()))
    }

    /// So many times the figure, as a bound; 0 times whatever it is, is 0.
    fn times(&self, times: Ratio) -> Option<Limit> {
        match self {
            Self::Exactly(value, _) => value.times(times).map(Limit::Exactly),
            Self::Above(value, _) => {
                let limit = value.times(times)?;
                let of_nothing = times == Ratio::new(0, 1)?;
                Some(if of_nothing { Limit::Exactly(limit) } else { Limit::Above(limit) })
            }
            Self::Verdict(_) => None,
        }
    }

    /// Whether it is no more than that; `None`: that can't be told, as of two numbers of which only a lower end is known.
    fn is_at_most(&self, limit: Limit) -> Option<bool> {
        match (self, limit) {
            (Self::Exactly(value, _), Limit::Exactly(limit)) => Some(*value <= limit),
            (Self::Exactly(value, _), Limit::Above(limit)) => (*value <= limit).then_some(true),
            (Self::Above(value, _), Limit::Exactly(limit)) => (*value >= limit).then_some(false),
            (Self::Above(..), Limit::Above(_)) | (Self::Verdict(_), _) => None,
        }
    }

    /// Whether it is no less than that.
    fn is_at_least(&self, limit: Limit) -> Option<bool> {
        match (self, limit) {
            (Self::Exactly(value, _), Limit::Exactly(limit)) => Some(*value >= limit),
            (Self::Exactly(value, _), Limit::Above(limit)) => (*value <= limit).then_some(false),
            (Self::Above(value, _), Limit::Exactly(limit)) => (*value >= limit).then_some(true),
            (Self::Above(..), Limit::Above(_)) | (Self::Verdict(_), _) => None,
        }
    }

    fn shown(self) -> String {
        match self {
            Self::Exactly(_, text) => text,
            Self::Above(_, text) => format!("> {text}"),
            Self::Verdict(verdict) => verdict.as_str().to_owned(),
        }
    }
}

/// What a figure is held against.
enum Bound<'c> {
    AtMost(Option<Limit>, String),
    AtLeast(Option<Limit>, String),
    OneOf(&'c [RecoveryVerdict]),
}

/// The number of a bound.
#[derive(Clone, Copy)]
enum Limit {
    Exactly(Ratio),
    /// More than that: a multiple of a figure of which no more is known.
    Above(Ratio),
}

impl Bound<'_> {
    /// Whether the figure is within the bound; `None`: that can't be told.
    fn holds(&self, figure: Option<&Figure>) -> Option<bool> {
        match (self, figure?) {
            (Self::AtMost(limit, _), figure) => figure.is_at_most((*limit)?),
            (Self::AtLeast(limit, _), figure) => figure.is_at_least((*limit)?),
            (Self::OneOf(verdicts), Figure::Verdict(verdict)) => {
                (*verdict != RecoveryVerdict::Undetermined).then(|| verdicts.contains(verdict))
            }
            (Self::OneOf(_), Figure::Exactly(..) | Figure::Above(..)) => None,
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::AtMost(_, text) => format!("<= {text}"),
            Self::AtLeast(_, text) => format!(">= {text}"),
            Self::OneOf(verdicts) => {
                format!("one of {}", verdicts.iter().map(|v| v.as_str()).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

fn bounds<'c>(criterion: &'c Criterion, arms: &[ArmStatus]) -> Vec<Bound<'c>> {
    let Criterion { name: _, metric, arm: _, window, max, min, max_of, min_of, in_ } = criterion;
    let number = |text: &String| (text.parse().ok().map(Limit::Exactly), text.clone());
    let multiple = |of: &Multiple| {
        let other = arms.iter().find(|arm| arm.name == of.arm).and_then(|arm| figure(*metric, window, arm));
        let limit = other.and_then(|other| other.times(of.times.parse().ok()?));
        let shown = match limit {
            Some(Limit::Exactly(value)) => exact(value),
            Some(Limit::Above(value)) => format!("more than {}", exact(value)),
            None => "?".to_owned(),
        };
        (limit, format!("{shown} ({} x {})", of.times, of.arm))
    };
    let at_most =
        max.iter().map(number).chain(max_of.iter().map(multiple)).map(|(value, text)| Bound::AtMost(value, text));
    let at_least =
        min.iter().map(number).chain(min_of.iter().map(multiple)).map(|(value, text)| Bound::AtLeast(value, text));
    let one_of = in_.iter().map(|verdicts| Bound::OneOf(verdicts));
    at_most.chain(at_least).chain(one_of).collect()
}

/// A multiple with all its decimals: three of a figure and three of a factor.
fn exact(value: Ratio) -> String {
    value.decimal(6).trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn figure(metric: Metric, window: &str, arm: &ArmStatus) -> Option<Figure> {
    match metric {
        Metric::LatenessP99Ms => Figure::exactly(arm.evidence.as_ref()?.lateness_p99.as_deref()?),
        Metric::TimeToRecoveryMs => time_to_recovery(arm.recovery.as_ref()?.time_to_recovery.as_deref()?),
        Metric::RecoveryVerdict => Some(Figure::Verdict(arm.recovery.as_ref()?.verdict)),
        _ => Figure::exactly(&of_window(metric, arm.windows.iter().find(|w| w.name == window)?)?),
    }
}

fn of_window(metric: Metric, window: &WindowStatus) -> Option<String> {
    let latency = window.latency.as_ref();
    match metric {
        Metric::Amplification => window.amplification.clone(),
        Metric::WireAmplification => window.wire_amplification.clone(),
        Metric::BackendAmplification => window.backend_amplification.clone(),
        Metric::PeakAmplification => window.peak_amplification.clone(),
        Metric::RetryShare => window.retry_share.clone(),
        Metric::SuccessRate => window.success_rate.clone(),
        Metric::Goodput => window.goodput.clone(),
        Metric::DroppedShare => Ratio::new(window.fates.dropped, window.requests).map(|share| share.to_string()),
        Metric::WastedWork => window.wasted_work.clone(),
        Metric::SyncIndex => window.sync_index.clone(),
        Metric::LatencyP50Ms => latency.map(|latency| latency.p50.clone()),
        Metric::LatencyP99Ms => latency.map(|latency| latency.p99.clone()),
        Metric::LatencyP999Ms => latency.map(|latency| latency.p999.clone()),
        Metric::LatenessP99Ms | Metric::TimeToRecoveryMs | Metric::RecoveryVerdict => None,
    }
}

/// In milliseconds; "> X" is more than X.
fn time_to_recovery(shown: &str) -> Option<Figure> {
    let (above, span) = shown.strip_prefix("> ").map_or((false, shown), |span| (true, span));
    let ms = span.parse::<Span>().ok()?.as_millis();
    let (value, text) = (Ratio::new(ms, 1)?, ms.to_string());
    Some(if above { Figure::Above(value, text) } else { Figure::Exactly(value, text) })
}

#[cfg(test)]
mod tests;
