//! WeChat Pay, version 3 of its interface: codes that the till shows, questions, refunds, bills; and the customer's
//! code behind a setting.
//!
//! The shell around the pure parts: `wire` makes requests and opens replies, `sign` says whether they are the
//! wallet's, `judge` what they prove. It is the same account as in `wechat`, which asks here where version 3 is set up.

mod certificates;
mod download;
mod error_code;
#[cfg(test)]
mod fetching_tests;
mod judge;
mod notification;
mod seal;
mod settings;
mod sign;
#[cfg(test)]
pub(super) mod testing;
mod wire;

pub use settings::{WechatV3Error, WechatV3Settings};

use super::WechatSettings;
use crate::channel::files::Files;
use crate::channel::line::{self, Exchange, Line, Sending};
use crate::channel::mismatch::Mismatches;
use crate::channel::silence::{Asked, Silence};
use crate::channel::{
    Answer, ChannelRefund, ChannelRefundOutcome, Charge, NotificationError, Notified, ShownCodes, ShownOrder,
    after_asking, used_by_whom,
};
use evertill_shared::clock::Clock;
use evertill_shared::id::ChannelNumber;
use evertill_shared::money::Amount;
use evertill_shared::payment::{DeclineReason, PayOutcome, QueryOutcome, ReverseOutcome, ShownOutcome};
use evertill_shared::random::{Random, draw};
use evertill_shared::wallet::Wallet;
use judge::Us;
use seal::ApiV3Key;
use sign::{KnownKey, NotAuthentic, PUBLIC_KEY, Trust};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::Mutex;
use wire::{Call, Merchant, Reply, Unusable};

const JSON: &str = "application/json";
const USER_AGENT: &str = concat!("Evertill/", env!("CARGO_PKG_VERSION"));

/// Certificates are fetched no more often: whoever sends us forged names of keys makes us fetch.
const FETCH_EVERY: Duration = Duration::from_secs(30);

/// The same while none is known, and nothing of the wallet's can be read.
const FETCH_FIRST_EVERY: Duration = Duration::from_secs(2);

/// Even at the end of a call's limit fetching them gets so long.
const LEAST: Duration = Duration::from_millis(500);

/// Version 3 for one merchant's account.
#[derive(Clone)]
pub struct WechatV3(Arc<Inside>);

struct Inside {
    merchant: Merchant,
    key: ApiV3Key,
    /// The public key that we ask the wallet to answer with.
    public_key_id: Option<String>,
    codepay: bool,
    trust: RwLock<Arc<Trust>>,
    /// When the certificates were fetched last, or tried to.
    fetched: Mutex<Option<Duration>>,
    mismatches: Arc<Mismatches>,
    line: Arc<Line>,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
    pay_limit: Duration,
    call_limit: Duration,
}

impl fmt::Debug for WechatV3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WechatV3")
            .field("merchant_id", &self.0.merchant.signer.merchant_id)
            .finish_non_exhaustive()
    }
}

impl WechatV3 {
    /// Reads the merchant's files. Calls nobody yet.
    /// # Errors
    /// A file is missing or wrong.
    pub(super) fn new(
        settings: &WechatV3Settings,
        (account, files): (&WechatSettings, &Files),
        line: Arc<Line>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, WechatV3Error> {
        Ok(Self(Arc::new(Inside {
            merchant: settings.merchant(account, files)?,
            key: settings.api_v3_key(files)?,
            public_key_id: settings.public_key_id.clone(),
            codepay: settings.codepay,
            trust: RwLock::new(Arc::new(settings.trust(files)?)),
            fetched: Mutex::new(None),
            mismatches: Arc::default(),
            line,
            random,
            clock,
            pay_limit: Duration::from_millis(account.pay_timeout_ms),
            call_limit: Duration::from_millis(account.call_timeout_ms),
        })))
    }

    /// What came that was about something else than was asked; kept for both versions.
    #[must_use]
    pub fn mismatches(&self) -> Arc<Mismatches> {
        Arc::clone(&self.0.mismatches)
    }

    /// Whether customers' codes are charged here.
    #[must_use]
    pub fn charges_codes(&self) -> bool {
        self.0.codepay
    }

    /// Asks about an order that cannot exist: an authentic reply shows that certificate, keys and addresses fit.
    /// # Errors
    /// What is wrong, for IT staff.
    pub async fn check(&self) -> Result<(), String> {
        let it = &self.0;
        match it.ask(it.merchant.about_nothing(), it.call_limit).await {
            Ok(Reply::Error(code, words)) if code.is_configuration() => {
                Err(format!("WeChat Pay turns the merchant away (version 3): {words}"))
            }
            Ok(_) => Ok(()),
            Err(silence) => Err(format!("version 3: {}", silence.for_it_staff(Wallet::WeChatPay))),
        }
    }

    async fn create_now(&self, order: &ShownOrder) -> ShownOutcome {
        let it = &self.0;
        if !order.amount.is_positive() {
            tracing::error!(number = %order.number, amount = order.amount.minor, "refused to ask for a code: not an amount");
            return ShownOutcome::Refused(DeclineReason::Configuration);
        }
        let judge = |reply: &Reply| judge::create(reply, order, it.clock.now());
        let about = ("native", order.number.as_str(), &order.number);
        match it.ask_and_judge(about, it.merchant.native(order), it.call_limit, judge).await {
            Ok(outcome) => outcome,
            Err(Silence::NotSent(_)) => ShownOutcome::Refused(DeclineReason::ChannelUnreachable),
            Err(_) => ShownOutcome::Unknown,
        }
    }

    /// "Yes" holds nothing of the order: it counts once a question confirms it.
    async fn close_now(&self, number: &ChannelNumber) -> ReverseOutcome {
        let it = &self.0;
        let about = ("close", number.as_str(), number);
        let call = it.merchant.close(number);
        let judged = it.ask_and_judge(about, call, it.call_limit, |reply| Ok(judge::close(reply))).await;
        judged.unwrap_or(ReverseOutcome::Unknown)
    }

    /// Charges a customer's code.
    pub async fn pay(&self, charge: &Charge) -> PayOutcome {
        let it = &self.0;
        let mut used = false;
        let judge = |reply: &Reply| {
            used = judge::says_code_was_used(reply);
            judge::pay(reply, charge, it.us())
        };
        let about = ("codepay", charge.number.as_str(), &charge.number);
        match it.ask_and_judge(about, it.merchant.codepay(charge), it.pay_limit, judge).await {
            // Asking costs one question, and only where a payment is declined anyway.
            Ok(PayOutcome::ConfirmedFailure(reason)) if used => {
                used_by_whom(self.query(&charge.number, charge.amount).await, reason)
            }
            Ok(outcome) => outcome,
            Err(silence) => silence.of_a_charge(),
        }
    }

    /// Asks where an order stands.
    pub async fn query(&self, number: &ChannelNumber, amount: Amount) -> QueryOutcome {
        let it = &self.0;
        let judge = |reply: &Reply| judge::query(reply, number, amount, it.us());
        let about = ("query", number.as_str(), number);
        let judged = it.ask_and_judge(about, it.merchant.query(number), it.call_limit, judge).await;
        judged.unwrap_or(QueryOutcome::Unknown)
    }

    /// Whether the customer paid a code that we showed, and not one of theirs; nothing if that is not known.
    pub async fn kind_of(&self, number: &ChannelNumber, amount: Amount) -> Option<bool> {
        let it = &self.0;
        let judge = |reply: &Reply| judge::was_shown(reply, number, amount, it.us());
        let about = ("query", number.as_str(), number);
        it.ask_and_judge(about, it.merchant.query(number), it.call_limit, judge).await.ok().flatten()
    }

    /// Takes a charged code back.
    pub async fn reverse(&self, number: &ChannelNumber) -> ReverseOutcome {
        let it = &self.0;
        let judge = |reply: &Reply| judge::reverse(reply, number, it.us());
        let about = ("reverse", number.as_str(), number);
        let judged = it.ask_and_judge(about, it.merchant.reverse(number), it.call_limit, judge).await;
        judged.unwrap_or(ReverseOutcome::Unknown)
    }

    /// Gives money back. Accepted is not arrived, and refused may mean that it is done already: asks at once about
    /// the refund itself, within the same limit.
    pub async fn refund(&self, refund: &ChannelRefund) -> ChannelRefundOutcome {
        let it = &self.0;
        let start = it.clock.monotonic();
        let judge = |reply: &Reply| judge::refund(reply, refund);
        let about = ("refund", refund.refund.0.as_str(), &refund.number);
        let judged = it.ask_and_judge(about, it.merchant.refund(refund), it.call_limit, judge).await;
        let outcome = judged.unwrap_or(ChannelRefundOutcome::Unknown);
        let left = it.call_limit.saturating_sub(it.clock.monotonic().saturating_sub(start));
        match outcome {
            ChannelRefundOutcome::Processing | ChannelRefundOutcome::Refused(_) if !left.is_zero() => {
                after_asking(outcome, self.query_refund_within(refund, left).await)
            }
            ChannelRefundOutcome::Refused(_) => ChannelRefundOutcome::Unknown,
            outcome => outcome,
        }
    }

    /// Asks where a refund stands.
    pub async fn query_refund(&self, refund: &ChannelRefund) -> ChannelRefundOutcome {
        self.query_refund_within(refund, self.0.call_limit).await
    }

    async fn query_refund_within(&self, refund: &ChannelRefund, limit: Duration) -> ChannelRefundOutcome {
        let it = &self.0;
        let judge = |reply: &Reply| judge::query_refund(reply, refund);
        let about = ("query refund", refund.refund.0.as_str(), &refund.number);
        let judged = it.ask_and_judge(about, it.merchant.query_refund(refund), limit, judge).await;
        judged.unwrap_or(ChannelRefundOutcome::Unknown)
    }

    fn take_in(&self, headers: &[(String, String)], body: &[u8]) -> Result<Notified, NotificationError> {
        let it = &self.0;
        let (trust, now) = (it.trust(), it.clock.now());
        if let Err(NotAuthentic::UnknownKey(_)) = trust.verify(headers, body, now)
            && it.may_fetch()
        {
            // A certificate that is new to us: it is there when the wallet tells of this again.
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                let this = self.clone();
                drop(runtime.spawn(async move { this.0.fetch_certificates(this.0.call_limit).await }));
            }
        }
        notification::open((headers, body), &trust, &it.key, it.us(), now)
    }
}

impl ShownCodes for WechatV3 {
    fn create<'a>(&'a self, order: &'a ShownOrder) -> Answer<'a, ShownOutcome> {
        Box::pin(self.create_now(order))
    }

    fn close<'a>(&'a self, number: &'a ChannelNumber) -> Answer<'a, ReverseOutcome> {
        Box::pin(self.close_now(number))
    }

    fn was_shown<'a>(&'a self, number: &'a ChannelNumber, amount: Amount) -> Answer<'a, Option<bool>> {
        Box::pin(self.kind_of(number, amount))
    }

    fn notification(&self, headers: &[(String, String)], body: &[u8]) -> Result<Notified, NotificationError> {
        self.take_in(headers, body)
    }

    fn thanks(&self) -> (u16, &'static str, Vec<u8>) {
        (204, JSON, Vec::new())
    }
}

impl Inside {
    fn us(&self) -> Us<'_> {
        let Merchant { app_id, signer, shop, .. } = &self.merchant;
        Us { app_id, merchant_id: &signer.merchant_id, shop: shop.as_ref() }
    }

    fn trust(&self) -> Arc<Trust> {
        Arc::clone(&self.trust.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Signs a request, sends it, and brings back whatever came.
    async fn send(
        &self,
        call: &Call,
        limit: Duration,
        most: usize,
    ) -> Result<line::Reply, Silence<Unusable>> {
        let nonce: [u8; 16] =
            draw(&*self.random).map_err(|error| Silence::NotSent(error.to_string().into()))?;
        let nonce = hex::encode_upper(nonce);
        let Some(authorization) = self.merchant.authorization(call, self.clock.now(), &nonce) else {
            return Err(Silence::NotSent("the request could not be signed".into()));
        };
        let mut sending = match call.method {
            "GET" => Sending::get(),
            _ => Sending::post(JSON, call.body.clone().into_bytes()),
        };
        if call.is_harmless() {
            sending = sending.harmless();
        }
        sending = sending.header("authorization", authorization).header("accept", JSON);
        sending = sending.header("user-agent", USER_AGENT);
        if let Some(id) = &self.public_key_id {
            sending = sending.header("wechatpay-serial", id.clone());
        }
        match self.line.send(&call.target, sending.most(most), limit).await {
            Exchange::Answered(reply) => Ok(reply),
            Exchange::NotSent(why) => Err(Silence::NotSent(why)),
            Exchange::NoAnswer(why) => Err(Silence::NoAnswer(why)),
        }
    }

    /// The same, and opens the reply. Where it names a certificate that is not known, the wallet may have a new one.
    async fn ask(&self, call: Call, limit: Duration) -> Result<Reply, Silence<Unusable>> {
        let start = self.clock.monotonic();
        let came = self.send(&call, limit, line::MAX_BYTES).await?;
        let open = || wire::open(came.status, &came.headers, &came.body, self.clock.now(), &self.trust());
        match open() {
            Err(Unusable::NotAuthentic { why: NotAuthentic::UnknownKey(_), .. }) => {
                let left = limit.saturating_sub(self.clock.monotonic().saturating_sub(start));
                self.fetch_certificates(left.max(LEAST)).await;
                open().map_err(Silence::Unusable)
            }
            opened => opened.map_err(Silence::Unusable),
        }
    }

    async fn ask_and_judge<T>(
        &self,
        (call, number, payment): (&str, &str, &ChannelNumber),
        request: Call,
        limit: Duration,
        judge: impl FnOnce(&Reply) -> Result<T, Unusable>,
    ) -> Result<T, Silence<Unusable>> {
        let judged = self.ask(request, limit).await.and_then(|reply| {
            if let Reply::Error(_, said) = &reply {
                tracing::info!(call, number, said, "WeChat Pay answered with an error");
            }
            judge(&reply).map_err(Silence::Unusable)
        });
        if let Err(silence) = &judged {
            let (wallet, at) = (Wallet::WeChatPay, self.clock.now());
            silence.tell(&Asked { wallet, call, number, payment, at }, &self.mismatches);
        }
        judged
    }

    /// Whether nobody fetches certificates now, nor has tried to just now. Anybody may make us ask this.
    fn may_fetch(&self) -> bool {
        self.fetched.try_lock().is_ok_and(|last| !self.fetched_lately(*last))
    }

    fn fetched_lately(&self, last: Option<Duration>) -> bool {
        let every = if self.trust().0.is_empty() { FETCH_FIRST_EVERY } else { FETCH_EVERY };
        last.is_some_and(|last| self.clock.monotonic().saturating_sub(last) < every)
    }

    /// Fetches the wallet's certificates, unless that was tried just now. Whoever waits for the same waits here, for no
    /// longer than the limit.
    async fn fetch_certificates(&self, limit: Duration) {
        if tokio::time::timeout(limit, self.fetch_in_turn(limit)).await.is_err() {
            tracing::warn!(limit_ms = limit.as_millis(), "the wallet's certificates did not come in time");
        }
    }

    async fn fetch_in_turn(&self, limit: Duration) {
        let mut fetched = self.fetched.lock().await;
        if self.fetched_lately(*fetched) {
            return;
        }
        *fetched = Some(self.clock.monotonic());
        let known = self.trust();
        let came = match self.send(&self.merchant.certificates(), limit, line::MAX_BYTES).await {
            Ok(came) => came,
            Err(silence) => return silence.log(Wallet::WeChatPay, "certificates", ""),
        };
        match certificates::open((&came.headers, &came.body), &self.key, &known, self.clock.now()) {
            Ok(new) => self.know(&known, new),
            Err(why) => {
                tracing::error!(%why, status = came.status, "the wallet's certificates cannot be used");
            }
        }
    }

    /// From now on the wallet is known by these certificates, and by its public key if there is one.
    fn know(&self, known: &Trust, certificates: Vec<KnownKey>) {
        let ids: Vec<&str> = certificates.iter().map(|key| key.id.as_str()).collect();
        tracing::info!(?ids, "the wallet's certificates were fetched");
        let stay = known.0.iter().filter(|key| key.id.starts_with(PUBLIC_KEY)).cloned();
        let all = Trust(stay.chain(certificates).collect());
        *self.trust.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(all);
    }
}
