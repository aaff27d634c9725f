//! The `RetryExperiment` resource: its types, its rules, and what the services are to run for it.
//!
//! Each rule stands twice: in the CRD, where the API server refuses a bad object at `kubectl apply`, and in
//! [`validate`], for callers without an API server. A table of bad objects runs against both.

mod conditions;
mod convert;
mod crd;
mod milli;
mod policy;
mod setup;
mod span;
mod spec;
mod status;
mod validate;

pub use conditions::{ConditionType, Reason};
pub use convert::{ArmPlan, arm_plan, backend_model};
pub use crd::crd;
pub use milli::Milli;
pub use policy::setting;
pub use setup::setup;
pub use span::Span;
pub use spec::{
    Arm, ArrivalLaw, BackendSpec, BackoffParams, BreakerSpec, BudgetSpec, Burst, Cache, ChargeKind, ClientSpec,
    CoDelParams, Criterion, DepositKind, Fault, FaultType, FixedParams, HedgingSpec, InFlightSpec, JitterKind,
    JitterParams, LAYERS_MAX, LawType, Load, LoadgenSpec, Metric, Multiple, NaiveParams, QueueDiscipline,
    RetryAfterSpec, RetryBreakerSpec, RetryExperiment, RetryExperimentSpec, RetryRate, ServiceTimeLaw, Shed, Stage,
    Strategy, StrategyType, ThrottleSpec, TokensSpec, WarmUp,
};
pub use status::{
    ArmPhase, ArmStatus, CriterionStatus, EvidenceStatus, ExactFigures, FatesStatus, Fraction, LatencyStatus,
    MESSAGE_MAX_BYTES, OUTSIDE_MAX, Phase, PredictedBand, PredictedFigures, PredictedRecovery, RecoveryStatus,
    RecoveryVerdict, ReportRef, RetryExperimentStatus, RunRecord, SHORTCOMING_MAX_BYTES, SHORTCOMINGS_MAX, Summary,
    Verdict, WindowStatus,
};
pub use validate::{Caps, WINDOWS_MAX, burst_rate_max, validate, validate_name, validate_strategy, violations};

/// The API group.
pub const GROUP: &str = "retrylab.dev";
