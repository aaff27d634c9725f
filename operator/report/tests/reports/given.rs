//! The reports that the tests look at: simulations of the samples, as if they had been measured.

use std::{fs, path::PathBuf};

use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::{MicroTime, Time},
    jiff::Timestamp,
};
use retrylab_api::{
    Arm, ArmPhase, ArmStatus, Phase, RetryExperiment, RetryExperimentStatus, RunRecord, Summary, Verdict, arm_plan,
    setup,
};
use retrylab_core::{
    sim::{predict, simulate},
    stats::ArmSeries,
};
use retrylab_plan::{ArmFigures, Judged, judge};
use retrylab_report::{Report, Source};

/// A sample of deploy/samples.
pub fn sample(name: &str) -> RetryExperiment {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../deploy/samples").join(format!("{name}.yaml"));
    let mut experiment: RetryExperiment = serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    experiment.metadata.namespace = Some("default".into());
    experiment
}

/// 2026-11-24 12:00 UTC.
pub fn noon() -> Timestamp {
    Timestamp::from_second(1_795_521_600).unwrap()
}

/// An arm that has begun.
pub fn begun(name: &str) -> ArmStatus {
    let (settled_at, starts_at) = (MicroTime(noon()), MicroTime(noon()));
    let run = RunRecord { id: "id".into(), handover: 1, settled_at, starts_at, target: "10.96.0.1:8000".into() };
    ArmStatus::begun(name.to_owned(), run)
}

/// A report on the experiment, with every arm simulated in another repetition than the prediction's first.
pub fn report(mut experiment: RetryExperiment) -> Report {
    let spec = &experiment.spec;
    let (mut arms, mut series) = (vec![], vec![]);
    for arm in &spec.arms {
        let plan = arm_plan(spec, arm, "client:8000");
        let setup = setup(spec, &plan);
        let outcome = simulate(&setup, 50_000_000).unwrap();
        let prediction = predict(&setup, 4, 20_000_000).ok();
        let counts = outcome.counts();
        let figures = ArmFigures::new(&setup, &counts, &outcome.evidence(&setup), prediction.as_ref());
        series.push(ArmSeries::new(&arm.name, &counts));
        arms.push(ArmStatus {
            phase: ArmPhase::Complete,
            finished_at: Some(Time(noon())),
            ..figures.into_status(&begun(&arm.name))
        });
    }
    let Judged { verdict, message, criteria } = judge(spec, &arms);
    let total = arms.last().and_then(|arm| arm.windows.last()).cloned().unwrap_or_default();
    experiment.status = Some(RetryExperimentStatus {
        phase: Some(Phase::Complete),
        verdict: Some(verdict),
        message: Some(message),
        started_at: Some(Time(noon())),
        finished_at: Some(Time(noon())),
        summary: arms.last().map(|arm| Summary {
            arm: arm.name.clone(),
            amplification: total.amplification,
            ..Summary::default()
        }),
        arms,
        criteria,
        ..RetryExperimentStatus::default()
    });
    Report::new(&experiment, series, Source::Cluster)
}

/// One of which the load was not achieved in one arm.
pub fn inconclusive() -> Report {
    let mut report = report(sample("comparison"));
    let lack = "only 0.871 of the planned load was sent";
    if let Some(evidence) = &mut report.status.arms[1].evidence {
        evidence.load_achieved = Some("0.871".into());
        evidence.shortcomings = vec![lack.into(), "the load generator was 184 ms late (p99)".into()];
        evidence.lateness_p99 = Some("184.2".into());
    }
    let Judged { verdict, message, criteria } = judge(&report.spec, &report.status.arms);
    (report.status.verdict, report.status.message, report.status.criteria) = (Some(verdict), Some(message), criteria);
    report
}

/// One whose second arm of three is under way.
pub fn running() -> Report {
    let mut report = report(sample("comparison"));
    report.status.arms.truncate(1);
    report.status.arms.push(begun("backoff"));
    report.series.truncate(1);
    report.status.criteria = vec![];
    report.status = RetryExperimentStatus {
        phase: Some(Phase::Running),
        verdict: None,
        message: None,
        finished_at: None,
        ..report.status
    };
    report
}

/// What somebody may write into a file to harm its reader.
pub const ATTACK: &str =
    "<script>alert(1)</script>\"'><img src=x onerror=alert(1)> | `@team` [x](javascript:alert(1)) </style>";

/// One with an attack in every text that an object has.
pub fn hostile() -> Report {
    let mut report = report(sample("comparison"));
    report.metadata.name = ATTACK.into();
    report.metadata.namespace = Some(ATTACK.into());
    report.spec.faults[0].name = ATTACK.into();
    report.spec.load.bursts[0].name = ATTACK.into();
    for (spec, arm) in report.spec.arms.iter_mut().zip(&mut report.status.arms) {
        spec.name = format!("{}{ATTACK}", arm.name);
        arm.name.clone_from(&spec.name);
        for window in &mut arm.windows {
            window.name = if window.name == "outage" { ATTACK.into() } else { window.name.clone() };
            window.amplification = Some(ATTACK.into());
            window.goodput = Some(ATTACK.into());
        }
        arm.outside_prediction = vec![ATTACK.into()];
        arm.worst_case = Some(ATTACK.into());
        if let Some(recovery) = &mut arm.recovery {
            recovery.message = ATTACK.into();
        }
        if let Some(evidence) = &mut arm.evidence {
            evidence.shortcomings = vec![ATTACK.into()];
        }
    }
    for (series, spec) in report.series.iter_mut().zip(&report.spec.arms) {
        series.arm.clone_from(&spec.name);
    }
    for criterion in &mut report.status.criteria {
        (criterion.name, criterion.bound, criterion.observed) = (ATTACK.into(), ATTACK.into(), Some(ATTACK.into()));
    }
    report.status.message = Some(ATTACK.into());
    report.status.verdict = Some(Verdict::Inconclusive);
    report
}

/// Eight arms with timelines as long as they get, and no two neighbours in them equal.
pub fn many_arms() -> Report {
    let mut experiment = sample("comparison");
    let naive = experiment.spec.arms[0].clone();
    experiment.spec.arms = (0..8).map(|i| Arm { name: format!("arm-{i}"), ..naive.clone() }).collect();
    experiment.spec.criteria = vec![];
    let mut report = report(experiment);
    for series in &mut report.series {
        let uneven = |most: u64| (0..600).map(move |i| i * 7_919 % most).collect::<Vec<u64>>();
        series.arrivals = uneven(2_003);
        series.attempts = uneven(6_007);
        series.goodput = uneven(1_999);
        series.queue = uneven(99_991);
        series.received.clone_from(&series.attempts);
        series.failed = uneven(997);
    }
    report
}
