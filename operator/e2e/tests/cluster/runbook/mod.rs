//! docs/runbook.md, run block by block as its readers run it, with every output held against what it shows. Its experiments are
//! those samples that the compose lab had as well; what they show is checked here and not in `samples`.

mod document;
mod experiments;
mod output;
mod session;

use std::collections::BTreeMap;

use document::{Block, blocks};
use session::Session;

use crate::harness::{Lab, run, run_script};

const RUNBOOK: &str = include_str!("../../../../../docs/runbook.md");

/// The blocks that are not run here, and why.
const NOT_RUN: [(&str, &str); 7] = [
    ("start-kind", "there is no Docker here"),
    ("start-own", "this cluster is up, or nothing could be run"),
    ("ports-kind", "the lab has its ports by `ports`; with kind's it is run by a test of its own"),
    ("prometheus", "it needs kube-prometheus-stack, which comes from the internet"),
    ("uninstall", "the other tests want the operator"),
    ("stop-kind", "there is no Docker here"),
    ("stop-own", "the cluster ends with the tests"),
];

#[test]
fn what_is_not_run_is_said() {
    let left_out: Vec<String> = blocks(RUNBOOK).into_iter().filter(|b| b.is_left_out).map(|b| b.name).collect();
    assert_eq!(left_out, NOT_RUN.map(|(name, _)| name));
}

#[tokio::test]
async fn every_block_is_good_shell() {
    for block in blocks(RUNBOOK) {
        // It may use what another block has exported.
        let arguments = ["--shell=bash", "--exclude=SC2154", "-"];
        let found = run("shellcheck", &arguments, &block.script).await;
        found.unwrap_or_else(|found| panic!("{}: {found}", block.name));
    }
}

#[tokio::test]
async fn every_block_does_what_the_runbook_shows() {
    install().await;
    let lab = Lab::shared().await;
    let session = Session::new(&lab).await;
    for block in blocks(RUNBOOK).iter().filter(|block| !block.is_left_out && block.name != "install") {
        if block.name == "cleanup" {
            experiments::check(&lab).await;
        }
        session.run(block).await;
    }
}

/// Installs the operator as the runbook does: it is there already, so only the release changes, and that nobody else may do meanwhile.
async fn install() {
    let lab = Lab::alone().await;
    let install = blocks(RUNBOOK).into_iter().find(|block| block.name == "install").unwrap();
    Session::new(&lab).await.run(&install).await;
}

#[tokio::test]
async fn the_ports_that_kind_maps_lead_to_the_lab() {
    let lab = Lab::shared().await;
    let session = Session::new(&lab).await;
    let blocks: BTreeMap<String, Block> = blocks(RUNBOOK).into_iter().map(|b| (b.name.clone(), b)).collect();
    session.run(&blocks["lab"]).await;
    // What kind's mapping of ports does, curl does here: from 8000 on this machine to 30800 on the node, and so on.
    let node = run_script("kubectl get nodes --output jsonpath='{.items[0].status.addresses[0].address}'").await;
    let to = |port: u16, node_port: u16| format!("--connect-to localhost:{port}:{node}:{node_port}");
    let curl = run_script("command -v curl").await;
    let mapping = format!("#!/bin/sh\nexec {} {} {} \"$@\"\n", curl.trim(), to(8000, 30800), to(8001, 30801));
    session.put_program("curl", &mapping);
    session.run(&blocks["ports-kind"]).await;
    for name in ["verify", "baseline-by-hand", "naive-by-hand"] {
        session.run(&blocks[name]).await;
    }
}
