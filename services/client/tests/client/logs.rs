//! What client and backend log of a request: by its trace it is found in both.

use std::{
    io,
    sync::{Arc, Mutex},
};

use opentelemetry_sdk::trace::InMemorySpanExporter;
use retrylab_client::Config;
use retrylab_runtime::{Spans, log_lines};
use serde_json::{Value, json};

use crate::support::{FAR, Service, fixed, of_run, plan, request, serve};

/// The lines that are written on this thread, while a test has them written.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// Those of a trace so far, with no times.
    fn of(&self, trace_id: &str) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        lines.retain(|line| line["trace_id"] == trace_id);
        for line in &mut lines {
            line.as_object_mut().unwrap().remove("timestamp");
        }
        lines
    }
}

fn spans(service: &'static str) -> Spans {
    Spans::to(InMemorySpanExporter::default(), service, 100).unwrap()
}

#[tokio::test]
async fn a_request_that_is_traced_has_a_line_with_its_trace_in_either_log_but_not_one_of_a_run() {
    let lines = Lines::default();
    let writer = lines.clone();
    let _logging = tracing::subscriber::set_default(log_lines("info", move || writer.clone()));
    let backend = retrylab_backend::app(retrylab_backend::Config::default(), spans("retrylab-backend")).unwrap();
    let server = serve(backend.clone()).await;
    let config = Config::new(format!("http://{}", server.address).parse().unwrap());
    let client = Service(retrylab_client::app(config, spans("retrylab-client")).unwrap());
    client.put_strategy(json!({"strategy": "naive", "policy": fixed(1, 1)})).await;
    let trace = |id: &str, flags: &str| format!("00-{id}-b7ad6b7169203331-{flags}");

    let id = "0af7651916cd43dd8448eb211c80319c";
    let mut by_hand = request("GET", "/process", FAR, None, "");
    by_hand.headers_mut().insert("traceparent", trace(id, "01").parse().unwrap());
    assert_eq!(client.send(by_hand).await.0, 200);
    let at_backend = json!({"level": "INFO", "target": "retrylab_backend::process", "message": "request answered",
                            "trace_id": id, "status": 200});
    let at_client = json!({"level": "INFO", "target": "retrylab_client::call", "message": "request ended",
                           "trace_id": id, "fate": "ok", "attempts": 1});
    assert_eq!(lines.of(id), [at_backend, at_client]);

    let id = "1af7651916cd43dd8448eb211c80319c";
    let mut not_recorded = request("GET", "/process", FAR, None, "");
    not_recorded.headers_mut().insert("traceparent", trace(id, "00").parse().unwrap());
    assert_eq!(client.send(not_recorded).await.0, 200);
    assert_eq!(lines.of(id), Vec::<Value>::new());

    let id = "2af7651916cd43dd8448eb211c80319c";
    client.hand_over(plan("naive", &fixed(1, 1), 1_000)).await;
    let faults = json!({"starts_in_ms": 0, "plan": {"seed": 7, "duration_ms": 60_000, "faults": []}});
    assert_eq!(Service(backend).admin("PUT", "/admin/runs/r", faults).await.0, 201);
    let mut of_run = of_run("r", 5, 9);
    of_run.headers_mut().insert("traceparent", trace(id, "01").parse().unwrap());
    assert_eq!(client.send(of_run).await.0, 200);
    assert_eq!(lines.of(id), Vec::<Value>::new());
}
