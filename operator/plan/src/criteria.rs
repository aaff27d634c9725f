//! Criteria: each figure, exactly, held against its bounds, and shown with as many decimals as tell it from them.
//!
//! A figure that is missing is never held to be within a bound, and neither is one that is held against a missing figure, nor 0
//! against another arm's 0: what can't be told is not passed.

use retrylab_api::{
    ArmStatus, Criterion, CriterionStatus, Fraction, Metric, Multiple, RecoveryVerdict, Span, WindowStatus,
};
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
    vec![CriterionStatus { name, arm, observed: None, bound: shown(&bounds(criterion, arms), None), holds: None }]
}

fn check(criterion: &Criterion, arm: &ArmStatus, arms: &[ArmStatus]) -> CriterionStatus {
    let figure = figure(criterion.metric, &criterion.window, arm);
    let bounds = bounds(criterion, arms);
    let each: Vec<_> = bounds.iter().map(|bound| bound.holds(figure)).collect();
    // One bound that is broken is broken, whatever is not known of another.
    let broken = each.contains(&Some(false));
    let holds = if broken { Some(false) } else { each.iter().all(Option::is_some).then_some(true) };
    CriterionStatus {
        name: criterion.name.clone(),
        arm: arm.name.clone(),
        observed: figure.map(|figure| figure.shown(&bounds)),
        bound: shown(&bounds, figure),
        holds,
    }
}

fn shown(bounds: &[Bound<'_>], figure: Option<Figure>) -> String {
    bounds.iter().map(|bound| bound.shown(figure)).collect::<Vec<_>>().join(", ")
}

/// A figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Figure {
    /// A number, and with how many decimals it is shown at least.
    Exactly(Ratio, u32),
    /// More than that number; how much more is not known.
    Above(Ratio, u32),
    /// How service came back.
    Verdict(RecoveryVerdict),
}

impl Figure {
    /// So many times the figure, as a bound; 0 times whatever it is, is 0.
    fn times(self, times: Ratio) -> Option<Limit> {
        match self {
            Self::Exactly(value, _) if value.is_zero() && !times.is_zero() => Some(Limit::TimesNothing),
            Self::Exactly(value, _) => value.times(times).map(Limit::Exactly),
            Self::Above(value, _) => {
                let limit = value.times(times)?;
                Some(if times.is_zero() { Limit::Exactly(limit) } else { Limit::Above(limit) })
            }
            Self::Verdict(_) => None,
        }
    }

    /// Whether it is known to be 0.
    const fn is_nothing(self) -> bool {
        matches!(self, Self::Exactly(value, _) if value.is_zero())
    }

    /// Whether it is no more than that; `None`: that can't be told, as of two numbers of which only a lower end is known.
    fn is_at_most(self, limit: Limit) -> Option<bool> {
        match (self, limit) {
            (Self::Exactly(value, _), Limit::Exactly(limit)) => Some(value <= limit),
            (Self::Exactly(value, _), Limit::Above(limit)) => (value <= limit).then_some(true),
            (Self::Above(value, _), Limit::Exactly(limit)) => (value >= limit).then_some(false),
            (Self::Exactly(..) | Self::Above(..), Limit::TimesNothing) => (!self.is_nothing()).then_some(false),
            (Self::Above(..), Limit::Above(_)) | (Self::Verdict(_), _) => None,
        }
    }

    /// Whether it is no less than that.
    fn is_at_least(self, limit: Limit) -> Option<bool> {
        match (self, limit) {
            (Self::Exactly(value, _), Limit::Exactly(limit)) => Some(value >= limit),
            (Self::Exactly(value, _), Limit::Above(limit)) => (value <= limit).then_some(false),
            (Self::Above(value, _), Limit::Exactly(limit)) => (value >= limit).then_some(true),
            (Self::Exactly(..) | Self::Above(..), Limit::TimesNothing) => (!self.is_nothing()).then_some(true),
            (Self::Above(..), Limit::Above(_)) | (Self::Verdict(_), _) => None,
        }
    }

    fn shown(self, bounds: &[Bound<'_>]) -> String {
        let number = |value: Ratio, least| {
            let limits: Vec<_> = bounds.iter().filter_map(Bound::number).collect();
            value.decimal(value.places_apart(least, &limits))
        };
        match self {
            Self::Exactly(value, least) => number(value, least),
            Self::Above(value, least) => format!("> {}", number(value, least)),
            Self::Verdict(verdict) => verdict.as_str().to_owned(),
        }
    }
}

/// What a figure is held against; a number with how it is written.
enum Bound<'c> {
    AtMost(Option<Limit>, Written<'c>),
    AtLeast(Option<Limit>, Written<'c>),
    OneOf(&'c [RecoveryVerdict]),
}

/// How the number of a bound is written.
enum Written<'c> {
    /// As it is.
    Number(&'c str),
    /// As a multiple of another arm's figure.
    Multiple(&'c Multiple),
}

/// The number of a bound.
#[derive(Clone, Copy)]
enum Limit {
    Exactly(Ratio),
    /// More than that: a multiple of a figure of which no more is known.
    Above(Ratio),
    /// A multiple of a figure that is 0.
    TimesNothing,
}

impl Bound<'_> {
    /// Whether the figure is within the bound; `None`: that can't be told.
    fn holds(&self, figure: Option<Figure>) -> Option<bool> {
        match (self, figure?) {
            (Self::AtMost(limit, _), figure) => figure.is_at_most((*limit)?),
            (Self::AtLeast(limit, _), figure) => figure.is_at_least((*limit)?),
            (Self::OneOf(verdicts), Figure::Verdict(verdict)) => {
                (verdict != RecoveryVerdict::Undetermined).then(|| verdicts.contains(&verdict))
            }
            (Self::OneOf(_), Figure::Exactly(..) | Figure::Above(..)) => None,
        }
    }

    /// The number, as far as it is known.
    fn number(&self) -> Option<Ratio> {
        match self {
            Self::AtMost(limit, _) | Self::AtLeast(limit, _) => match (*limit)? {
                Limit::Exactly(value) | Limit::Above(value) => Some(value),
                Limit::TimesNothing => Ratio::new(0, 1),
            },
            Self::OneOf(_) => None,
        }
    }

    /// In words, beside the figure that is held against it.
    fn shown(&self, figure: Option<Figure>) -> String {
        match self {
            Self::AtMost(limit, written) => format!("<= {}", written.shown(*limit, figure)),
            Self::AtLeast(limit, written) => format!(">= {}", written.shown(*limit, figure)),
            Self::OneOf(verdicts) => {
                format!("one of {}", verdicts.iter().map(|v| v.as_str()).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

impl Written<'_> {
    fn shown(&self, limit: Option<Limit>, figure: Option<Figure>) -> String {
        let of = match self {
            Self::Number(text) => return (*text).to_owned(),
            Self::Multiple(Multiple { arm, times }) => format!("{times} x {arm}"),
        };
        // As many decimals as the figure beside it may need.
        let number = |value: Ratio| {
            let places = match figure {
                Some(Figure::Exactly(figure, least) | Figure::Above(figure, least)) => {
                    figure.places_apart(least, &[value])
                }
                Some(Figure::Verdict(_)) | None => 0,
            };
            value.decimal(places.max(Ratio::BOUND_PLACES)).trim_end_matches('0').trim_end_matches('.').to_owned()
        };
        match limit {
            Some(Limit::Exactly(value)) => format!("{} ({of})", number(value)),
            Some(Limit::Above(value)) => format!("more than {} ({of})", number(value)),
            Some(Limit::TimesNothing) if figure.is_some_and(Figure::is_nothing) => {
                format!("0 ({of}: 0 against 0 says nothing)")
            }
            Some(Limit::TimesNothing) => format!("0 ({of})"),
            None => format!("? ({of})"),
        }
    }
}

fn bounds<'c>(criterion: &'c Criterion, arms: &[ArmStatus]) -> Vec<Bound<'c>> {
    let Criterion { name: _, metric, arm: _, window, max, min, max_of, min_of, in_ } = criterion;
    let number = |text: &'c String| (text.parse().ok().map(Limit::Exactly), Written::Number(text));
    let multiple = |of: &'c Multiple| {
        let other = arms.iter().find(|arm| arm.name == of.arm).and_then(|arm| figure(*metric, window, arm));
        (other.and_then(|other| other.times(of.times.parse().ok()?)), Written::Multiple(of))
    };
    let at_most =
        max.iter().map(number).chain(max_of.iter().map(multiple)).map(|(n, written)| Bound::AtMost(n, written));
    let at_least =
        min.iter().map(number).chain(min_of.iter().map(multiple)).map(|(n, written)| Bound::AtLeast(n, written));
    let one_of = in_.iter().map(|verdicts| Bound::OneOf(verdicts));
    at_most.chain(at_least).chain(one_of).collect()
}

/// Decimals that a ratio has at least.
const RATIO_PLACES: u32 = 3;
/// Decimals that a goodput or a latency has at least.
const COARSE_PLACES: u32 = 1;

fn figure(metric: Metric, window: &str, arm: &ArmStatus) -> Option<Figure> {
    match metric {
        Metric::LatenessP99Ms => milliseconds(arm.evidence.as_ref()?.lateness_p99_us),
        Metric::TimeToRecoveryMs => time_to_recovery(arm.recovery.as_ref()?.time_to_recovery.as_deref()?),
        Metric::RecoveryVerdict => Some(Figure::Verdict(arm.recovery.as_ref()?.verdict)),
        _ => of_window(metric, arm.windows.iter().find(|w| w.name == window)?),
    }
}

fn of_window(metric: Metric, window: &WindowStatus) -> Option<Figure> {
    let WindowStatus { requests, exact, latency, fates, .. } = window;
    let latency = latency.as_ref();
    let per_request = |count| Ratio::new(count, *requests);
    // An older operator, or an older definition, kept what is shown and no more.
    let exactly = |fraction: Option<Fraction>, shown: &Option<String>| match fraction {
        Some(fraction) => fraction.ratio(),
        None => shown.as_deref()?.parse().ok(),
    };
    let ratio = match metric {
        Metric::Amplification => per_request(window.attempts),
        Metric::WireAmplification => per_request(window.wire_attempts),
        Metric::BackendAmplification => per_request(window.backend_requests),
        Metric::SuccessRate => per_request(fates.ok + fates.ok_after_retry),
        Metric::DroppedShare => per_request(fates.dropped),
        Metric::PeakAmplification => exactly(exact.peak_amplification, &window.peak_amplification),
        Metric::RetryShare => exactly(exact.retry_share, &window.retry_share),
        Metric::WastedWork => exactly(exact.wasted_work, &window.wasted_work),
        Metric::SyncIndex => exactly(exact.sync_index, &window.sync_index),
        Metric::Goodput => return Some(Figure::Exactly(exactly(exact.goodput, &window.goodput)?, COARSE_PLACES)),
        Metric::LatencyP50Ms => return milliseconds(latency?.p50_us),
        Metric::LatencyP99Ms => return milliseconds(latency?.p99_us),
        Metric::LatencyP999Ms => return milliseconds(latency?.p999_us),
        Metric::LatenessP99Ms | Metric::TimeToRecoveryMs | Metric::RecoveryVerdict => None,
    };
    Some(Figure::Exactly(ratio?, RATIO_PLACES))
}

fn milliseconds(us: Option<u64>) -> Option<Figure> {
    Some(Figure::Exactly(Ratio::new(us?, 1_000)?, COARSE_PLACES))
}

/// In milliseconds; "> X" is more than X.
fn time_to_recovery(shown: &str) -> Option<Figure> {
    let (above, span) = shown.strip_prefix("> ").map_or((false, shown), |span| (true, span));
    let ms = span.parse::<Span>().ok()?.as_millis();
    let value = Ratio::new(ms, 1)?;
    Some(if above { Figure::Above(value, 0) } else { Figure::Exactly(value, 0) })
}

#[cfg(test)]
mod tests;
