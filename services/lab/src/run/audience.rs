//! What people are told on the standard error while an experiment runs: a line for each event and each window, and at the
//! foot of a terminal where the run stands, once a second.

use std::{
    collections::BTreeSet,
    io::{self, IsTerminal},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use retrylab_api::{RetryExperiment, Span, arm_plan};
use retrylab_conduct::running;
use retrylab_core::{
    stats::Ratio,
    timeline::{TOTAL, Window, windows},
};
use retrylab_plan::{Event, EventKind, Role};
use tokio::{sync::watch, task::JoinHandle, time};

use super::{
    counters::{Counters, Counts},
    log,
    world::World,
};

/// How often the services are asked, where somebody looks on.
const GRAIN: Duration = Duration::from_secs(1);
/// One line of a terminal; the bar gets what the rest leaves.
const LINE: &str = "{prefix} [{wide_bar:.cyan}] {msg}";

/// People who look on.
#[derive(Debug)]
pub struct Audience {
    bar: ProgressBar,
    stage: watch::Sender<Option<Stage>>,
    telling: JoinHandle<()>,
}

/// A run that is under way.
#[derive(Clone, Debug, PartialEq)]
struct Stage {
    arm: String,
    starts_at: Timestamp,
    /// Without the total.
    windows: Vec<Window>,
    duration_ms: u64,
    /// The schedules of the arms that come after it.
    to_come_ms: u64,
    loadgens: Vec<String>,
    /// The clients that call the backend.
    clients: Vec<String>,
}

impl Audience {
    /// People at the standard error. Needs a tokio runtime.
    ///
    /// # Errors
    /// When the HTTP client can't be made.
    pub fn new() -> anyhow::Result<Self> {
        let is_terminal = io::stderr().is_terminal();
        let target = if is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(1), target).with_style(style());
        log::show(bar.clone());
        let (stage, stages) = watch::channel(None);
        let grain = is_terminal.then_some(GRAIN);
        let telling = tokio::spawn(tell_all(stages, Counters::new()?, bar.clone(), grain));
        Ok(Self { bar, stage, telling })
    }

    /// Tells what has happened.
    pub fn tell(&self, events: &[Event]) {
        for Event { kind, reason, note, .. } in events {
            let warning = if *kind == EventKind::Warning { "warning: " } else { "" };
            say(&self.bar, &format!("{warning}{reason}: {note}"));
        }
    }

    /// Follows the run that is under way, if one is.
    pub fn follow(&self, experiment: &RetryExperiment, world: &World) {
        let stage = Stage::of(experiment, world);
        self.stage.send_if_modified(|now| {
            let is_new = *now != stage;
            *now = stage;
            is_new
        });
    }

    /// The experiment is over: takes away what isn't to stay.
    pub async fn leave(self) {
        drop(self.stage);
        self.telling.await.ok();
        self.bar.finish_and_clear();
    }
}

fn style() -> ProgressStyle {
    let style = ProgressStyle::with_template(LINE).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.progress_chars("=> ")
}

fn say(bar: &ProgressBar, line: &str) {
    bar.suspend(|| eprintln!("{line}"));
}

impl Stage {
    fn of(experiment: &RetryExperiment, world: &World) -> Option<Self> {
        let (spec, status) = (&experiment.spec, running(experiment)?);
        let place = spec.arms.iter().position(|arm| arm.name == status.name)?;
        let plan = arm_plan(spec, &spec.arms[place], &status.run.target);
        let duration_ms = plan.client.duration_ms;
        let mut windows = windows(&plan.backend.faults, &plan.loadgen.load.shed, duration_ms);
        // The total is told when it is all there is, without its drain.
        windows.retain(|window| window.to_ms.is_some());
        if windows.is_empty() {
            windows.push(Window { name: TOTAL.to_owned(), from_ms: 0, to_ms: Some(duration_ms) });
        }
        let addresses = |role| world.pods(role).map(|pod| pod.address.clone()).collect();
        let layers = spec.client.layers as u8;
        Some(Self {
            arm: status.name.clone(),
            starts_at: status.run.starts_at.0,
            windows,
            duration_ms,
            to_come_ms: duration_ms * (spec.arms.len() - place - 1) as u64,
            loadgens: addresses(Role::Loadgen),
            clients: addresses(if layers > 1 { Role::Inner(layers) } else { Role::Client }),
        })
    }

    /// Waits until so many milliseconds after its start.
    async fn reach(&self, ms: u64) {
        let moment = self.starts_at + SignedDuration::from_millis(ms as i64);
        time::sleep(Duration::try_from(moment.duration_since(Timestamp::now())).unwrap_or_default()).await;
    }

    /// Where it stands after so many milliseconds: what was sent in all, and since the last look.
    fn stands(&self, ms: u64, in_all: Option<Counts>, last: Option<(u64, Counts)>) -> String {
        let open = |window: &&Window| window.from_ms <= ms && window.to_ms.is_some_and(|to_ms| ms < to_ms);
        let name = self.windows.iter().rfind(open).map_or("", |window| window.name.as_str());
        let Counts { requests, attempts } = in_all.unwrap_or_default();
        let per_second = |count: u64, since_ms: u64| count * 1_000 / (ms - since_ms).max(1);
        let (requests_s, attempts_s) = last.map_or((0, 0), |(since_ms, counts)| {
            (per_second(counts.requests, since_ms), per_second(counts.attempts, since_ms))
        });
        let left = Span::from_millis((self.duration_ms + self.to_come_ms - ms).div_ceil(1_000) * 1_000);
        format!("{name}  {requests_s:>3} req/s {attempts_s:>4} att/s  amp {}  {left} left", amplification(attempts, requests))
    }
}

/// Follows one stage after the other, until there are no more to come.
async fn tell_all(
    mut stages: watch::Receiver<Option<Stage>>,
    counters: Counters,
    bar: ProgressBar,
    grain: Option<Duration>,
) {
    loop {
        let stage = stages.borrow_and_update().clone();
        let telling = async {
            if let Some(stage) = stage {
                tell_one(&stage, &counters, &bar, grain).await;
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = telling => {}
            changed = stages.changed() => if changed.is_err() { return },
        }
    }
}

/// Looks at the counts at every moment at which there is something to be told.
async fn tell_one(stage: &Stage, counters: &Counters, bar: &ProgressBar, grain: Option<Duration>) {
    let read = || counters.read(&stage.loadgens, &stage.clients);
    bar.set_prefix(stage.arm.clone());
    bar.set_length(stage.duration_ms);
    bar.set_position(0);
    let mut known: Vec<(u64, Counts)> = Vec::new();
    for ms in moments(stage, grain) {
        stage.reach(ms).await;
        let Some(now) = read().await else { continue };
        let since = |earlier: u64| known.iter().find(|(ms, _)| *ms == earlier).map(|(_, counts)| now.since(*counts));
        for window in stage.windows.iter().filter(|window| window.to_ms == Some(ms)) {
            if let Some(counts) = since(window.from_ms) {
                say(bar, &line(&stage.arm, window, counts));
            }
        }
        if grain.is_some() {
            let last = known.last().and_then(|(ms, _)| Some((*ms, since(*ms)?)));
            bar.set_message(stage.stands(ms, since(0), last));
            bar.set_position(ms);
        }
        known.push((ms, now));
    }
    bar.set_message("waiting for what is under way");
}

/// When to look: at every edge of a window, and in between as often as people want to see something.
fn moments(stage: &Stage, grain: Option<Duration>) -> BTreeSet<u64> {
    let edges = stage.windows.iter().flat_map(|window| [Some(window.from_ms), window.to_ms]).flatten();
    let grains = grain.into_iter().flat_map(|grain| (0..=stage.duration_ms).step_by(grain.as_millis() as usize));
    edges.chain(grains).collect()
}

/// What was sent in a window, of requests that arrived in it or before.
fn line(arm: &str, window: &Window, Counts { requests, attempts }: Counts) -> String {
    let length = Span::from_millis(window.to_ms.unwrap_or_default() - window.from_ms);
    let name = &window.name;
    let wire = amplification(attempts, requests);
    format!("{arm}, {name} ({length}): {requests} requests, {attempts} attempts sent, wire amplification {wire}")
}

fn amplification(attempts: u64, requests: u64) -> String {
    Ratio::new(attempts, requests).map_or_else(|| "-".to_owned(), |ratio| ratio.to_string())
}
