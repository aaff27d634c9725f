//! What people see in Jaeger, the real one: a request with its attempts, and what the backend made of each.

use serde_json::json;

use crate::harness::{Jaeger, Lab, OTLP_ENDPOINT, PortForward, Restored, SOON, kubectl, upgrade};

/// A person's request in an outage, by port-forward, under three attempts that are half a second apart.
#[tokio::test]
async fn the_trace_of_a_request_is_found_by_the_id_that_it_was_answered_with() {
    let lab = Lab::alone().await;
    let _restored = Restored;
    let jaeger = Jaeger::start().await;
    upgrade(&["--set", &format!("otlp.endpoint={OTLP_ENDPOINT}")]).await;
    let spec = json!({
        "arms": [{"name": "fixed", "strategy": {"type": "Fixed"}}],
        "load": {"rate": 10},
        "duration": "1s",
        "ttlSecondsAfterFinished": 600,
    });
    let experiment = lab.experiment("traced", &spec).await;
    experiment.complete(SOON).await;
    let client = PortForward::new(&lab.namespace, "service/traced-client", 8000).await;
    let backend = PortForward::new(&lab.namespace, "service/traced-backend", 8001).await;
    assert_eq!(backend.http.send("POST", "/admin/fail", None, r#"{"duration_seconds": 60}"#).await.0, 200);
    let (status, answer) = client.http.send("GET", "/process", None, "").await;
    assert_eq!((status, &answer["attempts"]), (502, &json!(3)), "{answer}");

    let trace_id = answer["trace_id"].as_str().unwrap();
    let spans = jaeger.trace(trace_id, 7).await;
    assert_eq!(spans.len(), 7, "{spans:?}");
    // Not the first to begin: in the same microsecond the order is anybody's.
    let request = spans.iter().find(|span| span.parent.is_none()).unwrap_or_else(|| panic!("{spans:?}"));
    assert_eq!(request.service, "retrylab-client");
    let said = ["retrylab.fate", "retrylab.attempts", "http.response.status_code"].map(|name| request.tag(name));
    assert_eq!(said, ["exhausted", "3", "502"]);
    let resource = ["k8s.namespace.name", "k8s.deployment.name", "retrylab.experiment"].map(|name| request.tag(name));
    assert_eq!(resource, [&*lab.namespace, "traced-client", "traced"]);
    let below = |id: &str| spans.iter().filter(|span| span.parent.as_deref() == Some(id)).collect::<Vec<_>>();
    let attempts = below(&request.id);
    assert_eq!(attempts.len(), 3, "{spans:?}");
    for (i, attempt) in attempts.iter().enumerate() {
        let said = ["retrylab.attempt.number", "retrylab.attempt.outcome", "http.response.status_code"];
        assert_eq!(said.map(|name| attempt.tag(name)), [&*(i + 1).to_string(), "retryable", "503"]);
        let resends = attempt.tag("http.request.resend_count");
        assert_eq!(resends, if i == 0 { String::new() } else { i.to_string() });
        if i > 0 {
            // The law says 500 ms. The wait and the spans are read off the clock one after the other, and a busy node may come between.
            let wait_ms: f64 = attempt.tag("retrylab.attempt.wait_ms").parse().unwrap();
            let before = attempts[i - 1];
            let gap_ms = (attempt.starts_at - before.starts_at - before.lasts_us) as f64 / 1_000.0;
            assert!(
                wait_ms >= 500.0 && (gap_ms - wait_ms).abs() < 250.0,
                "{wait_ms} ms, and {gap_ms} ms between spans"
            );
        }
        let [served] = below(&attempt.id)[..] else { panic!("{spans:?}") };
        assert_eq!(served.service, "retrylab-backend");
        let said = ["retrylab.fault", "retrylab.end", "http.response.status_code"].map(|name| served.tag(name));
        assert_eq!(said, ["Error", "injected", "503"]);
    }
    let logs = ["logs", "deployment/traced-client", "--namespace", &lab.namespace];
    let logged = kubectl(&logs).await;
    assert!(logged.contains(&format!(r#""trace_id":"{trace_id}""#)), "{logged}");
}
