//! `/reports/`: what experiments found, for a browser. What is served is made from the object and its timelines for each
//! request; nothing is kept here.
//!
//! A report tells what the status and the spec tell. Who may read those is the API server's business, and it isn't asked
//! here: so only callers on loopback are answered, which a port-forward is, unless the operator's owner opens it to all.

mod access;
mod age;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderName, HeaderValue, StatusCode, Uri, header},
    middleware::{from_fn_with_state, map_response},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;
use retrylab_api::RetryExperiment;
use retrylab_report::{Entry, POLICY, Report, Source, html, index, markdown, not_found};
use tokio::sync::Semaphore;

use crate::{reconcile::Context, world::World};

/// Reports that are made at one time; others wait.
const AT_ONCE: usize = 4;
/// Experiments that the list has. Beside these it says how many there are: a page of ten thousand helps nobody, and what it is made
/// from are whole statuses.
const LISTED_MAX: usize = 500;
/// Seconds after which a browser asks again for the report of an experiment that is not over.
const REFRESH: &str = "5";

/// What the pages are made from.
#[derive(Clone)]
struct Reports {
    context: Arc<Context>,
    turns: Arc<Semaphore>,
}

/// The routes.
pub fn routes(context: Arc<Context>) -> Router {
    let is_open = context.world.config.reports_open;
    let reports = Reports { context, turns: Arc::new(Semaphore::new(AT_ONCE)) };
    Router::new()
        .route("/", get(|| async { Redirect::temporary("/reports/") }))
        .route("/reports", get(|| async { Redirect::temporary("/reports/") }))
        .route("/reports/", get(list))
        .route("/reports/{*path}", get(one))
        .with_state(reports)
        .layer(from_fn_with_state(is_open, access::admit))
        .layer(map_response(kept_by_nobody))
}

/// The forms of a report, by the ending of its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Html,
    Json,
    Markdown,
}

impl Form {
    /// An experiment's name, which has no dot, and the form.
    fn of(file: &str) -> Option<(&str, Self)> {
        match file.split_once('.') {
            None => Some((file, Self::Html)),
            Some((name, "html")) => Some((name, Self::Html)),
            Some((name, "json")) => Some((name, Self::Json)),
            Some((name, "md")) => Some((name, Self::Markdown)),
            Some(_) => None,
        }
    }
}

async fn list(State(reports): State<Reports>) -> Response {
    let mut experiments = reports.context.caches.all();
    experiments.sort_by_key(|experiment| {
        let created = experiment.creation_timestamp().map(|time| time.0);
        (std::cmp::Reverse(created), experiment.namespace(), experiment.name_any())
    });
    let now = Timestamp::now();
    let entries: Vec<_> = experiments.iter().take(LISTED_MAX).map(|experiment| entry(experiment, now)).collect();
    page(StatusCode::OK, index(&entries, experiments.len() - entries.len()))
}

fn entry(experiment: &RetryExperiment, now: Timestamp) -> Entry {
    let created = experiment.creation_timestamp();
    Entry {
        namespace: experiment.namespace().unwrap_or_default(),
        name: experiment.name_any(),
        age: created.map(|created| age::of(created.0, now)).unwrap_or_default(),
        status: experiment.status.clone().unwrap_or_default(),
    }
}

async fn one(State(reports): State<Reports>, Path(path): Path<String>, uri: Uri) -> Response {
    let found = path.split_once('/').and_then(|(namespace, file)| {
        let (name, form) = Form::of(file)?;
        Some((reports.context.caches.find(namespace, name)?, form))
    });
    let Some((experiment, form)) = found else { return page(StatusCode::NOT_FOUND, not_found(uri.path())) };
    let _turn = reports.turns.acquire().await;
    let report = report(&reports.context.world, &experiment).await;
    let is_over = report.status.verdict.is_some();
    let mut response = match form {
        Form::Html => page(StatusCode::OK, html(&report)),
        Form::Json => axum::Json(report).into_response(),
        Form::Markdown => ([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], markdown(&report)).into_response(),
    };
    if form == Form::Html && !is_over {
        response.headers_mut().insert(HeaderName::from_static("refresh"), HeaderValue::from_static(REFRESH));
    }
    response
}

/// The report on an experiment. Without its timelines, where they can't be had: the figures don't need them.
async fn report(world: &World, experiment: &RetryExperiment) -> Report {
    let series = world.kept(experiment).await.unwrap_or_else(|e| {
        tracing::warn!("{e}");
        vec![]
    });
    Report::new(experiment, series, Source::Cluster)
}

/// A page that a browser may show, and nothing more.
fn page(status: StatusCode, page: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (status, headers, page).into_response()
}

/// Whatever is answered is what its type says, and nobody keeps a copy on the way: the next answer may be another one.
async fn kept_by_nobody(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests;
