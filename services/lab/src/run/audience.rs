//! What people are told on the standard error while an experiment runs: a line for each event and each window, and at the
//! foot of a terminal where the run is, once a second.

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use k8s_openapi::jiff::Timestamp;
use retrylab_api::RetryExperiment;
use retrylab_plan::{Event, EventKind, Role};
use tokio::{sync::watch, task::JoinHandle, time};

use super::{
    counters::{Counters, Counts},
    log,
    stage::{Stage, pace},
    world::World,
};
use crate::said;

/// How often the services are asked where somebody sees it.
const GRAIN: Duration = Duration::from_secs(1);
/// Two lines of a terminal; the bar gets what the first one leaves.
const LINES: &str = "{prefix} [{wide_bar:.cyan}] {msg}";

/// People who look on.
#[derive(Debug)]
pub struct Audience {
    bar: ProgressBar,
    scene: watch::Sender<Option<Scene>>,
    telling: JoinHandle<()>,
}

/// A run that is under way, and who counts what is sent in it.
#[derive(Clone, Debug, PartialEq)]
struct Scene {
    stage: Stage,
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
        let (scene, scenes) = watch::channel(None);
        let telling = tokio::spawn(tell_all(scenes, Counters::new()?, bar.clone(), is_terminal.then_some(GRAIN)));
        Ok(Self { bar, scene, telling })
    }

    /// Tells what has happened.
    pub fn tell(&self, events: &[Event]) {
        for Event { kind, reason, note, .. } in events {
            let warning = if *kind == EventKind::Warning { "warning: " } else { "" };
            self.say(&format!("{warning}{reason}: {note}"));
        }
    }

    /// Says one line.
    pub fn say(&self, line: &str) {
        say(&self.bar, line);
    }

    /// Follows the run that is under way, if one is.
    pub fn follow(&self, experiment: &RetryExperiment, world: &World) {
        let scene = Stage::of(experiment).map(|stage| {
            let addresses = |role| world.pods(role).map(|pod| pod.address.clone()).collect();
            let layers = experiment.spec.client.layers as u8;
            let last = if layers > 1 { Role::Inner(layers) } else { Role::Client };
            Scene { stage, loadgens: addresses(Role::Loadgen), clients: addresses(last) }
        });
        self.scene.send_if_modified(|now| {
            let is_new = *now != scene;
            *now = scene;
            is_new
        });
    }

    /// The experiment is over: takes away what isn't to stay.
    pub async fn leave(self) {
        drop(self.scene);
        self.telling.await.ok();
        self.bar.finish_and_clear();
        if !self.bar.is_hidden() {
            said::say(""); // what comes now is the result
        }
    }
}

fn style() -> ProgressStyle {
    let style = ProgressStyle::with_template(LINES).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.progress_chars("=> ")
}

fn say(bar: &ProgressBar, line: &str) {
    bar.suspend(|| said::say(line));
}

/// Follows one scene after the other, until there are no more to come.
async fn tell_all(
    mut scenes: watch::Receiver<Option<Scene>>,
    counters: Counters,
    bar: ProgressBar,
    grain: Option<Duration>,
) {
    loop {
        let scene = scenes.borrow_and_update().clone();
        let telling = async {
            if let Some(scene) = scene {
                tell_one(&scene, &counters, &bar, grain).await;
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = telling => {}
            changed = scenes.changed() => if changed.is_err() { return },
        }
    }
}

/// Looks at the counts at every moment at which there is something to be told.
async fn tell_one(
    Scene { stage, loadgens, clients }: &Scene,
    counters: &Counters,
    bar: &ProgressBar,
    grain: Option<Duration>,
) {
    bar.set_length(stage.whole_ms);
    bar.set_position(stage.position(0));
    bar.set_prefix(stage.place(0));
    bar.set_message(format!("{}\nstarts", stage.left(0)));
    let mut known: Vec<(u64, Counts)> = Vec::new();
    for ms in stage.moments(grain) {
        time::sleep(stage.until(ms, Timestamp::now())).await;
        let Some(now) = counters.read(loadgens, clients).await else { continue };
        let since = |earlier: u64| known.iter().find(|(ms, _)| *ms == earlier).map(|(_, counts)| now.since(*counts));
        for window in stage.over_at(ms) {
            if let Some(counts) = since(window.from_ms) {
                say(bar, &stage.line(window, counts));
            }
        }
        if let (Some((last, counts)), Some(in_all)) = (known.last(), since(0)) {
            bar.set_position(stage.position(ms));
            bar.set_prefix(stage.place(ms));
            bar.set_message(format!("{}\n{}", stage.left(ms), pace(now.since(*counts), ms - last, in_all)));
        }
        known.push((ms, now));
    }
    bar.set_message(format!("{}\nall is sent; the last answers are waited for", stage.left(stage.duration_ms)));
}
