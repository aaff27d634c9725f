//! How long a service takes at most to work off what an outage has left behind: before that, no verdict on its recovery.

mod chance;

use chance::Walk;

/// What the backlog of an outage and the time to work it off follow from. Rates are in requests per 1,000 s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drain {
    /// What the backends serve together with all workers busy: at this rate a backlog is worked off.
    pub busy_per_ks: u64,
    /// μ: the most that they can serve together, however many workers are busy. With contention fewer may serve more.
    pub capacity_per_ks: u64,
    /// What they serve with all workers busy while their caches are empty, where the fault restarts them.
    pub cold_per_ks: Option<u64>,
    /// Backends. What comes is spread over them at random, and service is back when the last of them is.
    pub backends: u64,
    /// The variance of a service time as a share of its mean squared, in thousandths.
    pub service_variance_permille: u64,
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

/// λ: the rate of arrivals before and after the disturbance, without bursts. Where it is measured it is known to within its
/// error only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// The least that it can be, in requests per 1,000 s.
    pub low_per_ks: u64,
    /// The most.
    pub high_per_ks: u64,
    /// Whether arrivals come at random rather than evenly.
    pub is_random: bool,
}

/// What leaves a backlog behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disturbance {
    /// When something was broken, in order of time; what touches is one outage.
    pub outages: Vec<Outage>,
    /// Attempts that waited or were in service when it began.
    pub waiting: u64,
    /// Requests on top of the load that come outside the outages: in bursts between them and afterwards.
    pub on_top: u64,
}

/// A time in which nothing may have been served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// W: how long it lasted, in milliseconds.
    pub for_ms: u64,
    /// The rate of arrivals in it, in requests per 1,000 s.
    pub per_ks: u64,
}

/// By when a backlog is worked off, after the end of the disturbance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bound {
    /// Never: the load alone is beyond the capacity.
    Never,
    /// After so many milliseconds.
    Within(u64),
    /// Some time, which can't be told: what arrives is too close to what is served.
    Open,
}

/// The most attempts from the outage's beginning until t ms after its end: `at_once` + t·`rate_per_ks`, the former in
/// millionths.
#[derive(Clone, Copy)]
struct Most {
    at_once: u128,
    rate_per_ks: u128,
}

/// The most attempts under one rate of arrivals.
struct Ways {
    load_per_ks: u64,
    /// If each request makes all that its policy has.
    by_attempts: Most,
    /// If the budgets pay all that they can.
    by_budget: Option<Most>,
    /// If nobody retried from the end of the disturbance on.
    as_if_nobody_retried: Most,
}

/// Requests in millionths: a rate per 1,000 s times milliseconds.
const MILLIONTHS: u128 = 1_000_000;

impl Drain {
    /// An upper bound, from the disturbance's end on, for a service that is not held down by its own retries.
    ///
    /// The backlog is what it is when nothing is served in W, which bounds every fault. Two things bound the attempts that
    /// come until t after its end, and the earlier t at which the backends have served as many is the bound:
    ///
    /// * The attempts of each request. An arrival makes one every T, so λ·Σ max(0, W − kT) over k < n wait at the end, that is
    ///   λ(nW − T·n(n−1)/2) when W is long, or as many as there is room for; and then λn arrive. For n = 2 that is
    ///   λ(2W − T)/(μ − 2λ), the published form. What came in W beyond λ, in a burst, is not in λn: all its attempts are
    ///   counted at once. Of an outage that is not the last all attempts have come by then; what was served since is left out.
    /// * A budget. Its mean over a run is no bound, since what it saved up in the baseline is spent in the outage: see
    ///   [`Allowance::on_top_of`].
    ///
    /// Where neither rate is below the capacity (the vulnerable range) there is no such bound; there it is the time in which
    /// the backlog would be gone if every arrival brought one attempt, μ − λ: what is down for longer is held down by
    /// retries, not by the backlog; or, where λ is more than busy workers serve, by contention. On top comes what a request
    /// may still wait for: an attempt that hangs, and the longest delay; and a warm-up. After a
    /// restart it is the longer of two times: with full caches, and with caches that stay empty, where these carry the load at
    /// all. That may be far above the time of caches that fill.
    ///
    /// All these are means. Random arrivals and service times put the end off, the more the closer the rates are, by what
    /// [`Walk`] says; just above the hidden capacity they may also bring a service back, and then that takes as long as just
    /// below it. Where λ is known so badly that it may be on either side, nothing is known of the time.
    pub fn bound(&self, load: &Load, disturbance: &Disturbance) -> Bound {
        let (low, high) = (self.ways(load.low_per_ks, disturbance), self.ways(load.high_per_ks, disturbance));
        let outages_ms = disturbance.outages.iter().map(|outage| outage.for_ms).sum();
        let walk = |way: &Most, ways: &Ways, capacity: u64| {
            self.walk(way, ways.load_per_ks, load.is_random, capacity, outages_ms)
        };
        let worked_off = |way: &Most, capacity: u64| {
            let net = u128::from(capacity).checked_sub(way.rate_per_ks).filter(|&net| net > 0)?;
            let mean_ms = u64::try_from(way.at_once.div_ceil(net)).unwrap_or(u64::MAX);
            Some(mean_ms.saturating_add(walk(way, &high, capacity).delay_ms()))
        };
        let turned_by_chance = |capacity: u64| {
            let turned = |way: &Most| {
                let walk = walk(way, &low, capacity);
                let served_in_time = u128::from(capacity) * u128::from(self.timeout_ms);
                if !walk.may_turn(served_in_time as f64 / MILLIONTHS as f64) {
                    return Bound::Within(0);
                }
                let net = way.rate_per_ks - u128::from(capacity);
                let mean_ms = way.at_once.checked_div(net).and_then(|ms| u64::try_from(ms).ok());
                mean_ms.map_or(Bound::Open, |ms| Bound::Within(ms.saturating_add(walk.delay_ms())))
            };
            low.bounds().map(turned).max().unwrap_or(Bound::Never)
        };
        let at_most_within = |capacity: u64| {
            if let Some(ms) = high.bounds().filter_map(|way| worked_off(way, capacity)).min() {
                return Bound::Within(ms);
            }
            if low.bounds().any(|way| way.rate_per_ks < u128::from(capacity)) {
                return Bound::Open;
            }
            let alone = worked_off(&high.as_if_nobody_retried, capacity);
            alone.map_or(Bound::Never, |ms| Bound::Within(ms).max(turned_by_chance(capacity)))
        };
        let worked_off =
            match self.cold_per_ks.map_or(Bound::Never, at_most_within).max(at_most_within(self.busy_per_ks)) {
                Bound::Never => match worked_off(&high.as_if_nobody_retried, self.capacity_per_ks) {
                    Some(ms) => Bound::Within(ms),
                    None if load.low_per_ks < self.capacity_per_ks => Bound::Open,
                    None => Bound::Never,
                },
                bound => bound,
            };
        match worked_off {
            Bound::Within(ms) => {
                let hanging_ms = if self.hangs { self.timeout_ms } else { 0 };
                Bound::Within(ms.saturating_add(hanging_ms + self.delay_ms_max + self.warm_up_ms))
            }
            other => other,
        }
    }

    /// The most attempts that can come if so many requests arrive.
    fn ways(&self, load_per_ks: u64, disturbance: &Disturbance) -> Ways {
        let Disturbance { outages, waiting: before, on_top } = disturbance;
        let load = u128::from(load_per_ks);
        let (n, room) = (u128::from(self.attempts_max.max(1)), u128::from(self.backlog_max) * MILLIONTHS);
        let (before, on_top) = (u128::from(*before) * MILLIONTHS, u128::from(*on_top) * MILLIONTHS);
        let (mut waiting, mut to_come) = (n * before, n * on_top);
        let mut by_budget = self.budget.map(|_| Most { at_once: 0, rate_per_ks: load });
        for (i, outage) in outages.iter().enumerate() {
            let (during, for_ms) = (u128::from(outage.per_ks), u128::from(outage.for_ms));
            let is_last = i + 1 == outages.len();
            let waiting_ms = if is_last { self.waiting_ms(n, outage.for_ms) } else { n * for_ms };
            waiting += during * waiting_ms;
            to_come += during.saturating_sub(load) * (n * for_ms - waiting_ms);
            if let (Some(most), Some(budget)) = (&mut by_budget, self.budget) {
                let besides = u128::from(i == 0) * before + u128::from(is_last) * on_top;
                let first_ones = Most { at_once: (during * for_ms).min(room) + besides, rate_per_ks: load };
                let paid = (0..self.layers).fold(first_ones, |most, _| budget.on_top_of(most, during, outage.for_ms));
                *most = Most { at_once: most.at_once + paid.at_once, rate_per_ks: paid.rate_per_ks };
            }
        }
        let waiting = waiting.min(room);
        let backlog = by_budget.map_or(waiting + n * on_top, |most| most.at_once.min(waiting + n * on_top));
        Ways {
            load_per_ks,
            by_attempts: Most { at_once: waiting + to_come, rate_per_ks: load * n },
            by_budget,
            as_if_nobody_retried: Most { at_once: backlog, rate_per_ks: load },
        }
    }

    /// How the backlog of so many attempts goes on while so many are served.
    fn walk(&self, way: &Most, load_per_ks: u64, is_random: bool, capacity_per_ks: u64, outages_ms: u64) -> Walk {
        let per_s = |per_ks: f64| per_ks / 1_000.0;
        let (rate, load, served) = (way.rate_per_ks as f64, load_per_ks as f64, capacity_per_ks as f64);
        // Each arrival brings rate/λ attempts. Among several backends even arrivals are spread at random.
        let arrivals = if (is_random || self.backends > 1) && load_per_ks > 0 { rate * rate / load } else { 0.0 };
        let services = served * self.service_variance_permille as f64 / 1_000.0;
        Walk {
            backlog: way.at_once as f64 / MILLIONTHS as f64,
            net_per_s: per_s((served - rate).abs()),
            // A backend of k has 1/k of backlog, rates and variance: its end is as late as that of k times the variance.
            variance_per_s: self.backends as f64 * per_s(arrivals + services),
            before_s: outages_ms as f64 / 1_000.0,
        }
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

impl Ways {
    /// What bounds the attempts.
    fn bounds(&self) -> impl Iterator<Item = &Most> {
        std::iter::once(&self.by_attempts).chain(&self.by_budget)
    }
}

#[cfg(test)]
mod tests;
