//! Who gets into `/admin`, and what is refused there.

use retrylab_core::policy::StrategyName;
use serde_json::{Value, json};

use crate::support::{FAR, NEAR, fixed, lonely, plan, request};

const ADMIN: [(&str, &str, &str); 2] =
    [("GET", "/admin/strategy", ""), ("POST", "/admin/strategy", r#"{"strategy": "naive"}"#)];

#[tokio::test]
async fn callers_from_elsewhere_need_the_token_and_change_nothing_without_it() {
    let closed = lonely(|config| config.admin_token = "secret".to_owned().into());
    for (method, path, body) in ADMIN.into_iter().chain([("PUT", "/admin/runs/r", "{}"), ("GET", "/admin/runs/r", "")])
    {
        for token in [None, Some(""), Some("Secret")] {
            let (status, answer) = closed.send(request(method, path, FAR, token, body)).await;
            assert_eq!((status, answer["error"].is_string()), (401, true), "{method} {path} {token:?}: {answer}");
        }
    }
    assert_eq!(closed.get("/admin/strategy").await["strategy"], "none");
}

#[tokio::test]
async fn the_token_and_a_port_forward_both_open_admin() {
    for (peer, token) in [(FAR, Some("secret")), (NEAR, None)] {
        let open = lonely(|config| config.admin_token = "secret".to_owned().into());
        for (method, path, body) in ADMIN {
            let (status, answer) = open.send(request(method, path, peer, token, body)).await;
            assert_eq!(status, 200, "{method} {path} {peer}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_name_alone_stands_for_its_preset_and_the_answer_is_what_is_in_force() {
    let client = lonely(|_| {});
    for name in StrategyName::ALL {
        let (status, answer) = client.admin("POST", "/admin/strategy", json!({"strategy": name})).await;
        assert_eq!((status, &answer["strategy"]), (200, &json!(name)));
        assert_eq!(answer["policy"], serde_json::to_value(name.preset()).unwrap());
        assert_eq!(client.get("/admin/strategy").await, answer);
        for other in StrategyName::ALL {
            let line = format!(r#"retry_strategy_active{{strategy="{}"}} "#, other.as_str());
            assert_eq!(client.metric(&line).await, Some(f64::from(u8::from(other == name))), "{line}");
        }
    }
}

#[tokio::test]
async fn a_name_is_taken_in_any_case_and_a_wrong_one_is_told_the_right_ones_once() {
    let client = lonely(|_| {});
    for given in ["Naive", "NAIVE", "naive"] {
        let (status, answer) = client.admin("POST", "/admin/strategy", json!({"strategy": given})).await;
        assert_eq!((status, &answer["strategy"]), (200, &json!("naive")), "{given}");
    }
    let (_, answer) = client.admin("POST", "/admin/strategy", json!({"strategy": "hope"})).await;
    let said = answer["error"].as_str().unwrap();
    assert_eq!((said.matches("naive").count(), said.matches("awsStandard").count()), (1, 1), "{said}");
}

#[tokio::test]
async fn a_whole_policy_may_take_the_presets_place() {
    let client = lonely(|_| {});
    client.put_strategy(json!({"strategy": "fixed", "policy": fixed(7, 20)})).await;
    assert_eq!(client.get("/admin/strategy").await, json!({"strategy": "fixed", "policy": fixed(7, 20)}));
}

#[tokio::test]
async fn a_bad_strategy_is_refused_by_field_and_changes_nothing() {
    let client = lonely(|_| {});
    client.put_strategy(json!({"strategy": "backoff"})).await;
    let before = client.get("/admin/strategy").await;
    let exponential = |base_ms: u64, cap_ms: u64| {
        let law = json!({"law": "exponential", "base_ms": base_ms, "factor": 2, "cap_ms": cap_ms, "jitter": "full"});
        json!({"strategy": "jitter", "policy": {"max_attempts": 3, "delay": law}}).to_string()
    };
    let with = |field: &str, value: Value| {
        let mut policy = fixed(3, 0);
        policy[field] = value;
        json!({"strategy": "naive", "policy": policy}).to_string()
    };
    let window = |percent: u32| {
        json!({"kind": "window", "percent": percent, "interval_ms": 10_000, "deposit": "onRequest",
               "min_retry_rate": {"count": 1, "interval_ms": 1_000}})
    };
    for (body, field) in [
        (&*with("budget", window(0)), "policy.budget.percent"),
        (&with("budget", window(101)), "policy.budget.percent"),
        (&with("budget", json!({"kind": "inFlight", "percent": 20})), "policy.budget.min_retries"),
        (&with("throttle", json!({"k_milli": 1, "interval_ms": 10_000})), "policy.throttle.k_milli"),
        (&with("hedging", json!({"delay_ms": 10, "max_hedges": 3})), "policy.hedging.max_hedges"),
        (&with("deadline_ms", json!(0)), "policy.deadline_ms"),
        (r#"{"strategy": "hope"}"#, "strategy"),
        (r#"{"strategy": 3}"#, "strategy"),
        (r"{}", "strategy"),
        (r#"{"strategy": "naive", "attempts": 3}"#, "attempts"),
        (r#"{"strategy": "naive", "policy": {"max_attempts": 0, "delay": {"law": "none"}}}"#, "policy.max_attempts"),
        (r#"{"strategy": "naive", "policy": {"max_attempts": 21, "delay": {"law": "none"}}}"#, "policy.max_attempts"),
        (r#"{"strategy": "naive", "policy": {"max_attempts": 3}}"#, "policy.delay"),
        (&exponential(0, 5), "policy.delay.base_ms"),
        (&exponential(10, 5), "policy.delay.cap_ms"),
        ("{", ""),
        ("", ""),
        (r#""naive""#, ""),
    ] {
        let (status, answer) = client.admin("POST", "/admin/strategy", body).await;
        assert_eq!((status, answer["field"].as_str().unwrap_or_default()), (400, field), "{body}: {answer}");
        assert!(answer["error"].is_string(), "{body}: {answer}");
        assert_eq!(client.get("/admin/strategy").await, before, "{body}");
    }
}

#[tokio::test]
async fn a_bad_run_is_refused_by_field_and_puts_nothing_in_force() {
    let client = lonely(|_| {});
    let good = plan("naive", &fixed(3, 0), 1_000);
    let with = |field: &str, value: Value| {
        let mut plan = good.clone();
        plan[field] = value;
        plan
    };
    for (plan, field) in [
        (with("duration_ms", json!(0)), "plan.duration_ms"),
        (with("timeout_ms", json!(0)), "plan.timeout_ms"),
        (with("timeout_ms", json!(600_001)), "plan.timeout_ms"),
        (with("strategy", json!({"strategy": "naive"})), "plan.strategy.policy"),
        (with("strategy", json!({"strategy": "naive", "policy": fixed(21, 0)})), "plan.strategy.policy.max_attempts"),
        (with("attempts", json!(3)), "plan.attempts"),
    ] {
        let (status, answer) = client.admin("PUT", "/admin/runs/r", json!({"starts_in_ms": 0, "plan": plan})).await;
        assert_eq!((status, answer["field"].as_str()), (400, Some(field)), "{plan}: {answer}");
        assert_eq!(client.admin("GET", "/admin/runs/r", "").await.0, 404);
        assert_eq!(client.get("/admin/strategy").await["strategy"], "none");
    }
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_json_errors() {
    let client = lonely(|_| {});
    for (method, path, expected) in [
        ("GET", "/admin/fail", 404),
        ("GET", "/admin", 404),
        ("DELETE", "/admin/strategy", 405),
        ("POST", "/process", 405),
    ] {
        let (status, answer) = client.admin(method, path, "{}").await;
        assert_eq!((status, answer["error"].is_string()), (expected, true), "{method} {path}: {answer}");
    }
}

#[tokio::test]
async fn health_is_told() {
    assert_eq!(lonely(|_| {}).get("/health").await, json!({"status": "healthy", "service": "client"}));
}
