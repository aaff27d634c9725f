//! Labels have few values, whatever anybody asks a service for.

use std::{collections::BTreeSet, net::SocketAddr};

use axum::{Router, body::Body, extract::ConnectInfo, http::Request};
use retrylab_runtime::Peer;
use tower::ServiceExt;

use crate::exposition::{exposed, services};

/// Most series of a service that everybody calls as they like, in the run of one arm. The buckets of a histogram are one.
const SERIES_MAX: usize = 150;

/// Series by name and labels.
fn series(exposition: &str) -> BTreeSet<&str> {
    let lines = exposition.lines().filter(|line| !line.starts_with('#') && !line.contains("le=\""));
    lines.map(|line| line.rsplit_once(' ').unwrap().0).collect()
}

/// A hundred requests, none like another: known and made-up methods and paths, of runs and with headers that nobody knows.
async fn call_at_random(app: &Router, hundred: usize) {
    for n in hundred * 100..(hundred + 1) * 100 {
        let (made_up_method, made_up_path) = (format!("M{n}"), format!("/x{n}/{n}"));
        let method = ["GET", "POST", "PUT", "DELETE", &made_up_method][n % 5];
        let path = ["/process", "/health", "/metrics", &made_up_path][n / 5 % 4];
        let request = Request::builder()
            .method(method)
            .uri(format!("{path}?{n}"))
            .header("host", format!("host-{n}"))
            .header("x-retrylab-run", format!("{n}-1-arm{n}-1;{n};{n}"))
            .header("x-retrylab-attempt", n.to_string())
            .header("traceparent", format!("00-{n:032x}-{n:016x}-01"));
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo(Peer::at(SocketAddr::from(([10, 1, 2, 3], 4_000)))));
        app.clone().oneshot(request).await.unwrap();
    }
}

#[tokio::test]
async fn a_service_has_no_more_series_for_being_called_in_other_ways() {
    for (name, app) in services().await {
        call_at_random(&app, 1).await;
        let first = exposed(&app).await;
        call_at_random(&app, 2).await;
        let second = exposed(&app).await;
        let more: Vec<_> = series(&second).difference(&series(&first)).copied().collect();
        assert!(more.is_empty(), "{name}: {more:#?}");
        let number = series(&first).len();
        println!("{name}: {number} series");
        assert!((20..=SERIES_MAX).contains(&number), "{name}: {number} series");
    }
}
