//! The backend of an experiment: `GET /process` with finite capacity and a queue, work that goes on after the client has
//! gone, and faults that begin and end on the backend's own clock.
//!
//! A request's way: `process` → what `faults` is in force → `workers` (`core::station` in real time) → the answer.
//! Runs (`run`) only put faults in force and open `books`; they never touch a request.

#[cfg(not(target_os = "linux"))]
compile_error!(
    "Retrylab's services and the command `retrylab` need Linux, with whose timerfd the backend keeps its times. On another system build them in a Linux container or virtual machine"
);

mod admin;
mod alarm;
mod backend;
mod books;
mod config;
mod dice;
mod faults;
mod job;
mod metrics;
mod process;
mod run;
mod spans;
mod timestamp;
mod window;
mod workers;

pub use backend::{StartError, app, app_of};
pub use config::{Config, DisciplineName, LawName};
