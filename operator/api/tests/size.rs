//! A status stays small, however much there is to say.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, MicroTime, Time};
use k8s_openapi::jiff::Timestamp;
use retrylab_api::{
    ArmPhase, ArmStatus, ConditionType, CriterionStatus, EvidenceStatus, ExactFigures, FatesStatus, Fraction,
    LatencyStatus, MESSAGE_MAX_BYTES, OUTSIDE_MAX, Phase, PredictedBand, PredictedFigures, PredictedRecovery,
    RecoveryStatus, RecoveryVerdict, ReportRef, RetryExperimentStatus, RunRecord, SHORTCOMING_MAX_BYTES,
    SHORTCOMINGS_MAX, Summary, Verdict, WINDOWS_MAX, WindowStatus,
};

/// Bytes that a status may have: an object is at most 1.5 MiB in etcd, and every watcher gets it at every write.
const MAX_BYTES: usize = 112 * 1_024;

/// Requests of an hour at the highest rate, and what 20 attempts make of them.
const REQUESTS: u64 = 3_600 * 20_000;
const ATTEMPTS: u64 = 20 * REQUESTS;

/// Attempts ÷ requests of four clients in a chain, each with 20 attempts.
const AMPLIFICATION: &str = "160000.000";
const SHARE: &str = "0.123";

fn window() -> WindowStatus {
    let moment = || Some(MicroTime(Timestamp::UNIX_EPOCH));
    WindowStatus {
        name: "n".repeat(30),
        planned_at: moment(),
        actual_at: moment(),
        off_ms: Some(1_000),
        requests: REQUESTS,
        attempts: ATTEMPTS,
        wire_attempts: ATTEMPTS,
        layer_attempts: vec![ATTEMPTS; 4],
        backend_requests: ATTEMPTS,
        amplification: Some(AMPLIFICATION.into()),
        wire_amplification: Some(AMPLIFICATION.into()),
        backend_amplification: Some(AMPLIFICATION.into()),
        peak_amplification: Some(AMPLIFICATION.into()),
        retry_share: Some(SHARE.into()),
        sync_index: Some("36000.000".into()),
        wasted_work: Some(SHARE.into()),
        success_rate: Some(SHARE.into()),
        goodput: Some("20000.0".into()),
        exact: ExactFigures {
            peak_amplification: Some(Fraction { count: ATTEMPTS, per: REQUESTS }),
            retry_share: Some(Fraction { count: ATTEMPTS, per: ATTEMPTS }),
            sync_index: Some(Fraction { count: 36_000 * REQUESTS, per: ATTEMPTS }),
            wasted_work: Some(Fraction { count: ATTEMPTS, per: ATTEMPTS }),
            goodput: Some(Fraction { count: 1_000 * REQUESTS, per: 3_600_000 }),
        },
        latency: Some(latency()),
        predicted: Some(PredictedFigures {
            amplification: Some(band(AMPLIFICATION)),
            wire_amplification: Some(band(AMPLIFICATION)),
            success_rate: Some(band(SHARE)),
        }),
        fates: FatesStatus {
            ok: REQUESTS,
            ok_after_retry: REQUESTS,
            exhausted: REQUESTS,
            budget_denied: REQUESTS,
            breaker_open: REQUESTS,
            deadline: REQUESTS,
            not_retryable: REQUESTS,
            dropped: REQUESTS,
        },
    }
}

fn band(edge: &str) -> PredictedBand {
    PredictedBand { low: edge.into(), high: edge.into() }
}

fn latency() -> LatencyStatus {
    let (ms, us) = (|| "10000.0".to_owned(), Some(10_000_000));
    LatencyStatus { p50: ms(), p99: ms(), p999: ms(), p50_us: us, p99_us: us, p999_us: us }
}

fn outside_prediction() -> String {
    format!("{}: wireAmplification 160000.000, predicted 160000.000 to 160000.000", "n".repeat(30))
}

fn condition(kind: ConditionType) -> Condition {
    Condition {
        type_: kind.as_str().into(),
        status: "Unknown".into(),
        reason: "r".repeat(30),
        message: "m".repeat(MESSAGE_MAX_BYTES),
        last_transition_time: Time(Timestamp::UNIX_EPOCH),
        observed_generation: Some(i64::MAX),
    }
}

fn summary() -> Summary {
    Summary {
        arm: "n".repeat(30),
        amplification: Some(AMPLIFICATION.into()),
        peak_amplification: Some(AMPLIFICATION.into()),
        success_rate: Some(SHARE.into()),
        time_to_recovery: Some("> 3000s".into()),
    }
}

/// A check with every bound that a criterion may have, each as long as it may be.
fn check() -> CriterionStatus {
    let number = "999999999.999999";
    let multiple = format!("more than 999998999999.000001000001 (999.999 x {})", "n".repeat(30));
    CriterionStatus {
        name: "n".repeat(30),
        arm: "n".repeat(30),
        observed: Some("160000.123456789012".into()),
        bound: format!("<= {number}, <= {multiple}, >= {number}, >= {multiple}"),
        holds: Some(false),
    }
}

fn arm(windows: usize) -> ArmStatus {
    ArmStatus {
        name: "n".repeat(30),
        phase: ArmPhase::Complete,
        run: RunRecord {
            id: "i".repeat(50),
            handover: 1,
            settled_at: MicroTime(Timestamp::UNIX_EPOCH),
            starts_at: MicroTime(Timestamp::UNIX_EPOCH),
            target: "[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:8000".into(),
        },
        finished_at: Some(Time(Timestamp::UNIX_EPOCH)),
        windows: (0..windows).map(|_| window()).collect(),
        recovery: Some(RecoveryStatus {
            time_to_recovery: Some("> 3000s".into()),
            verdict: RecoveryVerdict::MetastableConfirmed,
            message: "m".repeat(150),
        }),
        predicted_recovery: Some(PredictedRecovery {
            recovered: 12,
            of: 12,
            low: Some("1000s".into()),
            high: Some("1000s".into()),
        }),
        outside_prediction: vec![outside_prediction(); OUTSIDE_MAX],
        no_prediction: Some("n".repeat(150)),
        worst_case: Some(AMPLIFICATION.into()),
        latency: Some(latency()),
        evidence: Some(EvidenceStatus {
            fault_delivered: Some("1.000".into()),
            load_achieved: Some("1.000".into()),
            accounting_gap: 0,
            lateness_p99: Some("1.0".into()),
            lateness_p99_us: Some(1_000),
            shortcomings: vec!["s".repeat(SHORTCOMING_MAX_BYTES); SHORTCOMINGS_MAX],
        }),
    }
}

/// The most checks of criteria that the rules allow, in all arms together.
const CHECKS_MAX: usize = 80;

#[test]
fn a_status_with_all_that_a_spec_may_have_and_every_text_and_number_at_its_longest_is_under_112_kib() {
    let definition = serde_json::to_value(retrylab_api::crd()).unwrap();
    let spec = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    let arms = usize::try_from(spec["properties"]["arms"]["maxItems"].as_u64().unwrap()).unwrap();
    let rules = spec["x-kubernetes-validations"].to_string();
    assert!(rules.contains(&format!("<= {WINDOWS_MAX}\"")) && rules.contains(&format!("<= {CHECKS_MAX}\"")), "{rules}");
    let status = RetryExperimentStatus {
        arms: (0..arms).map(|_| arm(WINDOWS_MAX / arms)).collect(),
        criteria: vec![check(); CHECKS_MAX],
        observed_generation: Some(i64::MAX),
        phase: Some(Phase::Complete),
        verdict: Some(Verdict::Inconclusive),
        message: Some("m".repeat(MESSAGE_MAX_BYTES)),
        conditions: ConditionType::ALL.map(condition).to_vec(),
        deploying_since: Some(Time(Timestamp::UNIX_EPOCH)),
        started_at: Some(Time(Timestamp::UNIX_EPOCH)),
        finished_at: Some(Time(Timestamp::UNIX_EPOCH)),
        summary: Some(summary()),
        report_ref: Some(ReportRef { kind: "ConfigMap".into(), name: "n".repeat(63) }),
    };
    let bytes = serde_json::to_vec(&status).unwrap().len();
    assert!(bytes < MAX_BYTES, "{bytes} bytes");
}
