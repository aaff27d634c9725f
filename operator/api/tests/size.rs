//! A status stays small, however much there is to say.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, Time};
use k8s_openapi::jiff::Timestamp;
use retrylab_api::{
    ArmPhase, ArmStatus, CriterionStatus, EvidenceStatus, FatesStatus, LatencyStatus, PredictedBand, PredictedFigures,
    PredictedRecovery, RecoveryStatus, RecoveryVerdict, RetryExperimentStatus, RunRecord, WINDOWS_MAX, WindowStatus,
};

/// Bytes that a status may have: an object is at most 1.5 MiB in etcd, and every watcher gets it at every write.
const MAX_BYTES: usize = 64 * 1_024;

fn window() -> WindowStatus {
    let (ratio, moment) = (|| Some("123.456".to_owned()), || Some(MicroTime(Timestamp::UNIX_EPOCH)));
    let count = 9_999_999;
    WindowStatus {
        name: "n".repeat(30),
        planned_at: moment(),
        actual_at: moment(),
        off_ms: Some(1_000),
        requests: count,
        attempts: count,
        wire_attempts: count,
        layer_attempts: vec![count; 4],
        backend_requests: count,
        amplification: ratio(),
        wire_amplification: ratio(),
        backend_amplification: ratio(),
        peak_amplification: ratio(),
        retry_share: ratio(),
        sync_index: ratio(),
        wasted_work: ratio(),
        success_rate: ratio(),
        goodput: Some("20000.0".into()),
        latency: Some(latency()),
        predicted: Some(PredictedFigures {
            amplification: Some(band()),
            wire_amplification: Some(band()),
            success_rate: Some(band()),
        }),
        fates: FatesStatus {
            ok: count,
            ok_after_retry: count,
            exhausted: count,
            budget_denied: count,
            breaker_open: count,
            deadline: count,
            not_retryable: count,
            dropped: count,
        },
    }
}

fn band() -> PredictedBand {
    PredictedBand { low: "123.456".into(), high: "123.456".into() }
}

fn latency() -> LatencyStatus {
    LatencyStatus { p50: "10000.0".into(), p99: "10000.0".into(), p999: "10000.0".into() }
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
        outside_prediction: vec!["o".repeat(100); 3],
        no_prediction: Some("n".repeat(100)),
        worst_case: Some("123.456".into()),
        latency: Some(latency()),
        evidence: Some(EvidenceStatus {
            fault_delivered: Some("1.000".into()),
            load_achieved: Some("1.000".into()),
            accounting_gap: 0,
            lateness_p99: Some("1.0".into()),
            shortcomings: vec!["s".repeat(100); 3],
        }),
    }
}

/// The most checks of criteria that the rules allow, in all arms together.
const CHECKS_MAX: usize = 80;

#[test]
fn a_status_with_every_arm_window_and_criterion_that_a_spec_may_have_is_under_64_kib() {
    let criterion = CriterionStatus {
        name: "n".repeat(30),
        arm: "n".repeat(30),
        observed: Some("123.456".into()),
        bound: format!("<= 1234.567891 (0.123 x {})", "n".repeat(30)),
        holds: Some(true),
    };
    let definition = serde_json::to_value(retrylab_api::crd()).unwrap();
    let spec = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    let arms = usize::try_from(spec["properties"]["arms"]["maxItems"].as_u64().unwrap()).unwrap();
    let rules = spec["x-kubernetes-validations"].to_string();
    assert!(rules.contains(&format!("<= {WINDOWS_MAX}\"")) && rules.contains(&format!("<= {CHECKS_MAX}\"")), "{rules}");
    let status = RetryExperimentStatus {
        arms: (0..arms).map(|_| arm(WINDOWS_MAX / arms)).collect(),
        criteria: vec![criterion; CHECKS_MAX],
        ..RetryExperimentStatus::default()
    };
    let bytes = serde_json::to_vec(&status).unwrap().len();
    assert!(bytes < MAX_BYTES, "{bytes} bytes");
}
