//! The simulator against closed forms and published results. Expected figures come from the formula or the paper that is
//! named, tolerances from statistics: three or four standard errors of what is random.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod budgets;
mod collapse;
mod drains;
mod exactness;
mod false_alarms;
mod faults;
mod independent_failures;
mod layers;
mod optimistic_locking;
mod outage;
mod prediction;
mod support;
mod verdicts;
