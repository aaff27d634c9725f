//! What has been sent and not been received: it is on its way, or lost.

use crate::stats::ArmCounts;

/// Requests and attempts that were sent along the chain, from the load generator to the backend, and that whoever is next
/// has not received.
pub fn on_the_way(counts: &ArmCounts) -> u64 {
    let sent = std::iter::once(&counts.load.sent).chain(counts.layers().map(|client| &client.attempts));
    let received = counts.layers().map(|client| &client.requests).chain([&counts.backend.received]);
    sent.zip(received).map(|(sent, received)| sent.total().saturating_sub(received.total())).sum()
}

/// When the last attempt began, in milliseconds after the run's start, cut up to the grain of the counts.
pub fn last_attempt_ms(counts: &ArmCounts) -> u64 {
    counts.layers().map(|client| client.wire_attempts.end_ms()).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{policy::Fate, stats::ClientSeries};

    /// A request that each of `n` attempts is made for, in a chain of two.
    fn chain(attempts: [u64; 2], received: u64) -> ArmCounts {
        let mut counts = ArmCounts { inner: vec![ClientSeries::default()], ..ArmCounts::default() };
        counts.load.sent.add(0);
        counts.client.request(0);
        for n in 0..attempts[0] {
            counts.client.attempt(0, n * 200_000, n > 0);
            counts.inner[0].request(0);
        }
        for n in 0..attempts[1] {
            counts.inner[0].attempt(0, 1_000_000 + n * 200_000, n > 0);
        }
        (0..received).for_each(|_| counts.backend.received.add(0));
        counts.client.end(0, Fate::Exhausted);
        counts
    }

    #[test]
    fn what_the_next_in_the_chain_has_not_received_is_on_its_way() {
        assert_eq!(on_the_way(&ArmCounts::default()), 0);
        let mut counts = chain([2, 3], 3);
        assert_eq!((on_the_way(&counts), last_attempt_ms(&counts)), (0, 1_500));
        assert_eq!(on_the_way(&chain([2, 3], 1)), 2);
        counts.load.sent.add(0);
        counts.client.attempt(0, 2_000_000, true);
        assert_eq!((on_the_way(&counts), last_attempt_ms(&counts)), (2, 2_100));
        // What came from nowhere is no counterpart of what is missing.
        counts.backend.received.add(0);
        assert_eq!(on_the_way(&counts), 2);
    }
}
