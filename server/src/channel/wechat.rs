//! WeChat Pay, version 2 of its interface: the one for payment codes; and the way to version 3 where that is set up.
//!
//! The shell around the pure parts: `wire` makes requests and opens replies, `judge` says what a reply proves,
//! `line` carries the bytes. Here they meet, and what cannot be trusted becomes unknown, loudly.

mod adapter;
pub mod bill;
mod download;
mod error_code;
mod fields;
mod judge;
mod settings;
mod sign;
pub mod v3;
mod wire;

#[cfg(test)]
mod published_tests;
#[cfg(test)]
mod version_tests;

pub use adapter::Adapter;
pub use settings::{SubMerchant, TIMING, WechatError, WechatSettings};
pub use sign::SignType;

use super::bills::Bills;
use super::files::Files;
use super::line::{DomainHealth, Https, Line, Sending, Wire};
use super::mismatch::Mismatches;
use super::silence::{Asked, Silence, ok};
use super::{
    Answer, Channel, ChannelRefund, ChannelRefundOutcome, Charge, ShownCodes, after_asking, used_by_whom,
};
use evertill_shared::clock::Clock;
use evertill_shared::id::{ChannelNumber, Interface};
use evertill_shared::money::Amount;
use evertill_shared::payment::{DeclineReason, PayOutcome, QueryOutcome, ReverseOutcome};
use evertill_shared::random::{Random, draw};
use evertill_shared::wallet::{self, Wallet};
use ring::rand::SystemRandom;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use v3::WechatV3;
use wire::{Merchant, Reply, Unusable};

const VERSION_2: Interface = Interface(2);
const VERSION_3: Interface = Interface(3);

const XML: &str = "text/xml; charset=utf-8";

/// One merchant's account at WeChat Pay.
pub struct WechatChannel {
    merchant: Merchant,
    open: Arc<Line>,
    secure: Line,
    /// Version 3 of the interface, where it is set up.
    v3: Option<WechatV3>,
    mismatches: Arc<Mismatches>,
    random: Arc<dyn Random>,
    pay_limit: Duration,
    call_limit: Duration,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for WechatChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WechatChannel")
            .field("merchant_id", &self.merchant.merchant_id)
            .finish_non_exhaustive()
    }
}

impl WechatChannel {
    /// Reads the merchant's files and prepares the connections. Calls nobody yet.
    /// # Errors
    /// A file is missing or wrong.
    pub fn new(settings: &WechatSettings, clock: Arc<dyn Clock>) -> Result<Self, WechatError> {
        Self::with(settings, &Files::OnDisk, clock)
    }

    /// The same with keys and certificates that are not on the disk.
    /// # Errors
    /// One is missing or wrong.
    pub fn with(
        settings: &WechatSettings,
        files: &Files,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, WechatError> {
        let (connect, keep_alive) = (settings.connect_timeout(), settings.keep_alive());
        let open: Arc<dyn Wire> = Arc::new(Https::new(&settings.tls(files, false)?, connect, keep_alive)?);
        let secure: Arc<dyn Wire> = Arc::new(Https::new(&settings.tls(files, true)?, connect, keep_alive)?);
        Self::over_with([open, secure], (settings, files), clock, Arc::new(SystemRandom::new()))
    }

    /// The same over other wires: the plain one, and the one with the client certificate.
    /// # Errors
    /// The file with the API key is missing or wrong, or an address is.
    pub fn over(
        [open, secure]: [Arc<dyn Wire>; 2],
        settings: &WechatSettings,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, WechatError> {
        Self::over_with([open, secure], (settings, &Files::OnDisk), clock, random)
    }

    fn over_with(
        [open, secure]: [Arc<dyn Wire>; 2],
        (settings, files): (&WechatSettings, &Files),
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, WechatError> {
        let open = Arc::new(Line::new(&settings.endpoints, open, Arc::clone(&clock))?);
        let v3 = |v3| {
            WechatV3::new(v3, (settings, files), Arc::clone(&open), Arc::clone(&clock), Arc::clone(&random))
        };
        let v3 = settings.v3.as_ref().map(v3).transpose()?;
        Ok(Self {
            merchant: settings.merchant(files)?,
            mismatches: v3.as_ref().map(WechatV3::mismatches).unwrap_or_default(),
            v3,
            open,
            secure: Line::new(&settings.secure_endpoints, secure, Arc::clone(&clock))?,
            random,
            pay_limit: Duration::from_millis(settings.pay_timeout_ms),
            call_limit: Duration::from_millis(settings.call_timeout_ms),
            clock,
        })
    }

    /// Asks about an order that cannot exist: a truly signed reply, whatever it says, shows that addresses,
    /// merchant and API key fit together; and knocks where the client certificate is wanted. For the start of the server
    /// and for health pages; moves no money.
    /// # Errors
    /// What is wrong, for IT staff.
    pub async fn check(&self) -> Result<(), String> {
        let fields = |merchant: &Merchant, nonce: &str| merchant.about_nothing(nonce);
        let asked = self.ask(&self.open, wire::QUERY, self.call_limit, fields).await;
        asked.map(drop).map_err(|silence| silence.for_it_staff(Wallet::WeChatPay))?;
        if let Some(v3) = &self.v3 {
            v3.check().await?;
        }
        // What is taken back and refunded goes this way, with the merchant's certificate: found out now, and not with the
        // first customer who waits for it.
        let words = |why| format!("the addresses that want the merchant's certificate cannot be used: {why}");
        self.secure.knock().await.map_err(words)
    }

    /// Version 3, if customers' codes are charged by it.
    fn v3_for_codes(&self) -> Option<&WechatV3> {
        self.v3.as_ref().filter(|v3| v3.charges_codes())
    }

    /// Version 3, if an attempt was made by it; where nobody wrote down by which, today's setting decides.
    fn v3_if_made_by(&self, number: &ChannelNumber, interface: Interface) -> Option<&WechatV3> {
        match interface {
            VERSION_2 => None,
            VERSION_3 => {
                if self.v3.is_none() {
                    tracing::error!(%number, "this attempt was made by version 3 of WeChat Pay's interface, which is not \
                        set up any more: set it up again, or it is taken back and refunded by version 2");
                }
                self.v3.as_ref()
            }
            _ => self.v3_for_codes(),
        }
    }

    /// Version 3, if a refund goes that way: as the payment came. Nothing at all if that is not known.
    async fn v3_for_refund(&self, refund: &ChannelRefund) -> Option<Option<&WechatV3>> {
        if refund.interface != Interface::NOT_KNOWN {
            return Some(self.v3_if_made_by(&refund.number, refund.interface));
        }
        match &self.v3 {
            None => Some(None),
            Some(v3) if v3.charges_codes() => Some(Some(v3)),
            Some(v3) => v3.kind_of(&refund.number, refund.paid).await.map(|shown| shown.then_some(v3)),
        }
    }

    /// Makes a request and brings back the reply, opened; or says why there is none that counts.
    async fn ask(
        &self,
        line: &Line,
        path: &'static str,
        limit: Duration,
        request: impl FnOnce(&Merchant, &str) -> String,
    ) -> Result<Reply, Silence<Unusable>> {
        let nonce: [u8; 16] =
            draw(&*self.random).map_err(|error| Silence::NotSent(error.to_string().into()))?;
        let body = request(&self.merchant, &hex::encode(nonce));
        let sending = Sending::post(XML, body);
        let sending = if wire::only_asks(path) { sending.harmless() } else { sending };
        let bytes = ok(line.send(path, sending, limit).await)?;
        self.merchant.open(&bytes).map_err(Silence::Unusable)
    }

    fn tell(&self, silence: &Silence<Unusable>, (call, number, payment): (&str, &str, &ChannelNumber)) {
        let (wallet, at) = (Wallet::WeChatPay, self.clock.now());
        silence.tell(&Asked { wallet, call, number, payment, at }, &self.mismatches);
    }

    async fn pay_now(&self, charge: &Charge) -> PayOutcome {
        if wallet::detect(charge.auth_code.expose()) != Some(Wallet::WeChatPay) {
            return PayOutcome::Refused(DeclineReason::CodeExpired);
        }
        if !charge.amount.is_positive() {
            tracing::error!(number = %charge.number, amount = charge.amount.minor, "refused to charge: not an amount");
            return PayOutcome::Refused(DeclineReason::Configuration);
        }
        if let Some(v3) = self.v3_if_made_by(&charge.number, charge.interface) {
            return v3.pay(charge).await;
        }
        let reply = self.ask(&self.open, wire::PAY, self.pay_limit, |m, nonce| m.pay(charge, nonce)).await;
        let mut used = false;
        let judged = reply.and_then(|reply| {
            log_error("pay", charge.number.as_str(), &reply);
            used = judge::says_code_was_used(&reply);
            judge::pay(&reply, charge).map_err(Silence::Unusable)
        });
        match judged {
            Ok(PayOutcome::ConfirmedFailure(reason)) if used => self.used_by_whom(charge, reason).await,
            Ok(outcome) => outcome,
            Err(silence) => {
                self.tell(&silence, ("pay", charge.number.as_str(), &charge.number));
                silence.of_a_charge()
            }
        }
    }

    /// "This code was used already": if a request was doubled on its way, then by this very payment. Asking
    /// costs one question, and only where a payment is declined anyway.
    async fn used_by_whom(&self, charge: &Charge, reason: DeclineReason) -> PayOutcome {
        used_by_whom(self.query_now(&charge.number, charge.amount).await, reason)
    }

    /// Version 3 answers for all orders, however they were made.
    async fn query_now(&self, number: &ChannelNumber, amount: Amount) -> QueryOutcome {
        if let Some(v3) = &self.v3 {
            return v3.query(number, amount).await;
        }
        let reply =
            self.ask(&self.open, wire::QUERY, self.call_limit, |m, nonce| m.about(number, nonce)).await;
        let judged = reply.and_then(|reply| {
            log_error("query", number.as_str(), &reply);
            judge::query(&reply, number, amount).map_err(Silence::Unusable)
        });
        judged.unwrap_or_else(|silence| {
            self.tell(&silence, ("query", number.as_str(), number));
            QueryOutcome::Unknown
        })
    }

    async fn reverse_now(&self, number: &ChannelNumber, interface: Interface) -> ReverseOutcome {
        if let Some(v3) = self.v3_if_made_by(number, interface) {
            return v3.reverse(number).await;
        }
        let reply = self.ask(&self.secure, wire::REVERSE, self.call_limit, |m, n| m.about(number, n)).await;
        let judged = reply.and_then(|reply| {
            log_error("reverse", number.as_str(), &reply);
            judge::reverse(&reply, number).map_err(Silence::Unusable)
        });
        judged.unwrap_or_else(|silence| {
            self.tell(&silence, ("reverse", number.as_str(), number));
            ReverseOutcome::Unknown
        })
    }

    /// Accepted is not arrived, and refused may mean that it is done already: asks at once about the refund itself, within
    /// the same limit.
    async fn refund_now(&self, refund: &ChannelRefund) -> ChannelRefundOutcome {
        match self.v3_for_refund(refund).await {
            None => return ChannelRefundOutcome::Unknown,
            Some(Some(v3)) => return v3.refund(refund).await,
            Some(None) => {}
        }
        let start = self.clock.monotonic();
        let reply = self.ask(&self.secure, wire::REFUND, self.call_limit, |m, n| m.refund(refund, n)).await;
        let judged = reply.and_then(|reply| {
            log_error("refund", &refund.refund.0, &reply);
            judge::refund(&reply, refund).map_err(Silence::Unusable)
        });
        let outcome = judged.unwrap_or_else(|silence| {
            self.tell(&silence, ("refund", &refund.refund.0, &refund.number));
            ChannelRefundOutcome::Unknown
        });
        let left = self.call_limit.saturating_sub(self.clock.monotonic().saturating_sub(start));
        match outcome {
            ChannelRefundOutcome::Processing | ChannelRefundOutcome::Refused(_) if !left.is_zero() => {
                after_asking(outcome, self.query_refund_now(refund, left).await)
            }
            ChannelRefundOutcome::Refused(_) => ChannelRefundOutcome::Unknown,
            outcome => outcome,
        }
    }

    async fn query_refund_now(&self, refund: &ChannelRefund, limit: Duration) -> ChannelRefundOutcome {
        let reply = self.ask(&self.open, wire::QUERY_REFUND, limit, |m, n| m.about_refund(refund, n)).await;
        let judged = reply.and_then(|reply| {
            log_error("query refund", &refund.refund.0, &reply);
            judge::query_refund(&reply, refund).map_err(Silence::Unusable)
        });
        judged.unwrap_or_else(|silence| {
            self.tell(&silence, ("query refund", &refund.refund.0, &refund.number));
            ChannelRefundOutcome::Unknown
        })
    }

    /// Version 2 alone lists the refunds of a payment, whichever way it came.
    async fn went_back_now(&self, number: &ChannelNumber, paid: Amount) -> Option<Amount> {
        let limit = self.call_limit;
        let reply = self.ask(&self.open, wire::QUERY_REFUND, limit, |m, nonce| m.about(number, nonce)).await;
        let judged = reply.and_then(|reply| {
            log_error("query refunds", number.as_str(), &reply);
            judge::went_back(&reply, number, paid).map_err(Silence::Unusable)
        });
        judged.unwrap_or_else(|silence| {
            self.tell(&silence, ("query refunds", number.as_str(), number));
            None
        })
    }
}

fn log_error(call: &str, number: &str, reply: &Reply) {
    if reply.error.is_some() {
        tracing::info!(call, number, said = reply.words(), "WeChat Pay answered with an error");
    }
}

impl Channel for WechatChannel {
    fn wallet(&self) -> Wallet {
        Wallet::WeChatPay
    }

    fn pay<'a>(&'a self, charge: &'a Charge) -> Answer<'a, PayOutcome> {
        Box::pin(self.pay_now(charge))
    }

    fn query<'a>(&'a self, number: &'a ChannelNumber, amount: Amount) -> Answer<'a, QueryOutcome> {
        Box::pin(self.query_now(number, amount))
    }

    fn reverse<'a>(&'a self, number: &'a ChannelNumber) -> Answer<'a, ReverseOutcome> {
        Box::pin(self.reverse_now(number, Interface::NOT_KNOWN))
    }

    fn reverse_made_by<'a>(
        &'a self,
        number: &'a ChannelNumber,
        interface: Interface,
    ) -> Answer<'a, ReverseOutcome> {
        Box::pin(self.reverse_now(number, interface))
    }

    fn interface(&self) -> Interface {
        if self.v3_for_codes().is_some() { VERSION_3 } else { VERSION_2 }
    }

    fn refund<'a>(&'a self, refund: &'a ChannelRefund) -> Answer<'a, ChannelRefundOutcome> {
        Box::pin(self.refund_now(refund))
    }

    fn query_refund<'a>(&'a self, refund: &'a ChannelRefund) -> Answer<'a, ChannelRefundOutcome> {
        Box::pin(async {
            match self.v3_for_refund(refund).await {
                None => ChannelRefundOutcome::Unknown,
                Some(Some(v3)) => v3.query_refund(refund).await,
                Some(None) => self.query_refund_now(refund, self.call_limit).await,
            }
        })
    }

    fn went_back<'a>(&'a self, number: &'a ChannelNumber, paid: Amount) -> Answer<'a, Option<Amount>> {
        Box::pin(self.went_back_now(number, paid))
    }

    fn shown(&self) -> Option<&dyn ShownCodes> {
        self.v3.as_ref().map(|v3| v3 as &dyn ShownCodes)
    }

    fn mismatches(&self) -> Option<&Mismatches> {
        Some(&self.mismatches)
    }

    fn domains(&self) -> Vec<DomainHealth> {
        [self.open.health("open"), self.secure.health("secure")].concat()
    }

    fn bills(&self) -> Option<&dyn Bills> {
        match &self.v3 {
            Some(v3) => Some(v3),
            None => Some(self),
        }
    }
}
