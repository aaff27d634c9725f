//! The random draws of one request. Each draw has a stream of its own, so that a request draws the same whatever happens
//! between its draws; and a generator is only made when something is drawn, since most requests draw nothing.

use crate::{Rng, rng, wire::OUTER_ATTEMPTS};

/// The purpose of a stream is in its upper bits: the load generator's are 0, the backend's 2.
const CLIENTS: u64 = 1 << 62;
/// The streams of one request.
const STREAMS: u64 = 64;
/// Those of its waits: it has at most 20 attempts. The rest is the throttle's, which is asked up to 39 times: for each attempt,
/// and beside 19 of them for a hedge that it turned away.
const DELAYS: u64 = 24;

/// Which request draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draws {
    seed: u64,
    serial: u64,
}

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Draw {
    /// The wait after the attempt of this number.
    Delay(u32),
    /// What the throttle says when it is asked for the time of this number, from 1 on.
    Throttle(u32),
}

impl Draws {
    /// The draws of request `serial` of everything that is seeded with `seed`.
    pub const fn new(seed: u64, serial: u64) -> Self {
        Self { seed, serial }
    }

    /// The draws of a request that is attempt `outer` of the client before, in a chain; 0: it is nobody's. An attempt that is
    /// repeated must not draw as it did before.
    pub const fn nested(seed: u64, serial: u64, outer: u32) -> Self {
        Self::new(seed ^ (outer as u64 & OUTER_ATTEMPTS as u64) << 32, serial)
    }

    pub(super) fn rng(self, draw: Draw) -> Rng {
        rng(self.seed, self.stream(draw))
    }

    const fn stream(self, draw: Draw) -> u64 {
        let within = match draw {
            Draw::Delay(attempt) => attempt as u64 % DELAYS,
            Draw::Throttle(question) => DELAYS + question as u64 % (STREAMS - DELAYS),
        };
        CLIENTS | (self.serial.wrapping_mul(STREAMS) + within) & (CLIENTS - 1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_draw_of_every_request_has_a_stream_of_its_own() {
        let streams = |serial| {
            let draws = (1..=20).map(Draw::Delay).chain((1..=39).map(Draw::Throttle));
            draws.map(move |draw| Draws::new(7, serial).stream(draw))
        };
        let all: BTreeSet<u64> = (0..100).flat_map(streams).collect();
        assert_eq!(all.len(), 5_900);
        let last = Draws::new(7, (1 << 56) - 1).stream(Draw::Throttle(39));
        assert!(last < 2 * CLIENTS, "beyond the client's streams begin the backend's");
    }
}
