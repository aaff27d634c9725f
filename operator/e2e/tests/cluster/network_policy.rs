//! The chart's `NetworkPolicy` where such are obeyed: all that the operator needs is let through, and nothing else. So it is with
//! the policy that the chart's README gives for experiments in a namespace that denies by default.
//!
//! What comes from the node is let through in any case, so requests are sent from pods. Connections that are open already stay
//! open, so the operator begins anew once the policy is in force.

use std::{fs, path::PathBuf, time::Duration};

use retrylab_api::Verdict;
use serde_json::{Value, json};

use crate::harness::{
    Enforcer, Lab, Restored, SOON, Visitor, check_books, eventually, kubectl, kubectl_with_input, operator_pod,
    restart_operator, upgrade,
};

/// An experiment with an outage, whose pods stay to be asked.
fn spec() -> Value {
    json!({
        "arms": [{"name": "naive", "strategy": {"type": "Naive"}}],
        "load": {"rate": 20},
        "faults": [{"name": "outage", "at": "1s", "for": "1s", "type": "Error"}],
        "duration": "3s",
        "ttlSecondsAfterFinished": 600,
    })
}

#[tokio::test]
async fn under_its_network_policy_the_operator_has_all_that_it_needs_and_nothing_else() {
    let lab = Lab::alone().await;
    let [scraper, stranger, server] = ["scraper", "stranger", "server"].map(|name| Visitor::start(&lab, name));
    let (scraper, stranger, server) = tokio::join!(scraper, stranger, server);
    let enforcer = Enforcer::start();
    policies_are_obeyed(&lab, &stranger, &server).await;

    let by_name = "http://retrylab-operator.retrylab-system.svc.cluster.local:8080/metrics";
    assert_eq!(stranger.asks(by_name).await, Some(200), "without the policy");
    let _restored = Restored;
    let scrapers = r#"[{"namespaceSelector": {}, "podSelector": {"matchLabels": {"visitor": "scraper"}}}]"#;
    let scrapers = format!("networkPolicy.scrapers={scrapers}");
    // In a new pod: a process that has been killed before is not started again at once.
    upgrade(&["--set", "podLabels.guarded=yes,networkPolicy.enabled=true", "--set-json", &scrapers]).await;
    let operator = Visitor::new(operator_pod(&lab.client).await);
    let metrics = format!("http://{}:8080/metrics", operator.address());
    until_denied("whoever is no scraper is kept from the operator", &stranger, &metrics).await;
    restart_operator(&lab.client).await;

    kubectl_with_input(&["apply", "--namespace", &lab.namespace, "--filename", "-"], &policy_of_the_readme()).await;
    let experiment = lab.experiment("guarded", &spec()).await;
    let status = experiment.complete(Duration::from_secs(60)).await;
    assert_eq!(status.verdict, Some(Verdict::Passed), "{:?}", status.message);
    check_books(&status);

    for url in [&metrics, by_name] {
        assert_eq!((scraper.asks(url).await, stranger.asks(url).await), (Some(200), None), "{url}");
    }
    for role in ["client", "backend", "loadgen"] {
        let health = format!("{}/health", experiment.url(role).await);
        assert_eq!((operator.asks(&health).await, stranger.asks(&health).await), (Some(200), None), "{role}");
    }
    // It answers what isn't TLS with a 400.
    let address = ["get", "service", "kubernetes", "--namespace", "default", "--output=jsonpath={.spec.clusterIP}"];
    let api_server = format!("http://{}:443", kubectl(&address).await);
    assert_eq!(operator.asks(&api_server).await, Some(400), "the API server");
    for (url, answer, what) in [
        (format!("http://{}:8001/health", server.address()), 200, "a pod that is no experiment's"),
        ("http://kubernetes.default.svc.cluster.local:443".to_owned(), 400, "DNS, which it has no need of"),
    ] {
        assert_eq!((stranger.asks(&url).await, operator.asks(&url).await), (Some(answer), None), "{what}");
    }
    drop(enforcer);
    assert_eq!(stranger.asks(&metrics).await, Some(200), "nobody obeys the policy any more");
}

/// The policy for experiments, which the chart's README has as its one block of YAML.
fn policy_of_the_readme() -> String {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../charts/retrylab/README.md");
    let readme = fs::read_to_string(file).unwrap();
    let (_, block) = readme.split_once("```yaml\n").expect("the README has a policy");
    block.split_once("```").unwrap().0.to_owned()
}

/// What is seen of a policy says nothing unless a connection that one denies is denied.
async fn policies_are_obeyed(lab: &Lab, from: &Visitor, to: &Visitor) {
    let url = format!("http://{}:8001/health", to.address());
    assert_eq!(from.asks(&url).await, Some(200), "without a policy");
    let policy = json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "nobody"},
        "spec": {"podSelector": {"matchLabels": {"visitor": "server"}}, "policyTypes": ["Ingress"]},
    });
    let apply = ["apply", "--namespace", &lab.namespace, "--filename", "-"];
    kubectl_with_input(&apply, &policy.to_string()).await;
    let what = "what a policy denies is denied (else this cluster obeys none, and nothing can be told of the chart's)";
    until_denied(what, from, &url).await;
    kubectl(&["delete", "networkpolicy", "nobody", "--namespace", &lab.namespace]).await;
    let is_let_in = async || (from.asks(&url).await == Some(200)).then_some(());
    eventually("what no policy denies any more is let in", SOON, is_let_in).await;
}

/// Waits until there is no way to a URL.
async fn until_denied(what: &str, from: &Visitor, url: &str) {
    eventually(what, SOON, async || from.asks(url).await.is_none().then_some(())).await;
}
