//! Whether the load was there: sent in every window and not only in the mean of the run, in time, and by closed-loop users
//! who were there for as long as they should be.

use crate::{
    load::LoadPlan,
    stats::{ArmCounts, Ratio},
    timeline::{TOTAL, Window},
};

/// Least share of the planned requests, or of the users' time, in thousandths. What a window lacks was dropped, which is no
/// chance: so a window of under 100 requests may lack none.
const SHARE_MIN_PERMILLE: u64 = 990;
/// Most that the generator's p99 may be late: one bucket of the series.
pub(super) const LATENESS_MAX_US: u64 = crate::stats::BUCKET_MS * 1_000;
/// Most late requests of a window, in percent of those sent: p99 is late where there are more.
const LATE_MAX_PERCENT: u64 = 1;
/// Late requests that are none of a window's shortcomings, however small it is: a p99 of under 100 values is the largest of
/// them, and one that a busy machine held up would decide over the run.
const LATE_ALLOWED: u64 = 1;
/// How many windows are named.
const NAMED_MAX: usize = 3;

/// How the load of a run was.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadEvidence {
    /// Requests sent ÷ requests planned; or, where that is less, the time that closed-loop users' requests and pauses account
    /// for ÷ the time that the users were to be there.
    pub achieved: Option<Ratio>,
    /// p99 of the generator's lateness, in microseconds.
    pub lateness_p99_us: Option<u64>,
    planned: u64,
    sent: u64,
    windows: Vec<WindowLoad>,
    users: UsersTime,
}

/// What was sent in a window.
#[derive(Clone, Debug, PartialEq)]
struct WindowLoad {
    name: String,
    planned: u64,
    sent: u64,
    late: u64,
}

/// The time of all closed-loop users, in microseconds; all 0 with an open loop.
///
/// A user is always waiting or pausing. So its requests and pauses account for all of the time that it was to be there, and for
/// no more than one request and one pause beyond it for each time that it comes, whatever the service does. (Little's law
/// with nothing averaged: users = rate × (latency + think time).)
#[derive(Clone, Debug, PartialEq)]
struct UsersTime {
    planned: u64,
    accounted: u64,
    most: u64,
}

impl LoadEvidence {
    /// Compares what was sent with the plan, in each of these windows.
    pub(super) fn new(counts: &ArmCounts, plan: &LoadPlan, windows: &[Window]) -> Self {
        let load = &counts.load;
        let of_window = |window: &Window| WindowLoad {
            name: window.name.clone(),
            planned: load.planned.sum(window.from_ms, window.to_ms),
            sent: load.sent.sum(window.from_ms, window.to_ms),
            late: load.late.sum(window.from_ms, window.to_ms),
        };
        let users = UsersTime::new(counts, plan);
        let (planned, sent) = (load.planned.total(), load.sent.total());
        let of_users = Ratio::new(users.accounted.min(users.planned), users.planned);
        Self {
            achieved: Ratio::new(sent, planned).map(|share| of_users.map_or(share, |of_users| share.min(of_users))),
            lateness_p99_us: counts.lateness_us.quantile_us(990),
            planned,
            sent,
            windows: windows.iter().filter(|window| window.name != TOTAL).map(of_window).collect(),
            users,
        }
    }

    /// What is lacking of it, in words.
    pub(super) fn shortcoming(&self) -> Option<String> {
        if self.planned == 0 {
            return Some("no request was planned".into());
        }
        let short = self.windows.iter().filter(|window| is_short(window.sent, window.planned));
        let short = named(short.map(|w| format!("{} of {} requests in {}", w.sent, w.planned, w.name)));
        let share = Ratio::new(self.sent, self.planned).map(|share| share.to_string()).unwrap_or_default();
        match (is_short(self.sent, self.planned), short) {
            (true, Some(windows)) => Some(format!("only {share} of the planned load was sent: {windows}")),
            (true, None) => Some(format!("only {share} of the planned load was sent")),
            (false, Some(windows)) => Some(format!("of the planned load only a part was sent: {windows}")),
            (false, None) => None,
        }
    }

    /// How its users were not there as planned, in words.
    pub(super) fn users_shortcoming(&self) -> Option<String> {
        let UsersTime { planned, accounted, most } = self.users;
        let seconds = |us: u64| Ratio::new(us, 1_000_000).map_or_else(String::new, |s| s.decimal(1));
        (is_short(accounted, planned) || accounted > most).then(|| {
            let (accounted, planned) = (seconds(accounted), seconds(planned));
            format!("requests and pauses of the users account for {accounted} s of the {planned} s that they were to be there")
        })
    }

    /// How it was late, in words.
    pub(super) fn lateness(&self) -> Option<String> {
        let Some(p99_us) = self.lateness_p99_us else { return Some("the load generator sent nothing".into()) };
        let late = |w: &&WindowLoad| w.late > LATE_ALLOWED && w.late * 100 > w.sent * LATE_MAX_PERCENT;
        let late = self.windows.iter().filter(late);
        let late = named(late.map(|w| format!("{} of {} requests in {}", w.late, w.sent, w.name)));
        let late = late.map(|windows| format!("{windows} by more than {} ms", LATENESS_MAX_US / 1_000));
        match (p99_us > LATENESS_MAX_US, late) {
            (true, Some(windows)) => {
                Some(format!("the load generator was {} ms late (p99): {windows}", p99_us / 1_000))
            }
            (true, None) => Some(format!("the load generator was {} ms late (p99)", p99_us / 1_000)),
            (false, Some(windows)) => Some(format!("the load generator was late: {windows}")),
            (false, None) => None,
        }
    }
}

impl UsersTime {
    fn new(counts: &ArmCounts, plan: &LoadPlan) -> Self {
        let (users, pauses) = (counts.users, plan.pauses());
        let (time_ms, spans) = plan.user_time();
        let longest_us = counts.latency_us.iter().filter_map(|second| second.quantile_us(1_000)).max().unwrap_or(0);
        let after_answers_ms = users.ended.saturating_mul(pauses.after_answer_ms);
        let after_drops_ms = users.dropped.saturating_mul(pauses.after_drop_ms);
        let paused_us = after_answers_ms.saturating_add(after_drops_ms).saturating_mul(1_000);
        let beyond_us = longest_us + pauses.after_drop_ms * 1_000;
        Self {
            planned: time_ms * 1_000,
            accounted: users.waited_us.saturating_add(users.waited_in_vain_us).saturating_add(paused_us),
            most: (time_ms * 1_000 + spans * beyond_us).saturating_add(users.waited_in_vain_us),
        }
    }
}

fn is_short(part: u64, whole: u64) -> bool {
    u128::from(part) * 1_000 < u128::from(whole) * u128::from(SHARE_MIN_PERMILLE)
}

/// The first few of these, in words.
fn named(mut texts: impl Iterator<Item = String>) -> Option<String> {
    let first: Vec<_> = texts.by_ref().take(NAMED_MAX).collect();
    let others = texts.count();
    let and_more = if others > 0 { format!(" and in {others} more windows") } else { String::new() };
    (!first.is_empty()).then(|| format!("{}{and_more}", first.join(", ")))
}

#[cfg(test)]
mod tests;
