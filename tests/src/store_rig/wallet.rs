//! The hand on the wallet simulator's control port: customers with codes, faults, and the wallet's own books.

use super::RigError;
use crate::simulator::wallet::Scanned;
use crate::simulator::wechat::Behaviour;
use serde::Deserialize;
use serde_json::{Value, json};

/// Talks to the simulator's control port.
#[derive(Clone, Debug)]
pub struct WalletControl {
    base: String,
    http: reqwest::Client,
}

/// An order in the wallet's own books: the truth that ours are held against.
#[derive(Clone, Debug, Deserialize)]
pub struct WalletOrder {
    /// The number that we gave it.
    pub number: String,
    /// Where it stands, in the wallet's words.
    pub state: String,
    /// What the customer was charged.
    pub charged_minor: i64,
    /// What went back by a reversal.
    pub reversed_minor: i64,
    /// What went back by refunds.
    pub refunded_minor: i64,
}

impl WalletOrder {
    /// What the customer is short of in the end.
    #[must_use]
    pub fn net_minor(&self) -> i64 {
        self.charged_minor - self.reversed_minor - self.refunded_minor
    }
}

impl WalletControl {
    pub(super) fn new(port: u16) -> Self {
        Self { base: format!("http://127.0.0.1:{port}"), http: reqwest::Client::new() }
    }

    async fn ask(&self, request: reqwest::RequestBuilder) -> Result<Value, RigError> {
        let wrong = |error: reqwest::Error| RigError::Wallet(error.to_string());
        let response = request.send().await.map_err(wrong)?;
        let good = response.status().is_success();
        let body: Value = response.json().await.map_err(wrong)?;
        if good { Ok(body) } else { Err(RigError::Wallet(body.to_string())) }
    }

    /// A customer shows a payment code and will behave like this.
    /// # Errors
    /// The simulator does not answer.
    pub async fn code(&self, behaviour: Behaviour) -> Result<String, RigError> {
        let request = self.http.post(format!("{}/codes", self.base)).json(&json!({"behaviour": behaviour}));
        let answer = self.ask(request).await?;
        answer["code"].as_str().map(str::to_owned).ok_or_else(|| RigError::Wallet(answer.to_string()))
    }

    /// A customer scans what a till shows, and behaves like this.
    /// # Errors
    /// The simulator does not answer.
    pub async fn scan(&self, content: &str, behaviour: Behaviour) -> Result<Scanned, RigError> {
        let body = json!({"content": content, "behaviour": behaviour});
        let answer = self.ask(self.http.post(format!("{}/scan", self.base)).json(&body)).await?;
        serde_json::from_value(answer["scanned"].clone()).map_err(|error| RigError::Wallet(error.to_string()))
    }

    /// Turns the wallet's clock ahead.
    /// # Errors
    /// The simulator does not answer.
    pub async fn turn_clock(&self, by: std::time::Duration) -> Result<(), RigError> {
        let ms = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        let body = json!({ "advance_ms": ms });
        self.ask(self.http.post(format!("{}/clock", self.base)).json(&body)).await.map(drop)
    }

    /// The switches as they are now.
    /// # Errors
    /// The simulator does not answer.
    pub async fn switches(&self) -> Result<Value, RigError> {
        self.ask(self.http.get(format!("{}/switches", self.base))).await
    }

    /// Turns switches that hold for everybody, for example `{"refund_spacing_ms": 0}`.
    /// # Errors
    /// The simulator does not know the switch.
    pub async fn switch(&self, switches: Value) -> Result<(), RigError> {
        self.ask(self.http.post(format!("{}/switches", self.base)).json(&switches)).await.map(drop)
    }

    /// The wallet's books.
    /// # Errors
    /// The simulator does not answer.
    pub async fn orders(&self) -> Result<Vec<WalletOrder>, RigError> {
        let answer = self.ask(self.http.get(format!("{}/orders", self.base))).await?;
        serde_json::from_value(answer["orders"].clone()).map_err(|error| RigError::Wallet(error.to_string()))
    }
}
