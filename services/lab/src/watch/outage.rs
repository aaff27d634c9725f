//! A time in which the cluster does not answer: when it is asked again, and when it is given up.

use std::{
    process,
    time::{Duration, Instant},
};

use retrylab_core::{
    Rng,
    policy::{DelayLaw, Jitter},
    rng,
};

/// An outage that is longer ends the watch.
pub const LONGEST: Duration = Duration::from_secs(5 * 60);
/// The wait before each try: 0.25 to 0.5 s before the first, twice as long before each further one, at most 5 to 10 s.
const WAIT: DelayLaw = DelayLaw::Exponential { base_ms: 500, factor: 2, cap_ms: 10_000, jitter: Jitter::Equal };

/// An outage that goes on.
#[derive(Debug)]
pub struct Outage {
    since: Instant,
    tries: u32,
    next_try: Instant,
    rng: Rng,
}

impl Outage {
    /// It begins now.
    pub fn begun(now: Instant) -> Self {
        // Whoever watches beside this process waits for other times.
        let mut outage = Self { since: now, tries: 0, next_try: now, rng: rng(u64::from(process::id()), 0) };
        outage.wait(now);
        outage
    }

    /// How long it is until the next try.
    pub fn until_next_try(&self, now: Instant) -> Duration {
        self.next_try.saturating_duration_since(now)
    }

    /// A try has failed. `false`: it was the last one.
    pub fn failed(&mut self, now: Instant) -> bool {
        self.wait(now);
        now.duration_since(self.since) < LONGEST
    }

    fn wait(&mut self, now: Instant) {
        self.next_try = now + WAIT.draw(self.tries, Duration::ZERO, &mut self.rng);
        self.tries = self.tries.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each wait is between half and all of 0.5 · 2^i s, at most 10 s. So the first five take 15.5 s at most and 7.75 s at least, and
    /// what is left of five minutes has room for 28 to 59 of the others: 33 to 64 tries, the last of which comes after the end.
    #[test]
    fn it_is_asked_less_and_less_often_and_for_five_minutes() {
        let start = Instant::now();
        let (mut outage, mut now, mut tries) = (Outage::begun(start), start, 0);
        loop {
            let wait = outage.until_next_try(now);
            let longest = Duration::from_millis(500 * 2u64.pow(tries.min(5))).min(Duration::from_secs(10));
            assert!(longest / 2 <= wait && wait <= longest, "{wait:?} before try {tries}");
            now += wait;
            tries += 1;
            if !outage.failed(now) {
                break;
            }
        }
        let lasted = now - start;
        assert!((LONGEST..LONGEST + Duration::from_secs(10)).contains(&lasted), "{lasted:?}");
        assert!((33..=65).contains(&tries), "{tries}");
    }
}
