//! The client of an experiment: `GET /process` calls the backend under the retry strategy in force.
//!
//! A request's way: `client` → `call`, which follows the policy → one or more attempts of `upstream` over pooled
//! `connection`s → the answer. Runs (`run`) only put a `strategy` in force and open `books`.

mod addresses;
mod admin;
mod books;
mod call;
mod client;
mod config;
mod connection;
mod metrics;
mod opening;
mod run;
mod spans;
mod strategy;
mod to_the_end;
mod under_way;
mod upstream;

pub use client::app;
pub use config::{BackendUrl, Config, NotABackendUrl};
