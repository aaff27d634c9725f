//! The runbook of the compose lab, step by step: each `curl` and `grep` as it stands there, through port-forwards to
//! 8000 and 8001.

use serde_json::{Value, json};

use crate::harness::{Experiment, Lab, PortForward, SOON, run_script};

/// Ten requests at once; prints the status of each.
const TEN_AT_ONCE: &str = "for i in $(seq 10); do
  curl -s -o /dev/null -w '%{http_code}\\n' http://localhost:8000/process &
done; wait";

async fn curl(arguments: &str) -> Value {
    serde_json::from_str(&run_script(&format!("curl -sS {arguments}")).await).unwrap()
}

/// Requests that the backend has answered with this status.
async fn at_the_backend(status: u16) -> u64 {
    let shown = run_script("curl -s http://localhost:8001/metrics | grep http_requests_total").await;
    let is_counted =
        |line: &&str| line.contains(r#"endpoint="/process""#) && line.contains(&format!(r#"status="{status}""#));
    shown.lines().find(is_counted).map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

/// Puts a strategy in force, breaks the backend for a while, and sends ten requests at once: how many were answered with
/// 200, how many requests the backend got, and how many seconds it took.
async fn ten_requests(strategy: &str, failure_seconds: u32) -> (usize, u64, f64) {
    run_script("curl -sS -X POST http://localhost:8001/admin/recover").await;
    let set = format!(r#"-X POST http://localhost:8000/admin/strategy -d '{{"strategy":"{strategy}"}}'"#);
    assert_eq!(curl(&set).await["strategy"], strategy);
    assert_eq!(curl("http://localhost:8000/admin/strategy").await["strategy"], strategy);
    let before = at_the_backend(503).await + at_the_backend(200).await;
    let fail = format!(r#"-X POST http://localhost:8001/admin/fail -d '{{"duration_seconds":{failure_seconds}}}'"#);
    assert_eq!(curl(&fail).await["failure_active"], true);
    let begun = std::time::Instant::now();
    let statuses = run_script(TEN_AT_ONCE).await;
    assert_eq!(statuses.lines().count(), 10);
    let after = at_the_backend(503).await + at_the_backend(200).await;
    (statuses.lines().filter(|status| *status == "200").count(), after - before, begun.elapsed().as_secs_f64())
}

/// An experiment that has sent one request and whose workloads stay, with the port-forwards of the runbook.
async fn compose_lab(lab: &Lab) -> (Experiment, [PortForward; 2]) {
    let spec = json!({
        "arms": [{"name": "naive", "strategy": {"type": "Naive"}}],
        "load": {"bursts": [{"name": "one", "at": "0s", "requests": 1}]},
        "duration": "1s",
        "ttlSecondsAfterFinished": 3_600,
    });
    let experiment = lab.experiment("runbook", &spec).await;
    experiment.complete(SOON).await;
    let client = PortForward::new(&lab.namespace, "svc/runbook-client", 8000, 8000).await;
    let backend = PortForward::new(&lab.namespace, "svc/runbook-backend", 8001, 8001).await;
    (experiment, [client, backend])
}

#[tokio::test]
async fn every_step_works_as_written() {
    let lab = Lab::shared().await;
    let _standing = compose_lab(&lab).await;
    healthy_and_quick().await;
    naive_makes_thirty_of_ten().await;

    // The same with backoff, and with jitter in a longer failure.
    let (saved, requests, seconds) = ten_requests("backoff", 10).await;
    assert_eq!((saved, requests), (0, 40), "backoff: delays of 1, 2 and 4 s all fall into a failure of 10 s");
    assert!((7.0..9.0).contains(&seconds), "{seconds} s");
    let (saved, requests, seconds) = ten_requests("jitter", 15).await;
    assert_eq!((saved, requests), (0, 40), "jitter: at most 14 s of delays fall into a failure of 15 s");
    assert!((7.0..15.0).contains(&seconds), "{seconds} s");

    load_test("naive").await;
    load_test("jitter").await;

    // All three in a failure of 5 s, with the time that each takes.
    let (saved, requests, naive) = ten_requests("naive", 5).await;
    assert_eq!((saved, requests), (0, 30));
    let (saved, requests, backoff) = ten_requests("backoff", 5).await;
    assert_eq!((saved, requests), (10, 40));
    let (saved, requests, jitter) = ten_requests("jitter", 5).await;
    assert_eq!(saved, 10);
    assert!((20..=40).contains(&requests), "{requests}");
    println!("naive took {naive:.1} s, backoff {backoff:.1} s, jitter {jitter:.1} s");
    assert!(naive < 2.0 && (7.0..9.0).contains(&backoff) && (5.0..16.0).contains(&jitter));
}

async fn healthy_and_quick() {
    assert_eq!(curl("http://localhost:8000/health").await, json!({"status": "healthy", "service": "client"}));
    let backend = json!({"status": "healthy", "service": "backend", "failure_active": false});
    assert_eq!(curl("http://localhost:8001/health").await, backend);

    let five = "for i in 1 2 3 4 5; do curl -s -w '\\n%{time_total}\\n' http://localhost:8000/process; done";
    let shown = run_script(five).await;
    let lines: Vec<_> = shown.lines().collect();
    assert_eq!(lines.len(), 10, "{shown}");
    for pair in lines.chunks(2) {
        let answer: Value = serde_json::from_str(pair[0]).unwrap();
        assert_eq!((&answer["service"], &answer["success"]), (&json!("client"), &json!(true)), "{answer}");
        assert_eq!((&answer["attempts"], &answer["retry_strategy"]), (&json!(1), &json!("naive")), "{answer}");
        assert_eq!(
            (&answer["backend"]["service"], &answer["backend"]["trace_id"]),
            (&json!("backend"), &answer["trace_id"])
        );
        assert!(answer["duration_ms"].is_number() && pair[1].parse::<f64>().unwrap() < 1.0, "{pair:?}");
    }

    let shown = run_script("curl -s http://localhost:8000/metrics | grep -E 'retry_attempts|request_total'").await;
    let first_attempts = shown.lines().find(|line| line.starts_with("retry_attempts_total{attempt=\"1\",")).unwrap();
    assert!(first_attempts.ends_with(" 6"), "the experiment's one and these five: {shown}");
}

async fn naive_makes_thirty_of_ten() {
    let (saved, requests, seconds) = ten_requests("naive", 10).await;
    assert_eq!((saved, requests), (0, 30));
    assert!(seconds < 2.0, "{seconds} s");
    let status = curl("http://localhost:8001/admin/status").await;
    assert_eq!((&status["failure_active"], status["failure_rate"].as_f64()), (&json!(true), Some(1.0)), "{status}");
    let remaining = status["remaining_seconds"].as_f64().unwrap();
    assert!((6.0..10.0).contains(&remaining) && status["failure_end_time"].is_string(), "{status}");
    assert_eq!(curl("http://localhost:8001/health").await["failure_active"], true);
}

/// Ten users, a hundred requests, no failure: nothing is lost and nothing is retried.
async fn load_test(strategy: &str) {
    run_script("curl -sS -X POST http://localhost:8001/admin/recover").await;
    run_script(&format!(r#"curl -sS http://localhost:8000/admin/strategy -d '{{"strategy":"{strategy}"}}'"#)).await;
    let before = at_the_backend(200).await;
    let users = "seq 100 | xargs -P 10 -I{} curl -s -o /dev/null -w '%{http_code}\\n' http://localhost:8000/process";
    let statuses = run_script(users).await;
    assert_eq!(statuses.lines().filter(|status| *status == "200").count(), 100, "{strategy}");
    assert_eq!(at_the_backend(200).await - before, 100, "{strategy}");
}
