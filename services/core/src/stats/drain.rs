//! How long a service takes at most to work off what an outage has left behind: before that, no verdict on its recovery.

/// What the backlog of an outage and the time to work it off follow from. Rates are in requests per 1,000 s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drain {
    /// What the backends serve together with all workers busy: at this rate a backlog is worked off.
    pub busy_per_ks: u64,
    /// μ: the most that they can serve together, however many workers are busy. With contention fewer may serve more.
    pub capacity_per_ks: u64,
    /// What they serve with all workers busy while their caches are empty, where the fault restarts them.
    pub cold_per_ks: Option<u64>,
    /// The most requests that can wait or be in service there.
    pub backlog_max: u64,
    /// n: the most attempts that one request can have; with clients in a chain, at the last one.
    pub attempts_max: u64,
    /// Clients in the chain; the budgets of each are as `budget`.
    pub layers: u32,
    /// What the budgets of one layer allow; `None`: there is no bound but n.
    pub budget: Option<Allowance>,
    /// T: how long an attempt may take, in milliseconds.
    pub timeout_ms: u64,
    /// The least time from one attempt of a request to the next while none is answered, in milliseconds: T; less with
    /// hedges, and none at the end of a chain.
    pub apart_ms: u64,
    /// The longest wait before an attempt, in milliseconds.
    pub delay_ms_max: u64,
    /// Whether attempts hang in the fault, up to their timeout, rather than fail at once.
    pub hangs: bool,
    /// How long the backends take to warm up again, where the fault restarts them, in milliseconds.
    pub warm_up_ms: u64,
}

/// Retries that the budgets of all clients of one layer allow together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// What full buckets pay, whatever comes.
    pub saved: u64,
    /// So many for 1,000 requests.
    pub per_mille: u64,
    /// So many in each interval, however few requests there are.
    pub reserve: u64,
    /// How long a request is remembered, in milliseconds: its retries may come so much later. 0 for a bucket.
    pub interval_ms: u64,
}

/// The most attempts from the outage's beginning until t ms after its end: `at_once` + t·`rate_per_ks`, the former in
/// millionths.
#[derive(Clone, Copy)]
struct Most {
    at_once: u128,
    rate_per_ks: u128,
}

/// Requests in millionths: a rate per 1,000 s times milliseconds.
const MILLIONTHS: u128 = 1_000_000;

impl Drain {
    /// An upper bound, in milliseconds from the disturbance's end on, for a service that is not held down by its own
    /// retries; `None` when the load alone is beyond the capacity. λ is the rate of arrivals before and after the
    /// disturbance, and `during_per_ks` the one in it, which lasts `outage_ms` (W).
    ///
    /// The backlog is what it is when nothing is served in W, which bounds every fault. Two things bound the attempts that
    /// come until t after its end, and the earlier t at which the backends have served as many is the bound:
    ///
    /// * The attempts of each request. An arrival makes one every T, so λ·Σ max(0, W − kT) over k < n wait at the end, that is
    ///   λ(nW − T·n(n−1)/2) when W is long, or as many as there is room for; and then λn arrive. For n = 2 that is
    ///   λ(2W − T)/(μ − 2λ), the published form. What came in W beyond λ, in a burst, is not in λn: all its attempts are
    ///   counted at once.
    /// * A budget. Its mean over a run is no bound, since what it saved up in the baseline is spent in the outage: see
    ///   [`Allowance::on_top_of`].
    ///
    /// Where neither rate is below the capacity (the vulnerable range) there is no such bound; there it is the time in which
    /// the backlog would be gone if every arrival brought one attempt, μ − λ: what is down for longer is held down by
    /// retries, not by the backlog; or, where λ is more than busy workers serve, by contention. On top comes what a request
    /// may still wait for: an attempt that hangs, and the longest delay; and a warm-up. After a
    /// restart it is the longer of two times: with full caches, and with caches that stay empty, where these carry the load at
    /// all. That may be far above the time of caches that fill.
    pub fn bound_ms(&self, load_per_ks: u64, during_per_ks: u64, outage_ms: u64) -> Option<u64> {
        let (load, during) = (u128::from(load_per_ks), u128::from(during_per_ks));
        let (n, room) = (u128::from(self.attempts_max.max(1)), u128::from(self.backlog_max) * MILLIONTHS);
        let waiting_ms = self.waiting_ms(n, outage_ms);
        let waiting = (during * waiting_ms).min(room);
        let to_come = during.saturating_sub(load) * (n * u128::from(outage_ms) - waiting_ms);
        let by_attempts = Most { at_once: waiting + to_come, rate_per_ks: load * n };
        let first_ones = Most { at_once: (during * u128::from(outage_ms)).min(room), rate_per_ks: load };
        let by_budget = self
            .budget
            .map(|budget| (0..self.layers).fold(first_ones, |most, _| budget.on_top_of(most, during, outage_ms)));
        let bounds = || std::iter::once(by_attempts).chain(by_budget);
        let worked_off = |Most { at_once, rate_per_ks }, capacity: u64| {
            let net = u128::from(capacity).checked_sub(rate_per_ks).filter(|&net| net > 0)?;
            Some(u64::try_from(at_once.div_ceil(net)).unwrap_or(u64::MAX))
        };
        let backlog = by_budget.map_or(waiting, |most| most.at_once.min(waiting));
        let as_if_nobody_retried = Most { at_once: backlog, rate_per_ks: load };
        let at_most_within = |capacity: u64| {
            let bound = bounds().filter_map(|most| worked_off(most, capacity)).min();
            bound.or_else(|| worked_off(as_if_nobody_retried, capacity))
        };
        let worked_off_ms = (self.cold_per_ks.and_then(at_most_within))
            .max(at_most_within(self.busy_per_ks))
            .or_else(|| worked_off(as_if_nobody_retried, self.capacity_per_ks))?;
        let hanging_ms = if self.hangs { self.timeout_ms } else { 0 };
        Some(worked_off_ms.saturating_add(hanging_ms + self.delay_ms_max + self.warm_up_ms))
    }

    /// How long the attempts of one arrival a moment wait together at the end of an outage: Σ max(0, W − kT) over k < n.
    fn waiting_ms(&self, n: u128, outage_ms: u64) -> u128 {
        let (outage, apart) = (u128::from(outage_ms), u128::from(self.apart_ms));
        let open = if apart == 0 { n } else { outage.div_ceil(apart).min(n) };
        open * outage - apart * (open * open.saturating_sub(1) / 2)
    }
}

impl Allowance {
    /// The attempts of a layer to which so many requests come: each may be one, and the retries are what full buckets pay, a
    /// share of the requests from an interval before the outage on, and the reserves of the intervals that cover the time.
    fn on_top_of(&self, requests: Most, during_per_ks: u128, outage_ms: u64) -> Most {
        let Self { saved, per_mille, reserve, interval_ms } = *self;
        let (share, interval, outage) = (u128::from(per_mille), u128::from(interval_ms), u128::from(outage_ms));
        let Most { at_once, rate_per_ks } = requests;
        // What a full backend turned away made its deposit all the same.
        let deposits = at_once.max(during_per_ks * outage) + rate_per_ks * interval;
        let reserve = u128::from(reserve) * MILLIONTHS;
        let (reserves, reserve_per_ks) = match interval_ms {
            0 => (0, 0),
            _ => (reserve * (outage.div_ceil(interval) + 2), reserve.div_ceil(interval)),
        };
        Most {
            at_once: at_once + u128::from(saved) * MILLIONTHS + (deposits * share).div_ceil(1_000) + reserves,
            rate_per_ks: rate_per_ks + (rate_per_ks * share).div_ceil(1_000) + reserve_per_ks,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `HotOS`'21, §2.1: μ = 300/s, one retry, T = 1 s.
    const HOTOS: Drain = Drain {
        busy_per_ks: 300_000,
        capacity_per_ks: 300_000,
        cold_per_ks: None,
        backlog_max: u64::MAX,
        attempts_max: 2,
        layers: 1,
        budget: None,
        timeout_ms: 1_000,
        apart_ms: 1_000,
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
        let four = Drain { attempts_max: 4, ..HOTOS };
        check(four, 50, 10, Some(50 * 34 * 1_000 / 100));
        check(Drain { apart_ms: 20_000, ..four }, 50, 10, Some(50 * 10 * 1_000 / 100));
        check(Drain { apart_ms: 0, ..four }, 50, 10, Some(50 * 40 * 1_000 / 100));
    }

    /// 1,000 at once within an outage of 1 s, on top of 100/s: the 100 of before the end make 100·(2W − T) attempts that
    /// wait, the 1,000 all of their two, whenever those come: 2,100 at 300 − 200.
    #[test]
    fn what_comes_on_top_of_the_load_in_the_outage_still_has_all_its_attempts_to_make() {
        assert_eq!(HOTOS.bound_ms(100_000, 1_100_000, 1_000), Some(21_000));
        assert_eq!(HOTOS.bound_ms(100_000, 0, 10_000), Some(0), "and where nothing comes, nothing waits");
    }

    /// 280·19/20 = 266 s: so long the backlog alone could last.
    #[test]
    fn above_it_the_backlog_is_worked_off_as_if_nobody_retried() {
        check(HOTOS, 280, 10, Some(266_000));
    }

    /// With 10 % of the last 120 s at 100/s and 150/s of capacity: 1,000 first attempts, and a tenth of the 13,000 requests
    /// of 130 s on top, are worked off at 150 − 110 a second.
    #[test]
    fn a_budget_spends_in_the_outage_what_it_has_saved_before_and_lifts_the_hidden_capacity() {
        let budget = Some(Allowance { saved: 0, per_mille: 100, reserve: 0, interval_ms: 120_000 });
        let drain = Drain { busy_per_ks: 150_000, capacity_per_ks: 150_000, attempts_max: 3, budget, ..HOTOS };
        check(drain, 100, 10, Some(2_300 * 1_000 / 40));
        // A bucket pays its 500 at once, and 100 for the requests of the outage: 1,600 at 150 − 110.
        let bucket = Some(Allowance { saved: 500, per_mille: 100, reserve: 0, interval_ms: 0 });
        check(Drain { budget: bucket, ..drain }, 100, 10, Some(1_600 * 1_000 / 40));
        // Two layers: 1,600 and 500 and 160 more, at 150 − 121.
        check(Drain { budget: bucket, layers: 2, attempts_max: 9, ..drain }, 100, 10, Some(2_260_000_u64.div_ceil(29)));
    }

    /// 5 a second come on top: 1,000 first attempts, 50 for each of 1 + 2 intervals of 10 s, at 300 − 105 a second. Where the
    /// reserve allows more than the policy does it is no bound: 100·19/(300 − 200) = 19 s.
    #[test]
    fn a_reserve_comes_on_top_in_each_interval_up_to_the_attempts_of_each_request() {
        let budget = |reserve| Some(Allowance { saved: 0, per_mille: 0, reserve, interval_ms: 10_000 });
        check(Drain { budget: budget(50), ..HOTOS }, 100, 10, Some(1_150_000_u64.div_ceil(195)));
        check(Drain { budget: budget(5_000), ..HOTOS }, 100, 10, Some(19_000));
    }

    /// Busy workers serve 80/s, of which 60/s leave 20: 60·10/20 = 30 s. At 90/s only calm ones are fast enough: with 100/s,
    /// 90·10/10 = 90 s.
    #[test]
    fn a_backlog_is_worked_off_by_busy_workers_and_what_only_calm_ones_can_serve_is_no_overload() {
        let contended = Drain { busy_per_ks: 80_000, capacity_per_ks: 100_000, attempts_max: 1, ..HOTOS };
        check(contended, 60, 10, Some(30_000));
        check(contended, 90, 10, Some(90_000));
        check(contended, 100, 10, None);
    }

    /// Empty caches carry 250/s: 100·19/(250 − 200) = 38 s. With 195/s there the backlog is gone in 100·19/(195 − 100) = 20 s if
    /// nobody retries; with 90/s the load itself keeps them cold, so the bound is that of full ones: 19 s.
    #[test]
    fn after_a_restart_it_is_worked_off_with_empty_caches_if_they_carry_the_load() {
        for (cold, expected_ms) in [(250_000, 38_000), (195_000, 20_000), (90_000, 19_000)] {
            check(Drain { cold_per_ks: Some(cold), ..HOTOS }, 100, 10, Some(expected_ms));
        }
        // At 140/s empty ones are in the vulnerable range, 140·19/110 = 24 s, and full ones are not: 133 s.
        check(Drain { cold_per_ks: Some(250_000), ..HOTOS }, 140, 10, Some(133_000));
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
