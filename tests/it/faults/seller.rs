//! A till and its cashier who do not give up: whatever breaks, they ask again for the same, and note what they were
//! told, and when.

use evertill_provisioning::client::{ClientError, StaffClient, StoreClient};
use evertill_shared::clock::{Clock, SystemClock};
use evertill_shared::id::RefundId;
use evertill_shared::journal::{Body, SignedEntry};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order::OrderState;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::payment::PaymentState;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::orders::{
    AdoptOrder, CreateDraft, DraftCreated, OrderView, PaymentView, StartPayment,
};
use evertill_shared::protocol::refunds::CarryOutRefund;
use evertill_shared::protocol::staff::AskRefund;
use evertill_shared::protocol::terminal::{HandIn, HandedIn};
use evertill_shared::refund::{Refund, RefundState};
use evertill_shared::secret::AuthCode;
use evertill_tests::rig::power_cut::Seeded;
use evertill_tests::scripted_till::{AdoptedSale, ScriptedSale, ScriptedTill};
use evertill_tests::simulator::wechat::Behaviour;
use evertill_tests::store_rig::{StoreRig, WalletControl};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(60);

/// What the server said yes to.
#[derive(Clone, Debug)]
pub enum Fact {
    /// It gave out this number.
    Draft(OrderNumber),
    /// The order is paid.
    Paid(OrderNumber),
    /// The wallet's payment went through.
    Charged(OrderNumber, u8),
    /// The refund is reserved.
    RefundAsked(OrderNumber, RefundId),
    /// The till's word about the refund was taken; whether the money is back already.
    RefundCarriedOut(OrderNumber, RefundId, bool),
    /// The journal is at the server up to this entry.
    HandedIn(u64),
}

/// A fact, and a time at which it had been told.
#[derive(Clone, Debug)]
pub struct Told {
    /// Microseconds since 1970, rounded up.
    pub at_us: i64,
    pub fact: Fact,
}

/// A sale on its way.
struct Current {
    sale: ScriptedSale,
    order: Option<AdoptedSale>,
    /// The customer's code, if they pay by one.
    code: Option<String>,
    requested: Option<SignedEntry>,
    cash: Option<SignedEntry>,
    refund: Option<(Refund, SignedEntry)>,
}

pub struct Seller {
    pub till: ScriptedTill,
    pub told: Vec<Told>,
    pub done: usize,
    /// Requests that were refused or not answered, and asked again.
    pub asked_again: usize,
    /// The longest that a sale took.
    pub slowest: Duration,
    wallet: WalletControl,
    manager: Arc<StaffClient>,
    random: Seeded,
    current: Option<Current>,
    handed_in: usize,
    gives_up: Arc<AtomicBool>,
}

/// A question that can be asked.
type Ask<'a, T> = Pin<Box<dyn Future<Output = Result<T, ClientError>> + Send + 'a>>;

/// Told to give up: what was begun stays where it is.
#[derive(Debug)]
pub struct GaveUp;

impl Seller {
    pub async fn new(rig: &StoreRig, name: &str, seed: u64, gives_up: &Arc<AtomicBool>) -> Self {
        let till = rig.scripted_till(name).await.unwrap();
        Self::at(rig, till, seed, gives_up).await
    }

    /// The cashier of a till that is there already.
    pub async fn at(rig: &StoreRig, till: ScriptedTill, seed: u64, gives_up: &Arc<AtomicBool>) -> Self {
        Self {
            till,
            told: Vec::new(),
            done: 0,
            asked_again: 0,
            slowest: Duration::ZERO,
            wallet: rig.wallet_control(),
            manager: Arc::new(rig.staff("li").await.unwrap()),
            random: Seeded::new(seed),
            current: None,
            handed_in: 0,
            gives_up: Arc::clone(gives_up),
        }
    }

    /// Sells so many times, beginning with what is under way; stops where it is if it is told to give up.
    pub async fn sell(&mut self, count: usize) {
        for _ in 0..count {
            if self.gives_up.load(Ordering::Acquire) || self.one().await.is_err() {
                return;
            }
        }
    }

    /// Sells until it is told to give up.
    pub async fn sell_on(&mut self) {
        self.sell(usize::MAX).await;
    }

    async fn one(&mut self) -> Result<(), GaveUp> {
        let started = SystemClock.monotonic();
        // Taken out while it is worked on, and put back if it does not end.
        let mut current = match self.current.take() {
            Some(current) => current,
            None => self.begin().await,
        };
        let result = self.carry_on(&mut current).await;
        self.current = if result.is_ok() { None } else { Some(current) };
        result?;
        self.done += 1;
        self.slowest = self.slowest.max(SystemClock.monotonic().saturating_sub(started));
        if self.done.is_multiple_of(3) {
            let client = self.till.client.clone();
            let entries = self.till.entries()[self.handed_in..].to_vec();
            let body = HandIn { entries };
            let taken: HandedIn = self.again(|| Box::pin(client.post("/v1/journal", &body))).await?;
            assert!(!taken.quarantined);
            self.handed_in = self.till.entries().len();
            self.note(Fact::HandedIn(taken.head.sequence));
        }
        Ok(())
    }

    async fn begin(&mut self) -> Current {
        let code = match self.random.percent(60) {
            true => Some(self.wallet.code(Behaviour::Pays).await.unwrap()),
            false => None,
        };
        let price = 200 + 10 * i64::try_from(self.random.below(50)).unwrap();
        let sale = self.till.sell(price).unwrap();
        Current { sale, order: None, code, requested: None, cash: None, refund: None }
    }

    fn note(&mut self, fact: Fact) {
        let at_us = (SystemClock.now().0 + 1) * 1_000;
        self.told.push(Told { at_us, fact });
    }

    /// Asks until there is an answer. A refusal that is no "later" is a broken promise.
    async fn again<'a, T>(&mut self, ask: impl Fn() -> Ask<'a, T>) -> Result<T, GaveUp> {
        let until = SystemClock.monotonic() + PATIENCE;
        loop {
            let error = match ask().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            assert!(is_honest(&error), "a refusal that nobody can act on: {error:?}");
            if self.gives_up.load(Ordering::Acquire) {
                return Err(GaveUp);
            }
            assert!(SystemClock.monotonic() < until, "asked for a minute: {error:?}");
            self.asked_again += 1;
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn carry_on(&mut self, current: &mut Current) -> Result<(), GaveUp> {
        let client = self.till.client.clone();
        let order = match &current.order {
            Some(order) => order.clone(),
            None => {
                let body = CreateDraft { sale: current.sale.entry.clone() };
                let draft: DraftCreated = self.again(|| Box::pin(client.post("/v1/drafts", &body))).await?;
                self.note(Fact::Draft(draft.number));
                let order = self.till.choose(&current.sale, draft.number).unwrap();
                current.order.insert(order).clone()
            }
        };
        if let (Some(code), None) = (current.code.clone(), &current.cash)
            && self.charge(current, &order, &code).await?
        {
            return self.perhaps_refund(current, &order).await;
        }
        let cash = match &current.cash {
            Some(cash) => cash.clone(),
            None => current.cash.insert(self.till.take_cash(&current.sale).unwrap()).clone(),
        };
        let (sale, adopted) = (order.sale.entry.clone(), order.entry.clone());
        let body = AdoptOrder { sale, adopted, cash: Some(cash), cash_part: None };
        let path = format!("/v1/orders/{}/adopt", order.number);
        let view: OrderView = self.again(|| Box::pin(client.post(&path, &body))).await?;
        assert_eq!(view.state, OrderState::Paid, "{view:?}");
        self.note(Fact::Paid(order.number));
        Ok(())
    }

    /// Charges, and says whether the money came: if not, it surely did not, and the customer pays in cash.
    async fn charge(
        &mut self,
        current: &mut Current,
        order: &AdoptedSale,
        code: &str,
    ) -> Result<bool, GaveUp> {
        let requested = match &current.requested {
            Some(requested) => requested.clone(),
            None => current.requested.insert(self.till.request(order, 1).unwrap()).clone(),
        };
        let client = self.till.client.clone();
        let body = StartPayment {
            sale: order.sale.entry.clone(),
            adopted: order.entry.clone(),
            requested,
            cash_part: None,
            auth_code: AuthCode::new(code.to_owned()),
        };
        let path = format!("/v1/orders/{}/payments", order.number);
        let asked = format!("{path}/1");
        let view: PaymentView =
            self.again(|| Box::pin(charge_and_ask(&client, &path, &asked, &body))).await?;
        if view.state != PaymentState::Paid {
            return Ok(false);
        }
        self.note(Fact::Charged(order.number, 1));
        self.note(Fact::Paid(order.number));
        Ok(true)
    }

    async fn perhaps_refund(&mut self, current: &mut Current, order: &AdoptedSale) -> Result<(), GaveUp> {
        if !order.sale.key.sequence.is_multiple_of(3) {
            return Ok(());
        }
        let amount = Amount::new(100, Currency::CNY);
        let (refund, carried_out) = match &current.refund {
            Some(known) => known.clone(),
            None => {
                let request = format!("refund-{}-{}", order.sale.key.terminal, order.sale.key.sequence);
                let ask = AskRefund { request, amount, reason: "the customer brought it back".into() };
                let manager = Arc::clone(&self.manager);
                let refund = self.again(|| Box::pin(manager.ask_refund(&order.number, &ask))).await?;
                self.note(Fact::RefundAsked(order.number, refund.id.clone()));
                let body = Body::RefundCarriedOut {
                    refund: refund.id.clone(),
                    number: order.number,
                    amount,
                    cashier: None,
                };
                let entry = self.till.write(body).unwrap();
                current.refund.insert((refund, entry)).clone()
            }
        };
        let client = self.till.client.clone();
        let path = format!("/v1/orders/{}/refunds/{}", order.number, refund.id);
        let body = CarryOutRefund { carried_out };
        let now: Refund = self.again(|| Box::pin(client.post(&path, &body))).await?;
        let is_back = now.state == RefundState::Done;
        self.note(Fact::RefundCarriedOut(order.number, refund.id, is_back));
        Ok(())
    }

    /// What was told up to a time and is not so at the server now.
    pub async fn missing_at_the_server(&self, up_to_us: i64) -> Vec<String> {
        let mut missing = Vec::new();
        for told in self.told.iter().filter(|told| told.at_us <= up_to_us) {
            if !self.holds(&told.fact).await {
                missing.push(format!("{told:?}"));
            }
        }
        missing
    }

    async fn holds(&self, fact: &Fact) -> bool {
        let number = match fact {
            Fact::HandedIn(sequence) => {
                return self
                    .till
                    .status()
                    .await
                    .is_ok_and(|status| status.journal_head.sequence >= *sequence);
            }
            Fact::Draft(number) | Fact::Paid(number) | Fact::Charged(number, _) => *number,
            Fact::RefundAsked(number, _) | Fact::RefundCarriedOut(number, ..) => *number,
        };
        let Ok(order) = self.till.order(number).await else { return false };
        match fact {
            Fact::Paid(_) => order.state == OrderState::Paid,
            Fact::Charged(_, attempt) => {
                order.payments.iter().any(|p| p.attempt == *attempt && p.state == PaymentState::Paid)
            }
            Fact::RefundAsked(_, id) => order.refunds.iter().any(|refund| refund.id == *id),
            Fact::RefundCarriedOut(_, id, is_back) => order.refunds.iter().any(|refund| {
                refund.id == *id
                    && refund.state != RefundState::Reserved
                    && (!is_back || refund.state == RefundState::Done)
            }),
            Fact::Draft(_) | Fact::HandedIn(_) => true,
        }
    }
}

/// Asks for the charge; whatever comes of it, only an end is an answer.
async fn charge_and_ask(
    client: &StoreClient,
    path: &str,
    asked: &str,
    body: &StartPayment,
) -> Result<PaymentView, ClientError> {
    match client.post_payment::<_, PaymentView>(path, body).await {
        Ok(view) if view.state.is_final() => return Ok(view),
        Err(error) if !is_honest(&error) => return Err(error),
        _ => {}
    }
    let view: PaymentView = client.get(asked, "").await?;
    if view.state.is_final() { Ok(view) } else { Err(ClientError::NoAnswer(format!("{:?}", view.state))) }
}

/// No answer, or one that says "later": nothing was promised, and asking again is right. That a payment is not
/// known is such an answer too, after a question whose fate is not known.
fn is_honest(error: &ClientError) -> bool {
    error.is_offline() || error.code().is_some_and(|code| code.is_later() || code == ErrorCode::NotFound)
}
