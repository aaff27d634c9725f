//! `/admin` of a standing experiment's pods: who gets in, and what is refused there.
//!
//! The tests run beside the pods, in the node's network: what they send to a pod's address comes from outside of it. One
//! enters another pod's network and sends from there. What comes through a port-forward is the pod's own loopback.

use serde_json::{Value, json};

use crate::harness::{Experiment, Http, Lab, PortForward, SOON, Visitor};

const ROLES: [&str; 3] = ["client", "backend", "loadgen"];

/// An experiment that is over and whose workloads stay.
async fn standing(lab: &Lab, name: &str) -> Experiment {
    let spec = json!({
        "arms": [{"name": "naive", "strategy": {"type": "Naive"}}],
        "load": {"rate": 10},
        "duration": "1s",
        "ttlSecondsAfterFinished": 600,
    });
    let experiment = lab.experiment(name, &spec).await;
    experiment.complete(SOON).await;
    experiment
}

/// What a role keeps between requests, less what moves by itself.
async fn state(role: &str, http: &Http, token: Option<&str>, run: &str) -> Value {
    let get = async |path: &str| http.send("GET", path, token, "").await;
    let (status, mut report) = get(&format!("/admin/runs/{run}")).await;
    assert_eq!(status, 200, "{report}");
    report.as_object_mut().unwrap().remove("elapsed_ms");
    let own = match role {
        "client" => get("/admin/strategy").await.1,
        "backend" => get("/admin/status").await.1,
        _ => Value::Null,
    };
    let (other, _) = get("/admin/runs/other").await;
    json!({"run": report, "own": own, "other": other})
}

/// What `/admin` takes of a role: method, path, and a body that is good.
fn admin_calls(role: &str, run: &str) -> Vec<(&'static str, String, String)> {
    let own = match role {
        "client" => vec![("GET", "/admin/strategy", ""), ("POST", "/admin/strategy", r#"{"strategy":"naive"}"#)],
        "backend" => vec![
            ("GET", "/admin/status", ""),
            ("POST", "/admin/fail", r#"{"duration_seconds":10}"#),
            ("POST", "/admin/recover", ""),
        ],
        _ => vec![],
    };
    let mut calls: Vec<_> = own.into_iter().map(|(m, path, body)| (m, path.to_owned(), body.to_owned())).collect();
    calls.push(("GET", format!("/admin/runs/{run}"), String::new()));
    calls.push(("PUT", "/admin/runs/other".into(), json!({"starts_in_ms": 600_000, "plan": plan(role)}).to_string()));
    calls.push(("DELETE", "/admin/runs/other".into(), String::new()));
    calls
}

fn plan(role: &str) -> Value {
    let strategy = json!({"strategy": "naive", "policy": {"max_attempts": 3, "delay": {"law": "none"}}});
    let shape = json!({"loop": "open", "rate": 1, "arrivals": "uniform"});
    match role {
        "client" => json!({"seed": 1, "duration_ms": 1_000, "strategy": strategy, "timeout_ms": 1_000}),
        "backend" => json!({"seed": 1, "duration_ms": 1_000, "faults": []}),
        _ => {
            let load = json!({"seed": 1, "duration_ms": 1_000, "shape": shape, "bursts": []});
            json!({"load": load, "target": "client:8000", "timeout_ms": 1_000})
        }
    }
}

#[tokio::test]
async fn from_outside_the_token_opens_admin_and_nothing_else_does() {
    let lab = Lab::shared().await;
    let experiment = standing(&lab, "guarded").await;
    let (token, run) = (experiment.token().await, experiment.status().await.arms[0].run.id.clone());
    for role in ROLES {
        let http = experiment.http(role).await;
        let before = state(role, &http, Some(&token), &run).await;
        let wrong = "0".repeat(token.len());
        for (method, path, body) in admin_calls(role, &run) {
            for not_the_token in [None, Some(""), Some("admin"), Some(wrong.as_str()), Some(&token[1..])] {
                let (status, answer) = http.send(method, &path, not_the_token, &body).await;
                assert_eq!(status, 401, "{role}: {method} {path}: {answer}");
                assert!(answer["error"].is_string(), "{role}: {method} {path}: {answer}");
            }
        }
        assert_eq!(state(role, &http, Some(&token), &run).await, before, "{role}");
        for (method, path, body) in admin_calls(role, &run) {
            let (status, answer) = http.send(method, &path, Some(&token), &body).await;
            assert!([200, 201].contains(&status), "{role}: {method} {path}: {status} {answer}");
        }
        for open in ["/health", "/metrics"] {
            assert_eq!(http.send("GET", open, None, "").await.0, 200, "{role}: {open}");
        }
    }
}

#[tokio::test]
async fn another_pod_may_use_the_services_and_not_admin() {
    let lab = Lab::shared().await;
    let (experiment, other) = (standing(&lab, "visited").await, standing(&lab, "visitor").await);
    let visitor = Visitor::new(other.pods("loadgen").await.remove(0));
    for role in ROLES {
        let url = experiment.url(role).await;
        assert_eq!(visitor.asks(&format!("{url}/health")).await, Some(200), "{role}: the pod has a way to it");
        assert_eq!(visitor.asks(&format!("{url}/admin/runs/any")).await, Some(401), "{role}");
    }
}

/// A bad body: where it goes, what it is, and the field that the answer must name ("" where there is none to name).
type Bad = (&'static str, String, Value, &'static str);

fn bad_runs(role: &str) -> Vec<Bad> {
    let run = |starts_in_ms: Value, change: Value, field| {
        let mut plan = plan(role);
        plan.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        ("PUT", "/admin/runs/other".to_owned(), json!({"starts_in_ms": starts_in_ms, "plan": plan}), field)
    };
    let mut bad = vec![
        ("PUT", "/admin/runs/other".into(), json!({}), "starts_in_ms"),
        ("PUT", "/admin/runs/other".into(), json!({"starts_in_ms": 0}), "plan"),
        ("PUT", "/admin/runs/other_run".into(), json!({"starts_in_ms": 0, "plan": plan(role)}), "id"),
        run(json!("now"), json!({}), "starts_in_ms"),
        run(json!(1_000_000_000), json!({}), "starts_in_ms"),
        run(json!(0), json!({"retries": 3}), "plan.retries"),
    ];
    let policy = json!({"max_attempts": 0, "delay": {"law": "none"}});
    let fault = json!({"name": "f", "at_ms": 900, "for_ms": 200, "kind": {"type": "freeze"}});
    let load = |field: &str, value: Value| {
        let mut load = plan("loadgen")["load"].clone();
        load[field] = value;
        json!({ "load": load })
    };
    bad.extend(match role {
        "client" => vec![
            run(json!(0), json!({"duration_ms": 0}), "plan.duration_ms"),
            run(json!(0), json!({"timeout_ms": 0}), "plan.timeout_ms"),
            run(
                json!(0),
                json!({"strategy": {"strategy": "naive", "policy": policy}}),
                "plan.strategy.policy.max_attempts",
            ),
        ],
        "backend" => vec![
            run(json!(0), json!({"duration_ms": -1}), "plan.duration_ms"),
            run(json!(0), json!({"faults": [fault]}), "plan.faults[0].at_ms"),
        ],
        _ => vec![
            run(json!(0), json!({"target": "nowhere"}), "plan.target"),
            run(json!(0), json!({"timeout_ms": 0}), "plan.timeout_ms"),
            run(json!(0), load("duration_ms", json!(0)), "plan.load.duration_ms"),
            run(
                json!(0),
                load("bursts", json!([{"at_ms": 0, "size": {"requests": 0}}])),
                "plan.load.bursts[0].size.requests",
            ),
        ],
    });
    bad
}

fn bad_bodies(role: &str) -> Vec<Bad> {
    let strategy = |body: Value, field| ("POST", "/admin/strategy".to_owned(), body, field);
    let fail = |body: Value, field| ("POST", "/admin/fail".to_owned(), body, field);
    let policy = |max_attempts: i32, delay: Value| json!({"strategy": "fixed", "policy": {"max_attempts": max_attempts, "delay": delay}});
    let mut bad = match role {
        "client" => vec![
            strategy(json!({}), "strategy"),
            strategy(json!({"strategy": "hope"}), "strategy"),
            strategy(json!({"strategy": 3}), "strategy"),
            strategy(json!({"strategy": "naive", "retries": 3}), "retries"),
            strategy(policy(0, json!({"law": "none"})), "policy.max_attempts"),
            strategy(policy(1_000, json!({"law": "none"})), "policy.max_attempts"),
            strategy(policy(-1, json!({"law": "none"})), "policy.max_attempts"),
            strategy(policy(3, json!({"law": "fixed", "delay_ms": 1_000_000_000})), "policy.delay.delay_ms"),
            strategy(json!([]), ""),
        ],
        "backend" => vec![
            fail(json!({}), "duration_seconds"),
            fail(json!({"duration_seconds": 0}), "duration_seconds"),
            fail(json!({"duration_seconds": -10}), "duration_seconds"),
            fail(json!({"duration_seconds": 1e9}), "duration_seconds"),
            fail(json!({"duration_seconds": "ten"}), "duration_seconds"),
            fail(json!({"duration_seconds": 10, "failure_rate": 1.5}), "failure_rate"),
            fail(json!({"duration_seconds": 10, "failure_rate": 0}), "failure_rate"),
            fail(json!({"duration_seconds": 10, "status": 200}), "status"),
            fail(json!({"duration_seconds": 10, "type": "storm"}), "type"),
            fail(json!({"duration_seconds": 10, "type": "latency"}), "latency_ms"),
            fail(json!({"duration_seconds": 10, "seconds": 1}), "seconds"),
            fail(json!(null), ""),
        ],
        _ => vec![],
    };
    bad.extend(bad_runs(role));
    bad
}

/// The services have port-forwards by their Service; the load generator has none and is reached by its Deployment.
async fn forward(lab: &Lab, experiment: &Experiment, role: &str) -> PortForward {
    match role {
        "loadgen" => {
            let deployment = format!("deployment/{}-loadgen", experiment.name);
            PortForward::new(&lab.namespace, &deployment, 8002).await
        }
        _ => experiment.forward(role).await,
    }
}

#[tokio::test]
async fn a_bad_body_is_answered_with_one_error_that_names_the_field_and_changes_nothing() {
    let lab = Lab::shared().await;
    let experiment = standing(&lab, "strict").await;
    let run = experiment.status().await.arms[0].run.id.clone();
    for role in ROLES {
        let forward = forward(&lab, &experiment, role).await;
        let before = state(role, &forward.http, None, &run).await;
        assert_eq!(before["other"], 404, "{before}");
        let mut wrong = Vec::new();
        for (method, path, body, field) in bad_bodies(role) {
            let (status, answer) = forward.http.send(method, &path, None, &body.to_string()).await;
            let named = answer["field"].as_str().unwrap_or_default() == field;
            if status != 400 || !named || !answer["error"].as_str().is_some_and(|error| error.contains(field)) {
                wrong.push(format!("{method} {path} {body}: expected 400 for {field:?}, got {status} {answer}"));
            }
        }
        // The run that is there, with another plan.
        let another = json!({"starts_in_ms": 0, "plan": plan(role)}).to_string();
        let (status, answer) = forward.http.send("PUT", &format!("/admin/runs/{run}"), None, &another).await;
        assert!(status == 409 && answer["error"].is_string(), "{role}: {status} {answer}");
        for no_json in ["", "{", "strategy=naive"] {
            let (status, answer) = forward.http.send("PUT", "/admin/runs/other", None, no_json).await;
            assert!(status == 400 && answer["error"].is_string(), "{role}: {no_json:?}: {status} {answer}");
        }
        assert!(wrong.is_empty(), "{role}: {} wrong:\n{}", wrong.len(), wrong.join("\n"));
        assert_eq!(state(role, &forward.http, None, &run).await, before, "{role}");
    }
}
