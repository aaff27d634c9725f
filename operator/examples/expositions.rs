//! Writes what each component says at `/metrics` into a folder, for promtool to look at: `expositions FOLDER`.

#![allow(clippy::unwrap_used, reason = "made of the tests' parts")]

#[path = "../tests/monitoring/exposition.rs"]
mod exposition;

use std::path::PathBuf;

#[tokio::main]
async fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).expect("give it a folder"));
    for (component, text) in exposition::expositions().await {
        std::fs::write(folder.join(format!("{component}.prom")), text).unwrap();
    }
}
