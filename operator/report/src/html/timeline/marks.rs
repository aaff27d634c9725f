//! What happened to the backend and the load, and when: shaded windows and bursts, with their names in lanes above the plot.

use maud::{Markup, html};
use retrylab_api::{RetryExperimentSpec, Span};

use super::super::scale::{Scales, pct};

/// Most lanes of names; what has no room is named in the caption only.
const LANES_MAX: u32 = 4;
/// Most letters of a name.
const LETTERS_MAX: usize = 16;
/// How wide a letter is on a phone, in percent of the plot.
const LETTER: f64 = 7.0 / 326.0 * 100.0;

/// A window or a moment of a run.
pub struct Mark {
    name: String,
    kind: Kind,
    /// From and to, in percent of the time axis.
    from: f64,
    to: f64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Fault,
    Shed,
    Burst,
}

/// The marks of every arm, in order of time.
pub fn marks(spec: &RetryExperimentSpec, scales: &Scales) -> Vec<Mark> {
    let mark = |name: &str, kind, at: u64, for_ms: u64| Mark {
        name: short(name),
        kind,
        from: scales.x(at),
        to: scales.x(at.saturating_add(for_ms)),
    };
    let faults = spec.faults.iter().map(|f| mark(&f.name, Kind::Fault, f.at.as_millis(), f.for_.as_millis()));
    let sheds = spec.load.shed.iter().map(|s| mark(&s.name, Kind::Shed, s.at.as_millis(), s.for_.as_millis()));
    let bursts = spec
        .load
        .bursts
        .iter()
        .map(|b| mark(&b.name, Kind::Burst, b.at.as_millis(), b.for_.map_or(0, Span::as_millis)));
    let mut marks: Vec<_> = faults.chain(sheds).chain(bursts).collect();
    marks.sort_by(|a, b| a.from.total_cmp(&b.from));
    marks
}

/// For each mark the lane in which its name has room.
pub fn lanes(marks: &[Mark]) -> Vec<Option<u32>> {
    let mut taken: Vec<(f64, f64, u32)> = Vec::new();
    marks
        .iter()
        .map(|mark| {
            let (from, to) = mark.extent();
            let is_free = |lane: u32| !taken.iter().any(|(f, t, l)| *l == lane && from < *t && *f < to);
            let lane = (0..LANES_MAX).find(|lane| is_free(*lane))?;
            taken.push((from, to, lane));
            Some(lane)
        })
        .collect()
}

impl Mark {
    /// Whether it is more than a moment.
    pub fn is_window(&self) -> bool {
        self.kind != Kind::Burst
    }

    /// The shaded window, or the line of a moment, down to `bottom`.
    pub fn shade(&self, bottom: f64) -> Markup {
        let (fill, edge) = match self.kind {
            Kind::Fault => ("band", "edge"),
            Kind::Shed => ("shedding", "shed-edge"),
            Kind::Burst => ("range", "burst"),
        };
        html! {
            @if self.to > self.from {
                rect class=(fill) x=(pct(self.from)) width=(pct(self.to - self.from)) y="0" height=(bottom) {}
            }
            line class=(edge) x1=(pct(self.from)) x2=(pct(self.from)) y1="0" y2=(bottom) {}
            @if self.is_window() { line class=(edge) x1=(pct(self.to)) x2=(pct(self.to)) y1="0" y2=(bottom) {} }
        }
    }

    /// Its name, on this line.
    pub fn name(&self, y: f64) -> Markup {
        let (x, anchor, dx) = if self.fits() { (self.from, "start", 5) } else { (self.to, "end", -5) };
        html! { text.name.halo x=(pct(x)) y=(y) dx=(dx) text-anchor=(anchor) { (self.name) } }
    }

    /// Whether its name fits to the right of its beginning, on a phone.
    fn fits(&self) -> bool {
        self.from + self.width() <= 100.0
    }

    fn width(&self) -> f64 {
        (self.name.chars().count() + 2) as f64 * LETTER
    }

    /// What its name takes up, in percent.
    fn extent(&self) -> (f64, f64) {
        if self.fits() { (self.from, self.from + self.width()) } else { (self.to - self.width(), self.to) }
    }
}

fn short(name: &str) -> String {
    if name.chars().count() <= LETTERS_MAX {
        return name.to_owned();
    }
    name.chars().take(LETTERS_MAX - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(name: &str, from: f64) -> Mark {
        Mark { name: name.into(), kind: Kind::Burst, from, to: from }
    }

    #[test]
    fn names_that_would_overlap_on_a_phone_are_in_lanes_of_their_own() {
        let marks = [mark("one", 0.0), mark("two", 5.0), mark("far", 80.0), mark("at-the-very-end", 99.0)];
        assert_eq!(lanes(&marks), [Some(0), Some(1), Some(0), Some(1)]);
    }

    #[test]
    fn what_has_no_room_in_four_lanes_has_no_name_in_the_plot() {
        let marks: Vec<_> = (0..6).map(|i| mark("burst", f64::from(i))).collect();
        assert_eq!(lanes(&marks), [Some(0), Some(1), Some(2), Some(3), None, None]);
    }

    #[test]
    fn a_long_name_is_cut() {
        assert_eq!(short(&"é".repeat(30)), format!("{}…", "é".repeat(15)));
    }
}
