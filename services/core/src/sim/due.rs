//! By when a setup's pushes, its faults and bursts, can be forgotten: what is down for longer is not down by the backlog alone.

use super::Setup;
use crate::{
    load::{ArrivalLaw, Burst, BurstSize, LoadShape},
    stats::{BUCKET_MS, Bound, Disturbance, Load, Outage},
    timeline::MAX_DURATION_MS,
};

impl Setup {
    /// When the last fault or burst is over; 0 without any.
    pub fn last_push_ms(&self) -> u64 {
        self.pushes().map(|(_, to_ms)| to_ms).max().unwrap_or(0)
    }

    /// How long the backlog of all pushes may last after the last of them, under a steady load of so many requests per 1,000 s:
    /// as long as the longest schedule where there is no telling. `None`: that load alone is beyond the capacity.
    pub fn due_ms(&self, load_per_ks: u64) -> Option<u64> {
        // A burst at one instant is a push of the grain's length.
        let length_ms = together_ms(self.pushes().collect()).max(BUCKET_MS);
        let in_bursts: u64 = self.load.bursts.iter().map(|burst| burst.requests(0, u64::MAX)).sum();
        let during_per_ks = load_per_ks + (in_bursts * 1_000_000).div_ceil(length_ms);
        let is_random = !matches!(self.load.shape, LoadShape::Open { arrivals: ArrivalLaw::Uniform, .. });
        let load = Load { low_per_ks: load_per_ks, high_per_ks: load_per_ks, is_random };
        let outages = vec![Outage { for_ms: length_ms, per_ks: during_per_ks }];
        match self.drain().bound(&load, &Disturbance { outages, waiting: 0, on_top: 0 }) {
            Bound::Within(ms) => Some(ms),
            Bound::Open => Some(MAX_DURATION_MS),
            Bound::Never => None,
        }
    }

    /// When each fault and each burst begins and is over.
    fn pushes(&self) -> impl Iterator<Item = (u64, u64)> {
        let burst = |burst: &Burst| match burst.size {
            BurstSize::Requests(_) => (burst.at_ms, burst.at_ms),
            BurstSize::Rate { for_ms, .. } => (burst.at_ms, burst.at_ms + for_ms),
        };
        let faults = self.backend.faults.iter().map(|fault| (fault.at_ms, fault.end_ms()));
        faults.chain(self.load.bursts.iter().map(burst))
    }
}

/// How long stretches are together; where they overlap that counts once.
fn together_ms(mut stretches: Vec<(u64, u64)>) -> u64 {
    stretches.sort_unstable();
    let mut covered = (0, 0);
    for (from, to) in stretches {
        covered = (covered.0 + to.saturating_sub(from.max(covered.1)), to.max(covered.1));
    }
    covered.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_that_overlap_count_once() {
        let check = |stretches: &[(u64, u64)], expected| assert_eq!(together_ms(stretches.to_vec()), expected);
        check(&[], 0);
        check(&[(5_000, 6_000), (1_000, 2_000)], 2_000);
        check(&[(1_000, 9_000), (2_000, 3_000), (8_000, 10_000)], 9_000);
        check(&[(1_000, 1_000)], 0);
    }
}
