//! A status stays small, however much there is to say.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, Time};
use k8s_openapi::jiff::Timestamp;
use retrylab_api::{
    ArmPhase, ArmStatus, CriterionStatus, EvidenceStatus, FatesStatus, LatencyStatus, RecoveryStatus,
    RetryExperimentStatus, RunRecord, WINDOWS_MAX, WindowStatus,
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
        success_rate: ratio(),
        goodput: Some("20000.0".into()),
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

fn arm(faults: usize) -> ArmStatus {
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
        windows: (0..faults + 3).map(|_| window()).collect(),
        recovery: Some(RecoveryStatus { time_to_recovery: "> 3000s".into() }),
        latency: Some(LatencyStatus { p50: "10000.0".into(), p99: "10000.0".into(), p999: "10000.0".into() }),
        evidence: Some(EvidenceStatus {
            fault_delivered: Some("1.000".into()),
            load_achieved: Some("1.000".into()),
            accounting_gap: 0,
            lateness_p99: Some("1.0".into()),
            shortcomings: vec!["s".repeat(100); 3],
        }),
    }
}

#[test]
fn a_status_with_every_arm_fault_and_criterion_that_a_spec_may_have_is_under_64_kib() {
    let criterion = CriterionStatus {
        name: "n".repeat(30),
        arm: "n".repeat(30),
        observed: Some("123.456".into()),
        holds: Some(true),
    };
    let definition = serde_json::to_value(retrylab_api::crd()).unwrap();
    let spec = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"];
    let most = |list: &str| usize::try_from(spec[list]["maxItems"].as_u64().unwrap()).unwrap();
    for arms in 1..=most("arms") {
        let faults = most("faults").min(WINDOWS_MAX / arms - 3);
        let status = RetryExperimentStatus {
            arms: (0..arms).map(|_| arm(faults)).collect(),
            criteria: vec![criterion.clone(); most("criteria") * arms],
            ..RetryExperimentStatus::default()
        };
        let bytes = serde_json::to_vec(&status).unwrap().len();
        assert!(bytes < MAX_BYTES, "{arms} arms with {faults} faults: {bytes} bytes");
    }
}
