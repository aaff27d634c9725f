//! What is said to the pods: the run protocol, over HTTP, with the experiment's token.

use std::{error::Error, iter, time::Duration};

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use reqwest::{Client, StatusCode};
use retrylab_api::{ArmPlan, RunRecord};
use retrylab_core::wire::{NoSuchRun, RunReport, RunRequest, RunState};
use retrylab_plan::{PodRun, PodSeen, Role, RunSeen};
use serde::{Serialize, de::DeserializeOwned};

/// How long a connection to a pod may take.
const CONNECT: Duration = Duration::from_secs(1);
/// How long a pod may take to answer: results of an hour are long.
const ANSWER: Duration = Duration::from_secs(5);

/// Not before the first moment, and not after the second.
type Began = (Timestamp, Timestamp);

/// Speaks to pods.
#[derive(Clone, Debug)]
pub struct Pods(Client);

impl Pods {
    /// # Errors
    /// When the HTTP client can't be made.
    pub fn new() -> reqwest::Result<Self> {
        // An operator that retries by itself would be what it measures: a pod that fails is asked again in the next pass.
        let client = Client::builder()
            .retry(reqwest::retry::never())
            .no_proxy()
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .pool_idle_timeout(Duration::from_secs(30))
            .build()?;
        Ok(Self(client))
    }

    /// What each pod says of the run.
    pub async fn ask<R: DeserializeOwned>(&self, pods: &[PodSeen], run_id: &str, token: &str) -> Vec<PodRun<R>> {
        futures::future::join_all(pods.iter().map(|pod| async move {
            let (pod_seen, answer) = (pod.clone(), self.report(pod, run_id, token).await);
            match answer {
                Ok((seen, began)) => PodRun { pod: pod_seen, began, seen },
                Err(e) => PodRun { pod: pod_seen, began: None, seen: RunSeen::Unreachable(in_words(e)) },
            }
        }))
        .await
    }

    async fn report<R: DeserializeOwned>(
        &self,
        pod: &PodSeen,
        id: &str,
        token: &str,
    ) -> reqwest::Result<(RunSeen<R>, Option<Began>)> {
        let asked = Timestamp::now();
        let answer = self.0.get(url(pod, id)).bearer_auth(token).send().await?;
        let answered = Timestamp::now();
        if answer.status() == StatusCode::NOT_FOUND {
            let NoSuchRun { uptime_ms, .. } = answer.json().await?;
            return Ok((RunSeen::Absent { up_since: answered - SignedDuration::from_millis(uptime_ms as i64) }, None));
        }
        let report = answer.error_for_status()?.json::<RunReport<R>>().await?;
        let elapsed = SignedDuration::from_millis(report.elapsed_ms as i64);
        // The pod looked at its clock at some moment between the two; what it says is cut to whole milliseconds.
        let began = (report.state != RunState::Scheduled)
            .then(|| (asked - elapsed - SignedDuration::from_millis(1), answered - elapsed));
        Ok((RunSeen::Here(Box::new(report)), began))
    }

    /// Hands the run over to a pod. The same hand-over again changes nothing there.
    ///
    /// # Errors
    /// Says in words why the pod did not take it.
    pub async fn hand_over(
        &self,
        role: Role,
        pod: &PodSeen,
        run: &RunRecord,
        plan: &ArmPlan,
        token: &str,
    ) -> Result<(), String> {
        match role {
            Role::Backend => self.put(pod, run, &plan.backend, token).await,
            Role::Client => self.put(pod, run, &plan.client, token).await,
            Role::Inner(n) => match plan.inner.get(usize::from(n) - 2) {
                Some(plan) => self.put(pod, run, plan, token).await,
                None => Err(format!("the plan has no layer {n}")),
            },
            Role::Loadgen => self.put(pod, run, &plan.loadgen, token).await,
        }
    }

    async fn put<P: Serialize>(&self, pod: &PodSeen, run: &RunRecord, plan: &P, token: &str) -> Result<(), String> {
        // As late as possible: the pod counts from the moment that it reads this.
        let starts_in_ms = run.starts_at.0.duration_since(Timestamp::now()).as_millis() as i64;
        let request = RunRequest { starts_in_ms, plan };
        let call = self.0.put(url(pod, &run.id)).bearer_auth(token).json(&request).send();
        expect_success(call.await).await
    }

    /// Ends the run on a pod now.
    ///
    /// # Errors
    /// Says in words why the pod did not end it.
    pub async fn stop(&self, pod: &PodSeen, run_id: &str, token: &str) -> Result<(), String> {
        let call = self.0.delete(url(pod, run_id)).bearer_auth(token).send();
        expect_success(call.await).await
    }
}

fn url(pod: &PodSeen, run_id: &str) -> String {
    format!("http://{}/admin/runs/{run_id}", pod.address)
}

/// What went wrong, and why: by itself the error says no more than that the request could not be sent.
fn in_words(error: reqwest::Error) -> String {
    let error = error.without_url();
    match iter::successors(error.source(), |&cause| cause.source()).last() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

async fn expect_success(answer: reqwest::Result<reqwest::Response>) -> Result<(), String> {
    let answer = answer.map_err(in_words)?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    Err(format!("{status}: {}", answer.text().await.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use retrylab_core::wire::BackendResults;

    use super::*;

    #[tokio::test]
    async fn of_a_pod_that_cannot_be_asked_is_said_why() {
        // Nobody listens there any more.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let pod = PodSeen { name: "pod".into(), address };
        let runs = Pods::new().unwrap().ask::<BackendResults>(&[pod], "run", "token").await;
        let why = "error sending request: Connection refused (os error 111)";
        assert_eq!(runs[0].seen, RunSeen::Unreachable(why.into()));
    }
}
