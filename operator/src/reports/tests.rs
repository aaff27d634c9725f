//! The routes, over an API server that has one `ConfigMap`.

use axum::{body::to_bytes, extract::ConnectInfo};
use kube::{Client, client::Body, runtime::reflector, runtime::watcher::Event};
use retrylab_conduct::Conductor;
use retrylab_runtime::Peer;
use serde_json::{Value, json};
use tower::{ServiceExt, service_fn};

use super::*;
use crate::{backoff::Backoff, caches::Caches, config::Config, events::Events, metrics::Metrics, refusals::Refusals};

/// A run that is over, and one that goes on.
fn experiments() -> [RetryExperiment; 2] {
    let experiment = |name: &str, status: Value| -> RetryExperiment {
        serde_json::from_value(json!({
            "apiVersion": "retrylab.dev/v1alpha1", "kind": "RetryExperiment",
            "metadata": {"name": name, "namespace": "lab", "uid": name, "creationTimestamp": "2026-11-24T12:00:00Z"},
            "spec": {"arms": [{"name": "naive", "strategy": {"type": "Naive"}}], "load": {"rate": 50}, "duration": "1s"},
            "status": status,
        }))
        .unwrap()
    };
    let window = json!({
        "name": "total", "requests": 50, "attempts": 77, "wireAttempts": 77, "backendRequests": 77,
        "amplification": "1.540", "successRate": "0.980", "fates": {"ok": 49, "okAfterRetry": 0, "exhausted": 1, "notRetryable": 0, "dropped": 0},
    });
    let moment = "2026-11-24T12:00:00.000000Z";
    let run = json!({"id": "r", "handover": 1, "settledAt": moment, "startsAt": moment, "target": "10.96.0.1:8000"});
    let evidence = json!({"accountingGap": 0});
    let arm = json!({"name": "naive", "phase": "Complete", "run": run, "windows": [window], "evidence": evidence});
    let over = json!({
        "phase": "Complete", "verdict": "Passed", "message": "m", "arms": [arm],
        "summary": {"arm": "naive", "amplification": "1.540"},
        "reportRef": {"kind": "ConfigMap", "name": "over-report"},
    });
    let running = json!({"phase": "Running", "arms": [{"name": "naive", "phase": "Running", "run": run}]});
    [experiment("over", over), experiment("going-on", running)]
}

/// The API server: it has the timelines of the experiment whose uid is `owner`, and nothing else.
fn client(owner: &'static str) -> Client {
    let series = json!({
        "arm": "naive", "bucketMs": 100, "arrivals": [50], "attempts": [77], "received": [77], "goodput": [49], "failed": [1], "queue": [3],
    });
    let kept = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "data": {"naive.json": series.to_string()},
        "metadata": {"name": "over-report", "namespace": "lab", "ownerReferences": [{"apiVersion": "v", "kind": "k", "name": "n", "uid": owner}]},
    });
    let answer = move |request: axum::http::Request<Body>| {
        assert_eq!(request.uri().path(), "/api/v1/namespaces/lab/configmaps/over-report");
        let answer = axum::http::Response::new(Body::from(kept.to_string().into_bytes()));
        async move { Ok::<_, std::convert::Infallible>(answer) }
    };
    Client::new(service_fn(answer), "default")
}

/// What is answered to a caller at this address: status, headers and text.
async fn get_from(
    peer: &str,
    path: &str,
    owner: &'static str,
    is_open: bool,
) -> (StatusCode, header::HeaderMap, String) {
    get_of(&experiments(), peer, path, owner, is_open).await
}

/// The same, where there are these experiments.
async fn get_of(
    experiments: &[RetryExperiment],
    peer: &str,
    path: &str,
    owner: &'static str,
    is_open: bool,
) -> (StatusCode, header::HeaderMap, String) {
    use clap::{Args, FromArgMatches};
    let (store, mut writer) = reflector::store();
    for experiment in experiments {
        writer.apply_watcher_event(&Event::Apply(experiment.clone()));
    }
    let matches = Config::augment_args(clap::Command::new("operator")).get_matches_from(["operator"]);
    let config = Config { reports_open: is_open, ..Config::from_arg_matches(&matches).unwrap() };
    let client = client(owner);
    let world = World { client: client.clone(), conductor: Conductor::new().unwrap(), config };
    let context = Context {
        world,
        events: Events::new(client),
        backoff: Backoff::new(0),
        refusals: Refusals::default(),
        metrics: Metrics::new().unwrap(),
        caches: Caches { experiments: vec![store], deployments: vec![] },
    };
    let mut request = axum::extract::Request::builder().uri(path).body(axum::body::Body::empty()).unwrap();
    request.extensions_mut().insert(ConnectInfo(Peer::at(peer.parse().unwrap())));
    let response = routes(Arc::new(context)).oneshot(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    (status, headers, String::from_utf8(to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap())
}

async fn get(path: &str) -> (StatusCode, header::HeaderMap, String) {
    get_from("127.0.0.1:5000", path, "over", false).await
}

#[tokio::test]
async fn the_list_has_every_experiment_with_what_people_look_for() {
    let (status, _, text) = get("/reports/").await;
    assert_eq!(status, StatusCode::OK);
    for expected in ["href=\"/reports/lab/over\"", "href=\"/reports/lab/going-on\"", "Passed", "Running", "1.540"] {
        assert!(text.contains(expected), "{expected}");
    }
    for path in ["/", "/reports"] {
        let (status, headers, _) = get(path).await;
        assert_eq!((status, headers["location"].as_bytes()), (StatusCode::TEMPORARY_REDIRECT, &b"/reports/"[..]));
    }
}

#[tokio::test]
async fn the_list_has_the_newest_500_and_says_how_many_more_there_are() {
    let [over, _] = experiments();
    let one = |i: u32| {
        let mut experiment = over.clone();
        experiment.metadata.name = Some(format!("x{i}"));
        let created = Timestamp::from_second(1_000_000 + i64::from(i)).unwrap();
        experiment.metadata.creation_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(created));
        experiment
    };
    let get = async |number: u32| {
        let experiments: Vec<_> = (1..=number).map(one).collect();
        get_of(&experiments, "127.0.0.1:5000", "/reports/", "over", false).await.2
    };
    let (all, some) = (get(500).await, get(503).await);
    assert_eq!(all.matches("href=\"/reports/lab/x").count(), 500);
    assert!(!all.contains("more that are older"));
    assert_eq!(some.matches("href=\"/reports/lab/x").count(), 500);
    assert!(some.contains("And 3 more that are older") && some.contains("lab/x503\"") && !some.contains("lab/x3\""));
}

#[tokio::test]
async fn whatever_is_answered_is_not_guessed_at_and_not_kept() {
    let paths =
        ["/", "/reports/", "/reports/lab/over", "/reports/lab/over.json", "/reports/lab/over.md", "/reports/x/y"];
    for (path, peer) in paths.map(|path| (path, "127.0.0.1:5000")).into_iter().chain([("/reports/", "10.0.0.7:5000")]) {
        let (_, headers, _) = get_from(peer, path, "over", false).await;
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["cache-control"], "no-store", "{path}");
    }
}

#[tokio::test]
async fn a_report_is_there_as_a_page_as_json_and_as_markdown() {
    let (status, headers, page) = get("/reports/lab/over").await;
    assert_eq!((status, headers["content-type"].to_str().unwrap()), (StatusCode::OK, "text/html; charset=utf-8"));
    assert!(headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    assert!(page.contains(">1.540<") && page.contains("77 attempts were sent"), "the timeline is in it");
    assert!(!headers.contains_key("refresh"));
    let (_, headers, json) = get("/reports/lab/over.json").await;
    let report: Report = serde_json::from_str(&json).unwrap();
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!((report.metadata.name.as_str(), report.series[0].attempts.as_slice()), ("over", &[77][..]));
    let (_, headers, markdown) = get("/reports/lab/over.md").await;
    assert_eq!(headers["content-type"], "text/markdown; charset=utf-8");
    assert!(markdown.contains("| 1.540 |"));
}

#[tokio::test]
async fn the_report_of_a_run_that_goes_on_says_so_and_comes_again() {
    let (status, headers, page) = get("/reports/lab/going-on").await;
    assert_eq!((status, headers["refresh"].to_str().unwrap()), (StatusCode::OK, "5"));
    assert!(page.contains("Running: arm naive is under way"));
}

#[tokio::test]
async fn timelines_that_belong_to_a_namesake_are_not_shown() {
    let (status, _, page) = get_from("127.0.0.1:5000", "/reports/lab/over", "namesake", false).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("There is no timeline of this arm.") && page.contains(">1.540<"));
}

#[tokio::test]
async fn what_is_not_there_has_a_page_that_helps() {
    for path in ["/reports/lab/none", "/reports/lab/over.exe", "/reports/lab", "/reports/a/b/c", "/reports/lab/%3Cb%3E"]
    {
        let (status, _, page) = get(path).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        assert!(page.contains("There is no such report") && page.contains("href=\"/reports/\""), "{path}");
        assert!(!page.contains("<b>"), "{path}");
    }
}

#[tokio::test]
async fn other_callers_than_a_port_forward_are_told_how_unless_reports_are_open() {
    for path in ["/reports/", "/reports/lab/over", "/reports/lab/over.json", "/reports/x/y/z"] {
        let (status, _, text) = get_from("10.0.0.7:5000", path, "over", false).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{path}");
        assert!(text.contains("port-forward svc/retrylab-operator 8080") && !text.contains("1.540"), "{path}");
    }
    assert_eq!(get_from("10.0.0.7:5000", "/reports/lab/over", "over", true).await.0, StatusCode::OK);
    for (peer, expected) in [
        ("[::ffff:127.0.0.1]:5000", StatusCode::OK),
        ("[::1]:5000", StatusCode::OK),
        ("[::ffff:10.0.0.7]:5000", StatusCode::FORBIDDEN),
        ("[::127.0.0.1]:5000", StatusCode::FORBIDDEN),
    ] {
        assert_eq!(get_from(peer, "/reports/lab/over", "over", false).await.0, expected, "{peer}");
    }
}
