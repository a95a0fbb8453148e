//! Alipay's open gateway, signed with RSA2, for payment codes.
//!
//! The shell around the pure parts: `wire` makes requests and opens answers, `judge` says what an answer proves,
//! the line carries the bytes. Here they meet, and what cannot be trusted becomes unknown, loudly.

mod adapter;
mod bill;
mod download;
mod judge;
mod keys;
mod node;
mod notification;
#[cfg(test)]
mod ready_tests;
mod settings;
mod sub_code;
#[cfg(test)]
mod testing;
mod wire;

pub use adapter::Adapter;
pub use keys::KeyProblem;
pub use settings::{AlipayError, AlipaySettings, CertificateSettings, TIMING};

use super::bills::Bills;
use super::files::Files;
use super::line::{DomainHealth, Https, Line, Sending, Wire};
use super::mismatch::Mismatches;
use super::silence::{Asked, Silence, ok};
use super::{
    Answer, Channel, ChannelRefund, ChannelRefundOutcome, Charge, NotificationError, Notified, ShownCodes,
    ShownOrder, after_asking, used_by_whom,
};
use evertill_shared::clock::Clock;
use evertill_shared::id::ChannelNumber;
use evertill_shared::money::{Amount, Currency};
use evertill_shared::payment::{DeclineReason, PayOutcome, QueryOutcome, ReverseOutcome, ShownOutcome};
use evertill_shared::wallet::{self, Wallet};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use sub_code::Code;
use wire::{Call, Merchant, Reply, Request, Unusable};

const FORM: &str = "application/x-www-form-urlencoded;charset=utf-8";

/// Which call, about what, and about which payment that is.
type About<'a> = (Call, &'a str, &'a ChannelNumber);

/// One merchant's app at Alipay.
pub struct AlipayChannel {
    merchant: Merchant,
    line: Line,
    wire: Arc<dyn Wire>,
    /// The wallet is on this machine, without TLS.
    is_plain: bool,
    pay_limit: Duration,
    call_limit: Duration,
    clock: Arc<dyn Clock>,
    mismatches: Mismatches,
}

impl fmt::Debug for AlipayChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AlipayChannel").field("app_id", &self.merchant.app_id).finish_non_exhaustive()
    }
}

impl AlipayChannel {
    /// Reads the merchant's files and prepares the connections. Calls nobody yet.
    /// # Errors
    /// A file is missing or wrong.
    pub fn new(settings: &AlipaySettings, clock: Arc<dyn Clock>) -> Result<Self, AlipayError> {
        Self::with(settings, &Files::OnDisk, clock)
    }

    /// The same with keys and certificates that are not on the disk.
    /// # Errors
    /// One is missing or wrong.
    pub fn with(
        settings: &AlipaySettings,
        files: &Files,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, AlipayError> {
        let wire = Https::new(&settings.tls(files)?, settings.connect_timeout(), settings.keep_alive())?;
        Self::over_with(Arc::new(wire), (settings, files), clock)
    }

    /// The same over another wire.
    /// # Errors
    /// A file with a key or a certificate is missing or wrong, or an address is.
    pub fn over(
        wire: Arc<dyn Wire>,
        settings: &AlipaySettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, AlipayError> {
        Self::over_with(wire, (settings, &Files::OnDisk), clock)
    }

    fn over_with(
        wire: Arc<dyn Wire>,
        (settings, files): (&AlipaySettings, &Files),
        clock: Arc<dyn Clock>,
    ) -> Result<Self, AlipayError> {
        Ok(Self {
            merchant: settings.merchant(files)?,
            line: Line::new(&settings.endpoints, Arc::clone(&wire), Arc::clone(&clock))?,
            wire,
            mismatches: Mismatches::default(),
            is_plain: settings.endpoints.iter().all(|address| address.starts_with("http://")),
            pay_limit: Duration::from_millis(settings.pay_timeout_ms),
            call_limit: Duration::from_millis(settings.call_timeout_ms),
            clock,
        })
    }

    /// Asks about an order that cannot exist: a truly signed answer that does not turn the app away shows that
    /// addresses, app and keys fit together. For the start of the server and for health pages; moves no money.
    /// # Errors
    /// What is wrong, for IT staff.
    pub async fn check(&self) -> Result<(), String> {
        match self.ask(Call::Query, wire::about_nothing(), self.call_limit).await {
            Ok(reply) => match reply.code {
                Code::NotAuthorised
                | Code::MissingParameter
                | Code::InvalidParameter
                | Code::NotPermitted => Err(format!("Alipay turns the app away: {}", reply.words())),
                Code::Success | Code::Waiting | Code::Unknown | Code::Business | Code::Undocumented => Ok(()),
            },
            Err(silence) => Err(silence.for_it_staff(Wallet::Alipay)),
        }
    }

    /// Makes a request and brings back the answer, opened; or says why there is none that counts.
    async fn ask(&self, call: Call, content: Value, limit: Duration) -> Result<Reply, Silence<Unusable>> {
        self.send(call, self.sign(call, &content), limit).await
    }

    /// The request, signed, if it can be.
    fn sign(&self, call: Call, content: &Value) -> Option<Request> {
        self.merchant.request(call, content, self.clock.now())
    }

    async fn send(
        &self,
        call: Call,
        signed: Option<Request>,
        limit: Duration,
    ) -> Result<Reply, Silence<Unusable>> {
        let Some(request) = signed else {
            return Err(Silence::NotSent("the request could not be signed".into()));
        };
        let sending = Sending::post(FORM, request.body);
        let sending = if call.only_asks() { sending.harmless() } else { sending };
        let bytes = ok(self.line.send(&request.path, sending, limit).await)?;
        self.merchant.open(call, &bytes).map_err(Silence::Unusable)
    }

    /// The same, and what a judge says of the answer.
    async fn ask_and_judge<T>(
        &self,
        about: About<'_>,
        content: Value,
        limit: Duration,
        judge: impl FnOnce(&Reply) -> Result<T, Unusable>,
    ) -> Result<T, Silence<Unusable>> {
        self.send_and_judge(about, self.sign(about.0, &content), limit, judge).await
    }

    async fn send_and_judge<T>(
        &self,
        (call, number, payment): About<'_>,
        signed: Option<Request>,
        limit: Duration,
        judge: impl FnOnce(&Reply) -> Result<T, Unusable>,
    ) -> Result<T, Silence<Unusable>> {
        let judged = self.send(call, signed, limit).await.and_then(|reply| {
            if reply.code != Code::Success {
                let said = reply.words();
                tracing::info!(call = call.method(), number, said, "Alipay answered with a no or a not yet");
            }
            judge(&reply).map_err(Silence::Unusable)
        });
        if let Err(silence) = &judged {
            let (wallet, call, at) = (Wallet::Alipay, call.method(), self.clock.now());
            silence.tell(&Asked { wallet, call, number, payment, at }, &self.mismatches);
        }
        judged
    }

    /// The request for a charge, ready to be sent; or why there will be none.
    fn charge_signed(&self, charge: &Charge) -> Result<Option<Request>, DeclineReason> {
        if wallet::detect(charge.auth_code.expose()) != Some(Wallet::Alipay) {
            return Err(DeclineReason::CodeExpired);
        }
        if !charge.amount.is_positive() || charge.amount.currency != Currency::CNY {
            tracing::error!(number = %charge.number, amount = charge.amount.minor,
                currency = %charge.amount.currency, "refused to charge: not an amount in yuan");
            return Err(DeclineReason::Configuration);
        }
        Ok(self.sign(Call::Pay, &wire::pay(charge, &self.merchant.product_code)))
    }

    async fn pay_now(&self, charge: &Charge, signed: Result<Option<Request>, DeclineReason>) -> PayOutcome {
        let signed = match signed {
            Ok(signed) => signed,
            Err(reason) => return PayOutcome::Refused(reason),
        };
        let mut used = false;
        let about = (Call::Pay, charge.number.as_str(), &charge.number);
        let judge = |reply: &Reply| {
            used = judge::says_code_was_used(reply);
            judge::pay(reply, charge)
        };
        match self.send_and_judge(about, signed, self.pay_limit, judge).await {
            // Asking costs one question, and only where a payment is declined anyway.
            Ok(PayOutcome::ConfirmedFailure(reason)) if used => {
                used_by_whom(self.query_now(&charge.number, charge.amount).await, reason)
            }
            Ok(outcome) => outcome,
            Err(silence) => silence.of_a_charge(),
        }
    }

    async fn show_now(&self, order: &ShownOrder) -> ShownOutcome {
        if !order.amount.is_positive() || order.amount.currency != Currency::CNY {
            tracing::error!(number = %order.number, amount = order.amount.minor,
                currency = %order.amount.currency, "refused to show a code: not an amount in yuan");
            return ShownOutcome::Refused(DeclineReason::Configuration);
        }
        let Some(content) = wire::precreate(order, &self.merchant.product_code) else {
            return ShownOutcome::Refused(DeclineReason::Configuration);
        };
        let judge = |reply: &Reply| judge::precreate(reply, order);
        let about = (Call::Precreate, order.number.as_str(), &order.number);
        match self.ask_and_judge(about, content, self.call_limit, judge).await {
            Ok(outcome) => outcome,
            Err(Silence::NotSent(_)) => ShownOutcome::Refused(DeclineReason::ChannelUnreachable),
            Err(Silence::NoAnswer(_) | Silence::Unusable(_)) => ShownOutcome::Unknown,
        }
    }

    async fn close_now(&self, number: &ChannelNumber) -> ReverseOutcome {
        let judge = |reply: &Reply| judge::close(reply, number);
        let about = (Call::Close, number.as_str(), number);
        let judged = self.ask_and_judge(about, wire::about(number), self.call_limit, judge).await;
        judged.unwrap_or(ReverseOutcome::Unknown)
    }

    async fn query_now(&self, number: &ChannelNumber, amount: Amount) -> QueryOutcome {
        let judge = |reply: &Reply| judge::query(reply, number, amount);
        let about = (Call::Query, number.as_str(), number);
        let judged = self.ask_and_judge(about, wire::about(number), self.call_limit, judge).await;
        judged.unwrap_or(QueryOutcome::Unknown)
    }

    async fn reverse_now(&self, number: &ChannelNumber) -> ReverseOutcome {
        let judge = |reply: &Reply| judge::reverse(reply, number);
        let about = (Call::Cancel, number.as_str(), number);
        let judged = self.ask_and_judge(about, wire::about(number), self.call_limit, judge).await;
        judged.unwrap_or(ReverseOutcome::Unknown)
    }

    /// Taken in is not confirmed, and refused may mean that it is done already: asks at once about the refund itself,
    /// within the same limit.
    async fn refund_now(&self, refund: &ChannelRefund) -> ChannelRefundOutcome {
        let start = self.clock.monotonic();
        let judge = |reply: &Reply| judge::refund(reply, refund);
        let about = (Call::Refund, refund.refund.0.as_str(), &refund.number);
        let judged = self.ask_and_judge(about, wire::refund(refund), self.call_limit, judge).await;
        let outcome = judged.unwrap_or(ChannelRefundOutcome::Unknown);
        let left = self.call_limit.saturating_sub(self.clock.monotonic().saturating_sub(start));
        if outcome == ChannelRefundOutcome::Unknown {
            return outcome;
        }
        if left.is_zero() {
            return ChannelRefundOutcome::Unknown;
        }
        after_asking(outcome, self.query_refund_now(refund, left).await)
    }

    async fn query_refund_now(&self, refund: &ChannelRefund, limit: Duration) -> ChannelRefundOutcome {
        let judge = |reply: &Reply| judge::query_refund(reply, refund);
        let about = (Call::QueryRefund, refund.refund.0.as_str(), &refund.number);
        let judged = self.ask_and_judge(about, wire::about_refund(refund), limit, judge).await;
        judged.unwrap_or(ChannelRefundOutcome::Unknown)
    }
}

impl Channel for AlipayChannel {
    fn wallet(&self) -> Wallet {
        Wallet::Alipay
    }

    fn pay<'a>(&'a self, charge: &'a Charge) -> Answer<'a, PayOutcome> {
        Box::pin(self.pay_now(charge, self.charge_signed(charge)))
    }

    fn query<'a>(&'a self, number: &'a ChannelNumber, amount: Amount) -> Answer<'a, QueryOutcome> {
        Box::pin(self.query_now(number, amount))
    }

    fn reverse<'a>(&'a self, number: &'a ChannelNumber) -> Answer<'a, ReverseOutcome> {
        Box::pin(self.reverse_now(number))
    }

    fn refund<'a>(&'a self, refund: &'a ChannelRefund) -> Answer<'a, ChannelRefundOutcome> {
        Box::pin(self.refund_now(refund))
    }

    fn query_refund<'a>(&'a self, refund: &'a ChannelRefund) -> Answer<'a, ChannelRefundOutcome> {
        Box::pin(self.query_refund_now(refund, self.call_limit))
    }

    fn mismatches(&self) -> Option<&Mismatches> {
        Some(&self.mismatches)
    }

    fn domains(&self) -> Vec<DomainHealth> {
        self.line.health("gateway")
    }

    fn bills(&self) -> Option<&dyn Bills> {
        Some(self)
    }
    fn shown(&self) -> Option<&dyn ShownCodes> {
        Some(self)
    }
}

impl ShownCodes for AlipayChannel {
    fn create<'a>(&'a self, order: &'a ShownOrder) -> Answer<'a, ShownOutcome> {
        Box::pin(self.show_now(order))
    }

    fn close<'a>(&'a self, number: &'a ChannelNumber) -> Answer<'a, ReverseOutcome> {
        Box::pin(self.close_now(number))
    }

    fn notification(
        &self,
        _headers: &[(String, String)],
        body: &[u8],
    ) -> Result<Notified, NotificationError> {
        notification::read(&self.merchant, body)
    }

    fn thanks(&self) -> (u16, &'static str, Vec<u8>) {
        (200, "text/plain", b"success".to_vec())
    }
}
