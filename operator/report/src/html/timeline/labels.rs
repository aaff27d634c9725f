//! Where a curve's name is written: beside the curve, where no other curve and no other name is near.

use super::{
    super::scale::Scales,
    curves::{Curve, Curves},
};

/// How wide a plot is on a phone, and a letter, in pixels: names that are apart there are apart everywhere.
const NARROW: f64 = 326.0;
const LETTER: f64 = 7.6;
/// What the rates at the left edge take up, in percent of the plot on a phone.
const RATES: f64 = 10.0;
/// How high a name is, and how far other curves must be from it, in pixels.
const HEIGHT: f64 = 14.0;
const CLEAR: f64 = 5.0;

/// A name and its place: percent across, pixels down.
pub struct Label {
    pub name: &'static str,
    pub class: &'static str,
    pub x: f64,
    pub y: f64,
}

/// Names for the curves that have room for one. `height` is the plot's.
pub fn place(curves: &Curves, scales: &Scales, height: f64) -> Vec<Label> {
    let mut placed: Vec<Label> = Vec::new();
    for curve in [&curves.attempts, &curves.arrivals, &curves.goodput] {
        let others: Vec<&Curve> = curves.all().into_iter().filter(|other| other.name != curve.name).collect();
        let candidates = (0..curve.mean.len()).filter_map(|i| {
            let spot = Spot::of(curve, i, curves, scales, height)?;
            let room = spot.room(&others)?;
            let free = placed.iter().all(|label| !spot.overlaps(label));
            free.then_some((room - spot.unrest, spot))
        });
        if let Some((_, spot)) = candidates.max_by(|a, b| a.0.total_cmp(&b.0)) {
            placed.push(Label { name: curve.name, class: curve.class, x: spot.x, y: spot.y });
        }
    }
    placed
}

/// A place above a stretch of a curve.
struct Spot<'c> {
    x: f64,
    /// The baseline, in pixels from the plot's top.
    y: f64,
    width: f64,
    /// How much the curve itself moves below the name, in pixels.
    unrest: f64,
    blocks: std::ops::Range<usize>,
    to_y: Box<dyn Fn(f64) -> f64 + 'c>,
}

impl<'c> Spot<'c> {
    fn of(curve: &Curve, from: usize, curves: &Curves, scales: &'c Scales, height: f64) -> Option<Self> {
        let block_ms = curves.block as u64 * curves.bucket_ms;
        let (x, width) = (scales.x(from as u64 * block_ms) + 0.5, curve.name.len() as f64 * LETTER / NARROW * 100.0);
        let blocks = (width / 100.0 * scales.end_ms as f64 / block_ms as f64).ceil() as usize;
        let range = from..(from + blocks.max(1));
        let to_y = move |value: f64| height * (1.0 - value / scales.rate);
        let below: Vec<f64> = curve.mean.get(range.clone())?.iter().map(|value| to_y(*value)).collect();
        let (high, low) = below.iter().fold((f64::MAX, 0.0), |(h, l), &y| (f64::min(h, y), f64::max(l, y)));
        let y = high - CLEAR;
        (x >= RATES && x + width <= 100.0 && y > HEIGHT).then(|| Self {
            x,
            y,
            width,
            unrest: low - high,
            blocks: range,
            to_y: Box::new(to_y),
        })
    }

    /// How far the nearest of the other curves is, at most 60 pixels; `None`: it is in the way.
    fn room(&self, others: &[&Curve]) -> Option<f64> {
        let mut room: f64 = 60.0;
        for other in others {
            for value in other.mean.get(self.blocks.clone()).unwrap_or_default() {
                let y = (self.to_y)(*value);
                let distance = if y > self.y { y - self.y } else { self.y - HEIGHT - y };
                if distance < CLEAR {
                    return None;
                }
                room = room.min(distance);
            }
        }
        Some(room)
    }

    fn overlaps(&self, label: &Label) -> bool {
        let theirs = label.name.len() as f64 * LETTER / NARROW * 100.0;
        self.x < label.x + theirs + 2.0
            && label.x < self.x + self.width + 2.0
            && (self.y - label.y).abs() < HEIGHT + 2.0
    }
}
