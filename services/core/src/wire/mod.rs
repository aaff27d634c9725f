//! What the services say to each other and to their users over HTTP: the bodies of `/process`, `/admin/*` and the run
//! protocol. Integers with their unit in the name; unknown fields are refused.

mod admin;
mod deadline;
mod error;
mod process;
mod run;
mod run_id;
mod tag;

pub use admin::{FailKind, FailRequest, FailureStatus, StrategyRequest, StrategySetting};
pub use deadline::{DEADLINE_HEADER, TIMEOUT_HEADER};
pub(crate) use error::within;
pub use error::{ErrorBody, FieldError};
pub use process::{BackendAnswer, ClientAnswer, Health};
pub use run::{
    BackendPlan, BackendResults, ClientPlan, ClientResults, FaultRecord, LoadgenPlan, LoadgenResults, NoSuchRun,
    RunPlan, RunReport, RunRequest, RunState, Unsent,
};
pub use run_id::{arm_of, run_id};
pub(crate) use tag::OUTER_ATTEMPTS;
pub use tag::{RUN_HEADER, RunTag, nested_attempt};
