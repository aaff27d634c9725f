//! An arm's timeline for people: what arrived, what was sent, what got through and what waited, bucket by bucket.

use serde::{Deserialize, Serialize};

use super::{ArmCounts, BUCKET_MS, Counts};

/// Most buckets of a timeline: as many as a wide screen can tell apart, and few enough to be kept beside a status.
pub const POINTS_MAX: u64 = 600;

/// The timeline of one arm, from its start to the end of its drain. All columns are equally long.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ArmSeries {
    /// The arm's name.
    pub arm: String,
    /// How much time a bucket holds, in milliseconds: 100, or the smallest multiple of it that gives at most 600 buckets.
    pub bucket_ms: u64,
    /// Requests whose intended start lies in the bucket, those that could not be sent included.
    pub arrivals: Vec<u64>,
    /// Attempts that were started in the bucket; with clients in a chain those of the last one, which calls the backend.
    pub attempts: Vec<u64>,
    /// Attempts that the backends received in the bucket.
    pub received: Vec<u64>,
    /// Requests that were answered with success in the bucket.
    pub goodput: Vec<u64>,
    /// Requests whose intended start lies in the bucket and that were not answered with success, or could not be sent.
    pub failed: Vec<u64>,
    /// Requests in the backends, waiting or in service, at the end of 100 ms: the most of the bucket.
    pub queue: Vec<u64>,
}

impl ArmSeries {
    /// Whether it is one that [`ArmSeries::new`] could have made, by its shape: of one that comes from elsewhere.
    pub fn is_well_formed(&self) -> bool {
        let Self { arm: _, bucket_ms, arrivals, attempts, received, goodput, failed, queue } = self;
        let columns = [arrivals, attempts, received, goodput, failed, queue];
        *bucket_ms > 0 && arrivals.len() as u64 <= POINTS_MAX && columns.iter().all(|c| c.len() == arrivals.len())
    }

    /// The timeline that an arm's counts make.
    pub fn new(arm: &str, counts: &ArmCounts) -> Self {
        let (load, backend) = (&counts.load, &counts.backend);
        let attempts = &counts.last_client().wire_attempts;
        let failed = Counts::sum_of(&[&load.failed, &load.dropped]);
        let ended = backend.ends();
        let columns = [&load.planned, attempts, &backend.received, &load.goodput, &failed, &ended];
        let end_ms = columns.iter().map(|column| column.end_ms()).max().unwrap_or(0);
        let bucket_ms = (end_ms / BUCKET_MS).div_ceil(POINTS_MAX).max(1) * BUCKET_MS;
        let starts = || (0..end_ms).step_by(bucket_ms as usize);
        let each = |column: &Counts| starts().map(|from| column.sum(from, Some(from + bucket_ms))).collect();
        let mut waiting = waiting(&backend.received, &ended, end_ms);
        let queue = starts().map(|_| waiting.by_ref().take((bucket_ms / BUCKET_MS) as usize).max().unwrap_or(0));
        Self {
            arm: arm.to_owned(),
            bucket_ms,
            arrivals: each(&load.planned),
            attempts: each(attempts),
            received: each(&backend.received),
            goodput: each(&load.goodput),
            failed: each(&failed),
            queue: queue.collect(),
        }
    }
}

/// How many have been received and have not ended, at the end of every 100 ms.
fn waiting<'c>(received: &'c Counts, ended: &'c Counts, end_ms: u64) -> impl Iterator<Item = u64> + use<'c> {
    let (mut came, mut went) = (0, 0);
    (0..end_ms).step_by(BUCKET_MS as usize).map(move |from| {
        came += received.sum(from, Some(from + BUCKET_MS));
        went += ended.sum(from, Some(from + BUCKET_MS));
        came.saturating_sub(went)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three requests at once, of which one is served at once, one a second later, and one is turned away when it is tried
    /// again; a fourth can't be sent.
    fn counts() -> ArmCounts {
        let mut counts = ArmCounts::default();
        for _ in 0..3 {
            counts.load.planned.add(0);
            counts.client.attempt(0, 0, false);
            counts.backend.received.add(0);
        }
        counts.load.planned.add(150_000);
        counts.load.dropped.add(150_000);
        counts.load.goodput.add(0);
        counts.load.goodput.add(1_000_000);
        counts.load.failed.add(0);
        counts.client.attempt(0, 250_000, true);
        counts.backend.received.add(250_000);
        counts.backend.rejected.add(250_000);
        counts.backend.completed.add(0);
        counts.backend.completed.add(1_000_000);
        counts.backend.wasted.add(1_000_000);
        counts.backend.completed.add(1_050_000);
        counts
    }

    #[test]
    fn a_timeline_says_what_arrived_was_sent_got_through_failed_and_waited() {
        let series = ArmSeries::new("naive", &counts());
        assert_eq!((series.arm.as_str(), series.bucket_ms), ("naive", 100));
        assert_eq!(series.arrivals, [3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(series.attempts, [3, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(series.received, series.attempts);
        assert_eq!(series.goodput, [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(series.failed, [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0], "one failed, and one could not be sent");
        assert_eq!(series.queue, [2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 0]);
    }

    #[test]
    fn a_long_run_has_coarser_buckets_and_the_same_sums() {
        let check = |end_ms: u64, bucket_ms, points| {
            let mut counts = counts();
            counts.load.planned.add(end_ms * 1_000 - 1);
            let series = ArmSeries::new("long", &counts);
            assert_eq!((series.bucket_ms, series.arrivals.len()), (bucket_ms, points), "{end_ms} ms");
            assert_eq!(series.arrivals.iter().sum::<u64>(), 5);
            assert_eq!(series.attempts.iter().sum::<u64>(), 4);
            assert_eq!(series.goodput.iter().sum::<u64>(), 2);
            assert_eq!(series.queue.iter().max(), Some(&2), "what waited for a moment is seen");
            assert!(
                [&series.attempts, &series.received, &series.goodput, &series.failed, &series.queue]
                    .iter()
                    .all(|column| column.len() == points)
            );
        };
        check(60_000, 100, 600);
        check(60_100, 200, 301);
        check(3_600_000, 6_000, 600);
        check(7_200_000, 12_000, 600);
    }

    #[test]
    fn an_arm_that_counted_nothing_has_an_empty_timeline() {
        let series = ArmSeries::new("none", &ArmCounts::default());
        assert_eq!(series, ArmSeries { arm: "none".into(), bucket_ms: 100, ..ArmSeries::default() });
    }
}
