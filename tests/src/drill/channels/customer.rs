//! A customer and the till that serves them: it asks whichever server answers, never charges again what it is not sure
//! of, and gives the goods away when it is shown that they are paid.

use super::shop::Shop;
use crate::simulator::wallet::{Behaviour, Endpoint, Fault};
use crate::world::chance::Chance;
use evertill_server::order_centre::{Means, NewCharge};
use evertill_server::order_group::{
    Adoption, CarryOut, GroupError, Guard, KeptEntry, NewRefund, PaymentRecord, Refusal, SaleOfTill,
};
use evertill_shared::id::{Attempt, ChannelNumber, RefundId, TerminalId};
use evertill_shared::journal::{Body, Entry, EntryHash, SignedEntry};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order::Sale;
use evertill_shared::order::line::{Line, TaxRate};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::payment::PaymentState;
use evertill_shared::refund::RefundState;
use evertill_shared::secret::AuthCode;
use evertill_shared::signing::SigningKey;
use evertill_shared::wallet::Wallet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long a till waits for a server before it asks another one.
const PATIENCE: Duration = Duration::from_secs(12);
/// How often it asks where a payment stands.
const ASKS_EVERY: Duration = Duration::from_secs(2);
/// How often a customer shows another code.
const MOST_ATTEMPTS: Attempt = 4;
/// One customer of so many pays by Alipay.
const ALIPAY: u64 = 2;
/// Sales in a thousand of which a manager gives a part back, or all.
const GIVEN_BACK: u64 = 150;
/// Attempts in a thousand by a code that the till shows, where the wallet has such codes.
const SHOWN: u64 = 400;
/// One in three who pay late pay so late that nothing but the bill tells of it, at the latest after so many hours.
const HOURS_LATE: u64 = 3;
pub const LATEST_HOURS: u64 = 30;
/// Entries of one sale, in the till's journal.
const ENTRIES: u64 = 16;

/// How an attempt is paid, and what is going to be done about it.
struct Course {
    means: Means,
    /// When the cashier gives it up.
    takes_back: Option<Instant>,
    /// How long after the code is shown the customer scans it, and what they do then.
    scans: Option<(Duration, Behaviour)>,
    /// Whether there was a code on the screen.
    seen: bool,
}

/// One customer's sale at a till.
struct Serving {
    shop: Arc<Shop>,
    chance: Chance,
    key: SigningKey,
    terminal: TerminalId,
    first: u64,
    written: u64,
    wallet: Wallet,
}

/// Serves one customer to the end.
pub async fn comes(shop: Arc<Shop>, nth: u64) {
    let chance = Chance::new(shop.seed, &format!("customer {nth}"));
    let key = SigningKey::from_seed(&[7; 32], "T0001:1".into());
    if let (Ok(key), Ok(terminal)) = (key, TerminalId::try_from(1)) {
        let wallet = if nth.is_multiple_of(ALIPAY) { Wallet::Alipay } else { Wallet::WeChatPay };
        let first = 1 + nth * ENTRIES;
        let mut serving =
            Serving { shop: Arc::clone(&shop), chance, key, terminal, first, written: 0, wallet };
        if serving.is_paid().await == Some(true) {
            shop.released.lock().unwrap_or_else(PoisonError::into_inner).insert(first);
        }
    }
    shop.served.fetch_add(1, Ordering::Relaxed);
}

impl Serving {
    /// Sells; true if the till was shown that it is paid.
    async fn is_paid(&mut self) -> Option<bool> {
        let sale = self.sale()?;
        let number = self.number(&sale).await;
        let at = self.shop.clock.now();
        let business_day = self.shop.server(&mut self.chance).await.groups.business_day(at);
        let adopted = self.kept(Body::Adopted { sale: sale.key.sequence, number })?;
        let adoption =
            Adoption { number, sale, adopted, business_day, at, quarantine: false, served_by: None };
        let mut behaviour = behaviour(&mut self.chance);
        for attempt in 1..=MOST_ATTEMPTS {
            if self.pay(&adoption, attempt, behaviour).await? == PaymentState::Paid {
                if self.chance.once_in(GIVEN_BACK) {
                    self.goes_back(&adoption).await;
                }
                return Some(true);
            }
            if self.chance.once_in(250) {
                return Some(false); // had enough
            }
            behaviour =
                if self.chance.once_in(700) { Behaviour::Pays } else { self::behaviour(&mut self.chance) };
        }
        Some(false)
    }

    fn kept(&mut self, body: Body) -> Option<KeptEntry> {
        let sequence = self.first + self.written;
        self.written += 1;
        let at = self.shop.clock.now();
        let entry =
            Entry { terminal: self.terminal, epoch: 1, sequence, previous: EntryHash::NONE, at, body };
        let signed = SignedEntry::sign(&entry, &self.key).ok()?;
        Some(KeptEntry::new(&entry, &signed))
    }

    fn sale(&mut self) -> Option<SaleOfTill> {
        let price = i64::try_from(self.chance.between(1, 50_000)).unwrap_or(1);
        let line =
            Line::new("tea".into(), "Tea".into(), 1, Amount::new(price, Currency::CNY), TaxRate(1_300))
                .ok()?;
        let sale = Sale::new(self.shop.info.id, self.shop.clock.now(), Currency::CNY, vec![line]).ok()?;
        let entry = self.kept(Body::Sale(sale.clone()))?;
        Some(SaleOfTill { key: entry.place, sale, entry })
    }

    async fn number(&mut self, sale: &SaleOfTill) -> OrderNumber {
        loop {
            let server = self.shop.server(&mut self.chance).await;
            let asked = server.groups.create_draft(sale.clone(), "drill");
            if let Ok(Ok((created, _))) = tokio::time::timeout(PATIENCE, asked).await {
                return created.number;
            }
            tokio::time::sleep(ASKS_EVERY).await;
        }
    }

    /// Charges a code, and stays until it is known what came of it.
    async fn pay(
        &mut self,
        adoption: &Adoption,
        attempt: Attempt,
        behaviour: Behaviour,
    ) -> Option<PaymentState> {
        let (sale, number, wallet) = (&adoption.sale, adoption.number, self.wallet);
        let channel_number = ChannelNumber::new(self.shop.info.id, sale.key, attempt);
        let (key, amount) = (sale.key.sequence, sale.sale.total);
        let requested = self.kept(Body::PaymentRequested {
            sale: key,
            number,
            attempt,
            wallet,
            channel_number: channel_number.clone(),
            amount,
        })?;
        let mut course = self.course(behaviour).await;
        self.notes_hours(&channel_number, behaviour, &course);
        loop {
            let charge = NewCharge {
                adoption: adoption.clone(),
                requested: requested.clone(),
                cash_part: None,
                attempt,
                wallet,
                channel_number: channel_number.clone(),
                amount,
                means: course.means.clone(),
                guard: self.guard(),
            };
            let server = self.shop.server(&mut self.chance).await;
            if let Ok(Ok(view)) = tokio::time::timeout(PATIENCE, server.centre.start(charge)).await
                && view.state.is_final()
            {
                return Some(view.state);
            }
            if let Some(state) = self.comes_to(number, attempt, &mut course).await {
                return Some(state);
            }
            tokio::time::sleep(ASKS_EVERY).await;
        }
    }

    /// A manager asks for a part of the money to be given back, or for all of it, and the till carries it out. Nothing comes
    /// of it if the day is over by then.
    async fn goes_back(&mut self, adoption: &Adoption) -> Option<()> {
        let (number, total) = (adoption.number, adoption.sale.sale.total);
        let all = self.chance.once_in(300);
        let part = i64::try_from(self.chance.between(1, total.minor.unsigned_abs())).unwrap_or(1);
        let amount = Amount::new(if all { total.minor } else { part }, total.currency);
        tokio::time::sleep(Duration::from_millis(self.chance.between(500, 20_000))).await;
        let refund = self.reserved(number, amount).await?;
        let entry = Body::RefundCarriedOut { refund: refund.clone(), number, amount, cashier: None };
        let entry = self.kept(entry)?;
        if self.chance.once_in(200) {
            let fault = fault_of_refunding(&mut self.chance);
            self.shop.counter(self.wallet).next(Endpoint::Refund, fault);
        }
        loop {
            let server = self.shop.server(&mut self.chance).await;
            let carry_out = CarryOut {
                number,
                refund: refund.clone(),
                amount,
                terminal: self.terminal,
                cashier: None,
                entry: entry.clone(),
                lease: server.centre.refund_lease(),
                guard: self.guard(),
            };
            let carried_out = tokio::time::timeout(PATIENCE, server.centre.carry_out(carry_out)).await;
            if let Ok(Ok(refund)) = carried_out
                && matches!(refund.state, RefundState::Done | RefundState::Refused)
            {
                return Some(());
            }
            tokio::time::sleep(ASKS_EVERY).await;
        }
    }

    async fn reserved(&mut self, number: OrderNumber, amount: Amount) -> Option<RefundId> {
        let request = format!("asked for sale {}", self.first);
        loop {
            let server = self.shop.server(&mut self.chance).await;
            let at = self.shop.clock.now();
            let asked = NewRefund {
                number,
                request: request.clone(),
                amount,
                reason: "brought back".into(),
                by: "Ann".into(),
                login: "ann".into(),
                asked_at: None,
                at,
                today: server.groups.business_day(at),
            };
            match tokio::time::timeout(PATIENCE, server.groups.reserve_refund(asked)).await {
                Ok(Ok(record)) => return Some(record.refund.id),
                Ok(Err(GroupError::Refused(_))) => return None,
                _ => tokio::time::sleep(ASKS_EVERY).await,
            }
        }
    }

    /// Whoever pays hours later is found by the bill alone, and people are to be told of it.
    fn notes_hours(&self, number: &ChannelNumber, of_code: Behaviour, course: &Course) {
        let does = course.scans.map_or(of_code, |(_, does)| does);
        if hours_late(does) {
            self.shop.hours_late.lock().unwrap_or_else(PoisonError::into_inner).insert(number.to_string());
        }
    }

    /// A code on the customer's phone, or one that the till is to show.
    async fn course(&mut self, behaviour: Behaviour) -> Course {
        let (wallet, now) = (self.wallet, Instant::now());
        let is_shown = self.chance.once_in(SHOWN);
        if !is_shown || !self.shop.server(&mut self.chance).await.centre.shows().contains(&wallet) {
            let digits = digits(wallet, &mut self.chance);
            self.shop.show(wallet, &digits, behaviour);
            let takes_back = self.chance.once_in(100).then_some(now);
            return Course {
                means: Means::Scanned(AuthCode::new(digits)),
                takes_back,
                scans: None,
                seen: false,
            };
        }
        if self.chance.once_in(300) {
            let (endpoint, fault) = fault_of_showing(&mut self.chance);
            self.shop.counter(wallet).next(endpoint, fault);
        }
        let latest = if self.chance.once_in(300) { 140_000 } else { 20_000 };
        let after = Duration::from_millis(self.chance.between(500, latest));
        let does = scanning(&mut self.chance);
        let scans = (!self.chance.once_in(150)).then_some((after, does));
        // A customer who leaves is given up before long; so is one who only takes a while.
        let gives_up = self.chance.once_in(250) || scans.is_none();
        let given_up = now + Duration::from_millis(self.chance.between(1_000, 60_000));
        Course { means: Means::Shown, takes_back: gives_up.then_some(given_up), scans, seen: false }
    }

    /// Asks until it is known how it ended; nothing if the server has surely never heard of it.
    async fn comes_to(
        &mut self,
        number: OrderNumber,
        attempt: Attempt,
        course: &mut Course,
    ) -> Option<PaymentState> {
        loop {
            let server = self.shop.server(&mut self.chance).await;
            match tokio::time::timeout(PATIENCE, server.groups.payment(number, attempt)).await {
                Ok(Ok(PaymentRecord { payment, .. })) if payment.state.is_final() => {
                    return Some(payment.state);
                }
                Ok(Err(GroupError::Refused(Refusal::NotFound(_)))) => return None,
                Ok(Ok(record)) => {
                    self.looks_at_code(&record, course);
                    if course.takes_back.take_if(|at| *at <= Instant::now()).is_some() {
                        let asked = server.centre.take_back(number, attempt, None, self.guard());
                        let _ = tokio::time::timeout(PATIENCE, asked).await;
                    }
                }
                _ => {}
            }
            tokio::time::sleep(ASKS_EVERY).await;
        }
    }

    /// The code is on the till's screen: the customer takes out the phone. Whoever has seen it may scan it at any time,
    /// whatever the till shows by then.
    fn looks_at_code(&mut self, record: &PaymentRecord, course: &mut Course) {
        let Some((code, _)) = record.payment.code_to_show() else { return };
        if let Some((after, does)) = course.scans.take() {
            self.shop.scans_after(after, (self.wallet, code.to_owned()), does);
        }
        if !std::mem::replace(&mut course.seen, true) {
            self.shop.codes_shown.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn guard(&mut self) -> Guard {
        let request_id = format!("{:016x}{:016x}", self.chance.next(), self.chance.next());
        Guard { request_id, expires_at: self.shop.clock.now().plus(Duration::from_secs(300)) }
    }
}

fn digits(wallet: Wallet, chance: &mut Chance) -> String {
    let first = match wallet {
        Wallet::WeChatPay => 13,
        Wallet::Alipay => 28,
    };
    format!("{first}{:016}", chance.below(10_000_000_000_000_000))
}

/// What a customer does who scans a shown code.
fn scanning(chance: &mut Chance) -> Behaviour {
    let after_ms = chance.between(500, 55_000);
    let late = late(chance);
    let some = [
        Behaviour::Pays,
        Behaviour::Pays,
        Behaviour::PasswordThenPays { after_ms: after_ms / 5 },
        Behaviour::PasswordThenPays { after_ms },
        Behaviour::PasswordThenCancels { after_ms },
        Behaviour::PasswordNever,
        Behaviour::NoFunds,
        Behaviour::SuccessAfterLastQuery,
        Behaviour::SuccessAfterReversal { after_ms: late },
    ];
    chance.pick(&some).copied().unwrap_or_default()
}

/// How long after the end somebody pays all the same: while we may still ask, or hours later.
fn late(chance: &mut Chance) -> u64 {
    if chance.below(HOURS_LATE) == 0 {
        chance.between(3_600_000, LATEST_HOURS * 3_600_000)
    } else {
        chance.between(1_000, 200_000)
    }
}

fn hours_late(does: Behaviour) -> bool {
    match does {
        Behaviour::SuccessAfterReversal { after_ms } | Behaviour::SuccessAfterDecline { after_ms } => {
            after_ms >= 3_600_000
        }
        _ => false,
    }
}

/// What goes wrong with a request for a code, with closing, or with what the wallet tells.
fn fault_of_showing(chance: &mut Chance) -> (Endpoint, Fault) {
    let ms = chance.between(1_000, 12_000);
    let endpoint = chance.pick(&[Endpoint::Create, Endpoint::Create, Endpoint::Close, Endpoint::Notify]);
    let some = [
        Fault::RequestLost,
        Fault::ReplyLost,
        Fault::Slow { ms },
        Fault::ArrivesLate { ms },
        Fault::SystemError,
        Fault::BadSignature,
        Fault::Unsigned,
        Fault::Altered,
        Fault::WrongAmount,
        Fault::OtherNumber,
        Fault::Garbage,
        Fault::ServerError,
    ];
    let fault = chance.pick(&some).cloned().unwrap_or(Fault::ReplyLost);
    (endpoint.copied().unwrap_or(Endpoint::Create), fault)
}

/// What goes wrong with a refund at the wallet.
fn fault_of_refunding(chance: &mut Chance) -> Fault {
    let some = [
        Fault::RequestLost,
        Fault::ReplyLost,
        Fault::SystemError,
        Fault::BadSignature,
        Fault::Garbage,
        Fault::ServerError,
    ];
    chance.pick(&some).cloned().unwrap_or(Fault::ReplyLost)
}

/// What a customer, and what is between them and us, does: half of all goes wrong.
fn behaviour(chance: &mut Chance) -> Behaviour {
    let after_ms = chance.between(500, 55_000);
    let ms = chance.between(1_000, 40_000);
    let late = late(chance);
    let some = [
        Behaviour::PasswordThenPays { after_ms: after_ms / 5 },
        Behaviour::PasswordThenPays { after_ms },
        Behaviour::PasswordThenCancels { after_ms },
        Behaviour::PasswordNever,
        Behaviour::NoFunds,
        Behaviour::Risk,
        Behaviour::Slow { ms },
        Behaviour::ArrivesLate { ms },
        Behaviour::ReplyLost,
        Behaviour::RequestLost,
        Behaviour::SystemErrorThenSuccess { after_ms: 0 },
        Behaviour::SystemErrorThenSuccess { after_ms },
        Behaviour::Unavailable,
        Behaviour::SuccessAfterLastQuery,
        Behaviour::SuccessAfterReversal { after_ms: late },
        Behaviour::SuccessAfterDecline { after_ms: late },
        Behaviour::ReverseReplyLost,
        Behaviour::BadSignature,
        Behaviour::Unsigned,
        Behaviour::WrongAmount,
        Behaviour::OtherNumber,
        Behaviour::Garbage,
        Behaviour::ServerError,
        Behaviour::MicropayPayerror,
    ];
    if chance.once_in(500) {
        return Behaviour::Pays;
    }
    chance.pick(&some).copied().unwrap_or_default()
}
