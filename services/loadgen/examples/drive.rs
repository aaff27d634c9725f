//! Runs one load from the command line and prints what came of it, for measurements:
//!
//! ```text
//! drive open RATE SECONDS HOST:PORT
//! drive closed USERS SECONDS HOST:PORT
//! ```

use std::{thread, time::Duration};

use anyhow::Context;
use prometheus::Registry;
use retrylab_core::{
    load::{ArrivalLaw, LoadPlan, LoadShape, Stage},
    stats::SparseHistogram,
    wire::LoadgenPlan,
};
use retrylab_loadgen::{Loadgen, Metrics};
use retrylab_runtime::{Run, RunClock, Workload};

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let mut next = || args.next().context("usage: drive open|closed RATE|USERS SECONDS HOST:PORT");
    let (law, size, seconds, target) = (next()?, next()?.parse()?, next()?.parse::<u64>()?, next()?);
    let shape = match law.as_str() {
        "open" => LoadShape::Open { rate: size, arrivals: ArrivalLaw::Uniform },
        _ => LoadShape::Closed { stages: vec![Stage { for_ms: 0, users: size }], think_ms: 0 },
    };
    let load = LoadPlan { seed: 1, duration_ms: seconds * 1_000, shape, bursts: vec![], shed: vec![] };
    let run = Loadgen::new(Metrics::new(&Registry::new())?).begin(
        "drive",
        &LoadgenPlan { load, target, timeout_ms: 30_000 },
        RunClock::starting_in(200),
    );
    let before = cpu_seconds()?;
    let mut resident_early = None;
    while !run.is_idle() {
        thread::sleep(Duration::from_millis(20));
        if resident_early.is_none() && run.results().series.sent.total() > 100_000 {
            resident_early = Some(status("VmRSS")?);
        }
    }
    let (cpu, resident_late) = (cpu_seconds()? - before, status("VmRSS")?);
    let results = run.results();
    let (sent, planned) = (results.series.sent.total(), results.series.planned.total());
    let mut latency = SparseHistogram::default();
    for second in &results.latency_us {
        latency.merge(second);
    }
    let ms = |h: &SparseHistogram, per_mille| h.quantile_us(per_mille).unwrap_or(0) as f64 / 1e3;
    println!("rate={:.0}", sent as f64 / seconds as f64);
    println!("sent={sent} planned={planned} achieved={:.5}", sent as f64 / planned as f64);
    println!("failed={}", results.series.failed.total());
    println!("cpu_us_each={:.2}", cpu * 1e6 / sent as f64);
    for (name, histogram) in [("latency", &latency), ("lateness", &results.lateness_us)] {
        let [p50, p95, p99, p999] = [500, 950, 990, 999].map(|per_mille| ms(histogram, per_mille));
        println!("{name}_ms_p50={p50} p95={p95} p99={p99} p999={p999}");
    }
    let early = resident_early.unwrap_or_default();
    println!("resident_after_100000={early} resident_at_end={resident_late}");
    Ok(())
}

/// The CPU time of this process so far.
fn cpu_seconds() -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<_> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
    Ok(ticks / 100.0)
}

/// A line of this process's status.
fn status(name: &str) -> anyhow::Result<String> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).context("no such line")?;
    Ok(line.trim_start_matches(':').trim().to_owned())
}
