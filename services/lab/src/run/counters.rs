//! What has been sent so far, for people who look on: read off `/metrics`, which are some kilobytes whatever the run, while
//! a run's report has all of its series and grows with it.

use std::time::Duration;

use reqwest::Client;

/// How long a service may take to answer; who looks on can do without.
const ANSWER: Duration = Duration::from_millis(500);

/// Counts since the services were started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests that the load generator has sent.
    pub requests: u64,
    /// Attempts that the client that calls the backend has started.
    pub attempts: u64,
}

impl Counts {
    /// What has been counted since.
    pub const fn since(self, earlier: Self) -> Self {
        Self {
            requests: self.requests.saturating_sub(earlier.requests),
            attempts: self.attempts.saturating_sub(earlier.attempts),
        }
    }
}

/// Reads the counts.
#[derive(Clone, Debug)]
pub struct Counters(Client);

impl Counters {
    /// # Errors
    /// When the HTTP client can't be made.
    pub fn new() -> reqwest::Result<Self> {
        let client = Client::builder().retry(reqwest::retry::never()).no_proxy().timeout(ANSWER);
        Ok(Self(client.build()?))
    }

    /// The counts of load generators and clients at these addresses; `None`: one of them did not answer.
    pub async fn read(&self, loadgens: &[String], clients: &[String]) -> Option<Counts> {
        Some(Counts {
            requests: self.sum("retrylab_loadgen_lateness_seconds_count", loadgens).await?,
            attempts: self.sum("retry_attempts_total", clients).await?,
        })
    }

    async fn sum(&self, metric: &str, addresses: &[String]) -> Option<u64> {
        let mut sum = 0;
        for address in addresses {
            let answer = self.0.get(format!("http://{address}/metrics")).send().await.ok()?;
            sum += total(metric, &answer.text().await.ok()?);
        }
        Some(sum)
    }
}

/// The sum of a metric over all of its labels, in Prometheus's text format.
fn total(metric: &str, text: &str) -> u64 {
    let values = text.lines().filter_map(|line| {
        let rest = line.strip_prefix(metric)?;
        let value = rest.starts_with(['{', ' ']).then(|| rest.rsplit(' ').next())?;
        value?.parse::<u64>().ok()
    });
    values.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_summed_over_its_labels_and_no_other_is() {
        let text = "# HELP a_total of 7\n# TYPE a_total counter\na_total{b=\"1\"} 3\na_total{b=\"x y\"} 4\na_total_created 9\nba_total 9\nc 1\n";
        assert_eq!(total("a_total", text), 7);
        assert_eq!(total("c", text), 1);
        assert_eq!(total("d", text), 0);
    }
}
