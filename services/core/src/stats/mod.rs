//! Every number that Retrylab reports, defined once: the counts that services keep and the figures made of them.

mod arm_series;
mod baseline;
mod drain;
mod figures;
mod histogram;
mod ledger;
mod ratio;
mod recovery;
mod sample;
mod series;
mod user_time;
mod verdict;

pub use arm_series::{ArmSeries, POINTS_MAX};
pub use drain::{Allowance, Bound, Disturbance, Drain, Load, Outage};
pub use figures::{ArmCounts, Fates, Figures};
pub use histogram::{LatencyRecorder, Quantiles, SparseHistogram};
pub use ledger::{LedgerSnapshot, LoadLedger};
pub use ratio::Ratio;
pub use recovery::{Course, Recovery, Steady, time_to_recovery};
pub use sample::{Sample, wilson};
pub use series::{BUCKET_MS, BackendSeries, ClientSeries, Counts, LoadSeries};
pub use user_time::UserTime;
pub use verdict::{Judgement, RecoveryVerdict, judge};
