//! What simulations of an arm predict, beside what was measured: a figure outside its band says that something else than
//! the policy was measured, the network or the node. That is called out, and changes no verdict.

use std::sync::Arc;

use retrylab_api::{PredictedBand, PredictedFigures, PredictedRecovery, Span};
use retrylab_core::{
    sim::{Band, Prediction, RecoveryPrediction, WindowPrediction},
    stats::{Figures, Ratio, Recovery},
};

/// What is predicted of the arm that runs, once its run is over.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Foresight {
    /// Nothing: the run isn't over, or this world never predicts.
    #[default]
    None,
    /// It is still being simulated.
    Pending,
    /// What is predicted.
    Known(Arc<Prediction>),
    /// Why nothing is predicted.
    Impossible(String),
}

impl Foresight {
    /// The prediction, if there is one.
    pub fn prediction(&self) -> Option<&Prediction> {
        match self {
            Self::Known(prediction) => Some(prediction),
            Self::None | Self::Pending | Self::Impossible(_) => None,
        }
    }

    /// Why there is none, where there should be one.
    pub fn lack(&self) -> Option<String> {
        match self {
            Self::None | Self::Known(_) => None,
            Self::Pending => Some("it was not ready in time".into()),
            Self::Impossible(why) => Some(why.clone()),
        }
    }
}

/// The longest time to recovery that is predicted, where service comes back in every simulation; in milliseconds. One that
/// could not tell did not.
pub fn drain_ms(prediction: &Prediction) -> Option<u64> {
    let recovery = prediction.recovery.as_ref().filter(|recovery| recovery.recovered == prediction.runs)?;
    recovery.after_ms.map(|(_, high)| high)
}

/// A window's prediction as the status shows it.
pub fn shown(predicted: &WindowPrediction) -> PredictedFigures {
    let band = |band: &Option<Band>| {
        band.as_ref().map(|band| PredictedBand { low: band.low.to_string(), high: band.high.to_string() })
    };
    PredictedFigures {
        amplification: band(&predicted.amplification),
        wire_amplification: band(&predicted.wire_amplification),
        success_rate: band(&predicted.success_rate),
    }
}

/// A recovery's prediction as the status shows it.
pub fn recovery_shown(predicted: &RecoveryPrediction) -> PredictedRecovery {
    let span = |ms: u64| Span::from_millis(ms).to_string();
    PredictedRecovery {
        recovered: predicted.recovered,
        of: predicted.of,
        low: predicted.after_ms.map(|(low, _)| span(low)),
        high: predicted.after_ms.map(|(_, high)| span(high)),
    }
}

/// The figures of a window that are outside their bands, in words.
pub fn outside(predicted: &WindowPrediction, figures: &Figures) -> Vec<String> {
    let of = |what: &str, band: &Option<Band>, figure: Option<Ratio>| {
        let (band, figure) = (band.as_ref()?, figure?);
        let is_outside = !band.contains(figure);
        is_outside.then(|| format!("{}: {what} {figure}, predicted {} to {}", predicted.name, band.low, band.high))
    };
    [
        of("amplification", &predicted.amplification, figures.amplification),
        of("wireAmplification", &predicted.wire_amplification, figures.wire_amplification),
        of("successRate", &predicted.success_rate, figures.success_rate),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A recovery that no simulation had, in words: too soon, too late, or one where there should be none.
pub fn recovery_outside(predicted: &RecoveryPrediction, found: Recovery) -> Option<String> {
    let span = |ms: u64| Span::from_millis(ms).to_string();
    match (predicted.after_ms, found) {
        (None, Recovery::After(ms)) => Some(format!("recovery after {}, predicted none", span(ms))),
        (Some((low, high)), Recovery::After(ms)) if !(low..=high).contains(&ms) => {
            Some(format!("recovery after {}, predicted {} to {}", span(ms), span(low), span(high)))
        }
        (Some((low, high)), Recovery::LongerThan(ms)) if predicted.recovered == predicted.of && ms > high => {
            Some(format!("recovery after more than {}, predicted {} to {}", span(ms), span(low), span(high)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(text: &str) -> Ratio {
        text.parse().unwrap()
    }

    fn band(low: &str, high: &str) -> Band {
        Band { mean: ratio(low), low: ratio(low), high: ratio(high) }
    }

    fn figures(amplification: &str, success_rate: Option<&str>) -> Figures {
        let counts = retrylab_core::stats::ArmCounts::default();
        let window = retrylab_core::timeline::Window { name: "outage".into(), from_ms: 0, to_ms: None };
        Figures {
            amplification: Some(ratio(amplification)),
            success_rate: success_rate.map(ratio),
            ..counts.figures(&window)
        }
    }

    #[test]
    fn a_figure_outside_its_band_is_named_and_one_within_it_or_missing_is_not() {
        let predicted = WindowPrediction {
            name: "outage".into(),
            amplification: Some(band("2.9", "3.1")),
            wire_amplification: Some(band("1", "1")),
            success_rate: Some(band("0.1", "0.2")),
        };
        assert_eq!(outside(&predicted, &figures("3.1", Some("0.1"))), Vec::<String>::new());
        assert_eq!(outside(&predicted, &figures("2.9", None)), Vec::<String>::new());
        assert_eq!(
            outside(&predicted, &figures("3.101", Some("0.099"))),
            [
                "outage: amplification 3.101, predicted 2.900 to 3.100",
                "outage: successRate 0.099, predicted 0.100 to 0.200",
            ]
        );
    }

    #[test]
    fn a_drain_time_is_foretold_only_where_every_simulation_came_back() {
        let of = |recovered, of| {
            let recovery = Some(RecoveryPrediction { recovered, of, after_ms: Some((1_000, 4_000)) });
            drain_ms(&Prediction { runs: 12, windows: vec![], recovery, events: 0 })
        };
        assert_eq!(of(12, 12), Some(4_000));
        assert_eq!(of(11, 12), None);
        assert_eq!(of(3, 3), None, "nine could not tell");
    }

    #[test]
    fn a_recovery_that_no_simulation_had_is_named() {
        let some = RecoveryPrediction { recovered: 12, of: 12, after_ms: Some((1_000, 4_000)) };
        let few = RecoveryPrediction { recovered: 3, ..some };
        let none = RecoveryPrediction { recovered: 0, of: 12, after_ms: None };
        let check = |predicted: &RecoveryPrediction, found, expected: Option<&str>| {
            assert_eq!(recovery_outside(predicted, found).as_deref(), expected);
        };
        check(&some, Recovery::After(4_000), None);
        check(&some, Recovery::After(5_000), Some("recovery after 5s, predicted 1s to 4s"));
        check(&some, Recovery::After(0), Some("recovery after 0s, predicted 1s to 4s"));
        check(&some, Recovery::LongerThan(4_000), None);
        check(&some, Recovery::LongerThan(9_000), Some("recovery after more than 9s, predicted 1s to 4s"));
        check(&few, Recovery::LongerThan(9_000), None);
        check(&none, Recovery::LongerThan(9_000), None);
        check(&none, Recovery::After(0), Some("recovery after 0s, predicted none"));
    }
}
