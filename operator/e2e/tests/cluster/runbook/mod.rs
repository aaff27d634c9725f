//! docs/runbook.md, run block by block as its readers run it, with every output held against what it shows. Its experiments are
//! those samples that the compose lab had as well; what they show is checked here and not in `samples`.

mod document;
mod experiments;
mod output;
mod session;

use std::time::Duration;

use document::{Block, blocks};
use k8s_openapi::jiff::Timestamp;
use session::Session;

use crate::{
    harness::{Lab, Prometheus, Restored, SOON, eventually, of_the_release, run, run_script, try_kubectl, upgrade},
    monitoring::MONITORED,
};

const RUNBOOK: &str = include_str!("../../../../../docs/runbook.md");

/// The blocks that are not run in the order of the page, and why.
const NOT_RUN: [(&str, &str); 7] = [
    ("start-kind", "there is no Docker here"),
    ("start-own", "this cluster is up, or nothing could be run"),
    ("ports-kind", "the lab has its ports by `ports`; with kind's it is run by a test of its own"),
    ("prometheus", "the monitors are off; it is run by a test of its own"),
    ("uninstall", "the other tests want the operator; it is run by a test of its own"),
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
    Session::new(&lab).await.run(&block("install")).await;
}

/// A block by its name.
fn block(name: &str) -> Block {
    blocks(RUNBOOK).into_iter().find(|block| block.name == name).unwrap()
}

#[tokio::test]
async fn the_ports_that_kind_maps_lead_to_the_lab() {
    let lab = Lab::shared().await;
    let session = Session::new(&lab).await;
    session.run(&block("lab")).await;
    let node = run_script("kubectl get nodes --output jsonpath='{.items[0].status.addresses[0].address}'").await;
    map_ports(&session, &[(8000, &format!("{node}:30800")), (8001, &format!("{node}:30801"))]).await;
    session.run(&block("ports-kind")).await;
    for name in ["verify", "baseline-by-hand", "naive-by-hand"] {
        session.run(&block(name)).await;
    }
}

/// What kind's mapping of ports does, curl does here: from a port on this machine to an address.
async fn map_ports(session: &Session, ports: &[(u16, &str)]) {
    let mapped: Vec<_> = ports.iter().map(|(port, to)| format!("--connect-to localhost:{port}:{to}")).collect();
    let curl = run_script("command -v curl").await;
    session.put_program("curl", &format!("#!/bin/sh\nexec {} {} \"$@\"\n", curl.trim(), mapped.join(" ")));
}

#[tokio::test]
async fn prometheus_has_the_figures_of_the_comparison() {
    let lab = Lab::alone().await;
    let _restored = Restored;
    upgrade(&MONITORED).await;
    let session = Session::new(&lab).await;
    let comparison = lab.apply(include_str!("../../../../../deploy/samples/comparison.yaml")).await;
    comparison.complete(Duration::from_secs(200)).await;
    // Only now, since it would be measured along. The object stays, and its figures with it.
    let prometheus = Prometheus::start().await;
    eventually("the three arms are scraped", SOON, async || {
        let query = format!("retrylab_arm_wire_amplification{{experiment=\"{}\"}}", comparison.name);
        (prometheus.at(&query, Timestamp::now().as_second()).await.len() == 3).then_some(())
    })
    .await;
    map_ports(&session, &[(9090, prometheus.address())]).await;
    session.run(&block("prometheus")).await;
}

#[tokio::test]
async fn uninstalling_takes_the_operator_and_with_the_definition_all_experiments() {
    let lab = Lab::alone().await;
    let restored = Restored;
    let experiment = lab.apply(include_str!("../../../../../deploy/samples/lab.yaml")).await;
    experiment.complete(Duration::from_secs(60)).await;
    let session = Session::new(&lab).await;
    session.run(&block("uninstall")).await;
    eventually("all of the operator is gone", SOON, async || of_the_release().await.is_empty().then_some(())).await;
    assert!(try_kubectl(&["get", "customresourcedefinition", "retryexperiments.retrylab.dev"]).await.is_err());
    experiment.until_nothing_remains(Duration::from_secs(60)).await;
    drop(restored);
    lab.until_experiments_are_collected().await;
}
