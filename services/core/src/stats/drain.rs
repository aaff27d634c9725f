//! How long a service takes at most to work off what an outage has left behind: before that, no verdict on its recovery.

/// What the backlog of an outage and the time to work it off follow from. Rates are in requests per 1,000 s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drain {
    /// μ: what the backends can serve together.
    pub capacity_per_ks: u64,
    /// The most requests that can wait or be in service there.
    pub backlog_max: u64,
    /// n: the most attempts that one request can have; with clients in a chain, at the last one.
    pub attempts_max: u64,
    /// a: the most attempts for each request over a run, in thousandths: 1,000 n, or less by a budget.
    pub amplification_permille_max: u64,
    /// T: how long an attempt may take, in milliseconds.
    pub timeout_ms: u64,
    /// The longest wait before an attempt, in milliseconds.
    pub delay_ms_max: u64,
    /// Whether attempts hang in the fault, up to their timeout, rather than fail at once.
    pub hangs: bool,
    /// How long the backends take to warm up again, where the fault restarts them, in milliseconds.
    pub warm_up_ms: u64,
}

impl Drain {
    /// An upper bound, in milliseconds from the disturbance's end on, for a service that is not held down by its own
    /// retries; `None` when the load alone is beyond the capacity. λ is the rate of arrivals before and after the
    /// disturbance, and `during_per_ks` the one in it, which lasts `outage_ms` (W).
    ///
    /// The backlog is what it is when nothing is served in W, which bounds every fault: an arrival makes an attempt every
    /// T, so λ·Σ max(0, W − kT) over k < n attempts wait at the end, that is λ(nW − T·n(n−1)/2) when W is long; no more than
    /// aλW, and no more than there is room for. While it is worked off at μ, each arrival may bring a attempts: below the
    /// hidden capacity μ/a the backlog shrinks by μ − aλ; for a = n = 2 that is λ(2W − T)/(μ − 2λ), the published form.
    /// Above it (the vulnerable range) there is no such bound; there it is the time in which the backlog would be gone if
    /// every arrival brought one attempt, μ − λ: what is down for longer is held down by retries, not by the backlog. On top
    /// comes what a request may still wait for: an attempt that hangs, and the longest delay; and a warm-up.
    pub fn bound_ms(&self, load_per_ks: u64, during_per_ks: u64, outage_ms: u64) -> Option<u64> {
        let Self { attempts_max: n, amplification_permille_max: a_permille, timeout_ms, .. } = *self;
        let still_open = outage_ms.div_ceil(timeout_ms.max(1)).min(n.max(1));
        let waiting_ms: u64 = (0..still_open).map(|k| outage_ms - k * timeout_ms).sum();
        let waiting_ms = waiting_ms.min(outage_ms.saturating_mul(a_permille) / 1_000);
        let left_behind = (u128::from(during_per_ks) * u128::from(waiting_ms)).div_ceil(1_000_000);
        let backlog = left_behind.min(u128::from(self.backlog_max));
        let left_of_capacity = |load: u64| self.capacity_per_ks.checked_sub(load).filter(|&net| net > 0);
        let below_hidden_capacity = left_of_capacity(load_per_ks.saturating_mul(a_permille) / 1_000);
        let net = below_hidden_capacity.or_else(|| left_of_capacity(load_per_ks))?;
        let worked_off_ms = u64::try_from((backlog * 1_000_000).div_ceil(u128::from(net))).unwrap_or(u64::MAX);
        let hanging_ms = if self.hangs { self.timeout_ms } else { 0 };
        Some(worked_off_ms.saturating_add(hanging_ms + self.delay_ms_max + self.warm_up_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `HotOS`'21, §2.1: μ = 300/s, one retry, T = 1 s.
    const HOTOS: Drain = Drain {
        capacity_per_ks: 300_000,
        backlog_max: u64::MAX,
        attempts_max: 2,
        amplification_permille_max: 2_000,
        timeout_ms: 1_000,
        delay_ms_max: 0,
        hangs: false,
        warm_up_ms: 0,
    };

    fn check(drain: Drain, rate: u64, outage_s: u64, expected_ms: Option<u64>) {
        assert_eq!(drain.bound_ms(rate * 1_000, rate * 1_000, outage_s * 1_000), expected_ms);
    }

    /// λ(2W − T)/(μ − 2λ): 140·19/20 = 133 s; 100·19/100 = 19 s.
    #[test]
    fn below_the_hidden_capacity_it_is_the_published_form() {
        check(HOTOS, 140, 10, Some(133_000));
        check(HOTOS, 100, 10, Some(19_000));
    }

    /// Four attempts in an outage of 10 s wait for 10 + 9 + 8 + 7 s; a timeout beyond the outage leaves one attempt each.
    #[test]
    fn more_attempts_leave_more_behind_as_long_as_their_time_comes() {
        check(
            Drain { attempts_max: 4, amplification_permille_max: 4_000, ..HOTOS },
            50,
            10,
            Some(50 * 34 * 1_000 / 100),
        );
        check(
            Drain { attempts_max: 4, amplification_permille_max: 4_000, timeout_ms: 20_000, ..HOTOS },
            50,
            10,
            Some(50 * 10 * 1_000 / 100),
        );
    }

    /// 280·19/20 = 266 s: so long the backlog alone could last.
    #[test]
    fn above_it_the_backlog_is_worked_off_as_if_nobody_retried() {
        check(HOTOS, 280, 10, Some(266_000));
    }

    /// 1.1·200·10 = 2,200 attempts are left behind, and worked off at 300 − 1.1·200 = 80/s.
    #[test]
    fn a_budget_leaves_less_behind_and_lifts_the_hidden_capacity() {
        check(Drain { attempts_max: 3, amplification_permille_max: 1_100, ..HOTOS }, 200, 10, Some(27_500));
    }

    #[test]
    fn a_short_queue_is_worked_off_soon_however_long_the_outage() {
        check(Drain { backlog_max: 300, ..HOTOS }, 100, 600, Some(3_000));
    }

    #[test]
    fn attempts_that_hang_and_delays_come_on_top() {
        check(Drain { hangs: true, delay_ms_max: 4_000, ..HOTOS }, 100, 10, Some(24_000));
    }

    #[test]
    fn a_load_beyond_the_capacity_is_never_worked_off() {
        check(HOTOS, 300, 10, None);
        check(HOTOS, 301, 10, None);
    }
}
