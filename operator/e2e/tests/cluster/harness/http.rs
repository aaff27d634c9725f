//! HTTP to a service: one call, one answer, nothing tried again.

use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::Value;

/// A service, reached at an address.
pub struct Http {
    base: String,
    client: Client,
}

impl Http {
    pub fn new(base: &str) -> Self {
        let client = Client::builder().retry(reqwest::retry::never()).no_proxy().timeout(Duration::from_secs(30));
        Self { base: base.to_owned(), client: client.build().unwrap() }
    }

    /// Sends a request, with the token if one is given; gives the status, and the body as JSON or as text.
    pub async fn send(&self, method: &str, path: &str, token: Option<&str>, body: &str) -> (u16, Value) {
        self.try_send(method, path, token, body).await.unwrap()
    }

    /// The same, where there may be no answer.
    pub async fn try_send(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: &str,
    ) -> reqwest::Result<(u16, Value)> {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method, format!("{}{path}", self.base)).body(body.to_owned());
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await?;
        let (status, text) = (answer.status().as_u16(), answer.text().await?);
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    /// `GET` with no token; gives the body.
    pub async fn get(&self, path: &str) -> Value {
        self.send("GET", path, None, "").await.1
    }
}
