//! A till and its cashier in a drill: sells at an even pace, and asks again as a real till does.

use super::ledger::{End, Ledger, Told};
use crate::scripted_till::{AdoptedSale, ScriptedTill};
use crate::simulator::wechat::Behaviour;
use crate::store_rig::{RigError, WalletControl};
use evertill_provisioning::client::{ClientError, StoreClient};
use evertill_shared::id::Attempt;
use evertill_shared::journal::SignedEntry;
use evertill_shared::order::OrderState;
use evertill_shared::payment::PaymentState;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::orders::{
    AdoptOrder, CreateDraft, DraftCreated, OrderView, PaymentView, StartPayment,
};
use evertill_shared::secret::AuthCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// After this a till asks again for a number, how a payment stands, and for what waits in its queue.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// After this a sale that does not end counts as failed.
const PATIENCE: Duration = Duration::from_secs(75);
/// So often a customer is asked for a new code after a payment that surely did not happen.
const MOST_ATTEMPTS: Attempt = 3;
/// What each customer pays, in minor units.
pub(crate) const TOTAL: i64 = 1_250;

/// A till, its customers and its pace.
pub(crate) struct Cashier {
    /// Shared with those of its sales that were set aside: what is charged anew is written into its journal.
    pub till: Arc<Mutex<ScriptedTill>>,
    pub client: StoreClient,
    pub wallet: WalletControl,
    pub ledger: Arc<Ledger>,
    /// From one sale's beginning to the next one's.
    pub every: Duration,
    /// Of this many customers one pays by the code on a phone, the others in cash.
    pub by_code: u64,
    pub turn: u64,
}

/// How an attempt to end a sale went.
enum Step {
    /// It is paid, and in the books.
    Paid,
    /// Not yet, or it is not known; what was said.
    Later(String),
    /// It will not be.
    Over(String),
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Paid => f.write_str("paid"),
            Self::Later(said) => write!(f, "later: {said}"),
            Self::Over(why) => write!(f, "over: {why}"),
        }
    }
}

/// What a sale went through, with its times: told when it is the slowest of all.
struct Story {
    ledger: Arc<Ledger>,
    begun: Duration,
    lines: Vec<String>,
}

impl Story {
    fn new(ledger: Arc<Ledger>, begun: Duration) -> Self {
        Self { ledger, begun, lines: vec![format!("begun {} ms after the start", begun.as_millis())] }
    }

    fn tell(&mut self, what: impl std::fmt::Display) {
        let after = self.ledger.now().saturating_sub(self.begun).as_millis();
        self.lines.push(format!("+{after} ms {what}"));
    }
}

impl Drop for Story {
    fn drop(&mut self) {
        let took = self.ledger.now().saturating_sub(self.begun);
        self.ledger.told_at_length(took, std::mem::take(&mut self.lines));
    }
}

impl Cashier {
    /// Sells until the ledger is closed. Sales that wait for their group are looked after meanwhile.
    pub(crate) async fn sell_on(mut self, first: Duration) -> Result<(), RigError> {
        tokio::time::sleep(first).await;
        let mut due = self.ledger.now();
        while !self.ledger.is_closed() {
            self.sell().await?;
            due = (due + self.every).max(self.ledger.now());
            tokio::time::sleep(due.saturating_sub(self.ledger.now())).await;
        }
        Ok(())
    }

    async fn sell(&mut self) -> Result<(), RigError> {
        self.turn += 1;
        let code = match self.turn.is_multiple_of(self.by_code) {
            true => Some(self.wallet.code(Behaviour::Pays).await?),
            false => None,
        };
        let sale = lock(&self.till).sell(TOTAL)?;
        let begun = self.ledger.now();
        let mut story = Story::new(Arc::clone(&self.ledger), begun);
        let draft = loop {
            let asked = CreateDraft { sale: sale.entry.clone() };
            match self.client.post::<_, DraftCreated>("/v1/drafts", &asked).await {
                Ok(draft) => break draft,
                Err(error) if may_pass(&error) && self.ledger.now() < begun + PATIENCE => {
                    story.tell(format_args!("no number yet: {error}"));
                    self.ledger.heard(&error);
                    tokio::time::sleep(pause(&error)).await;
                }
                Err(error) => {
                    self.ledger.failed(sale.key, format_args!("no number: {error}"));
                    return Ok(());
                }
            }
        };
        story.tell(format_args!("the number {} after {} jumps", draft.number, draft.jumps));
        let order = lock(&self.till).choose(&sale, draft.number)?;
        let rest = match code {
            None => Rest::Cash(lock(&self.till).take_cash(&sale)?),
            Some(code) => Rest::code(&self.till, &order, FIRST, code)?,
        };
        let mut under_way = UnderWay {
            till: Arc::clone(&self.till),
            client: self.client.clone(),
            wallet: self.wallet.clone(),
            order,
            rest,
            ledger: Arc::clone(&self.ledger),
            begun,
        };
        let told =
            |end, took| Told { key: sale.key, number: draft.number, begun, took, end, jumps: draft.jumps };
        loop {
            let step = under_way.step().await;
            let took = self.ledger.now().saturating_sub(begun);
            story.tell(&step);
            match step {
                Step::Paid => {
                    self.ledger.tell(told(End::Paid, took));
                    return Ok(());
                }
                Step::Over(why) => {
                    self.ledger.failed(sale.key, why);
                    return Ok(());
                }
                // The till shows that the order waits for its group, sets it aside, and serves the next customer.
                Step::Later(_) if self.ledger.is_failing(draft.number.tag()) => {
                    self.ledger.tell(told(End::SetAside, took));
                    tokio::spawn(under_way.settle());
                    return Ok(());
                }
                Step::Later(_) if took > PATIENCE => {
                    self.ledger.failed(sale.key, "it does not end");
                    return Ok(());
                }
                Step::Later(_) => tokio::time::sleep(ASK_AGAIN).await,
            }
        }
    }
}

/// What is left to do for a sale that has its number.
enum Rest {
    /// The customer has gone; the order is brought to the server.
    Cash(SignedEntry),
    /// The code is to be charged.
    Code { attempt: Attempt, requested: SignedEntry, code: String, is_sent: bool },
}

const FIRST: Attempt = 1;

impl Rest {
    fn code(
        till: &Mutex<ScriptedTill>,
        order: &AdoptedSale,
        attempt: Attempt,
        code: String,
    ) -> Result<Self, ClientError> {
        let requested = lock(till).request(order, attempt)?;
        Ok(Self::Code { attempt, requested, code, is_sent: false })
    }
}

fn lock(till: &Mutex<ScriptedTill>) -> MutexGuard<'_, ScriptedTill> {
    till.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A sale that has its number.
struct UnderWay {
    till: Arc<Mutex<ScriptedTill>>,
    client: StoreClient,
    wallet: WalletControl,
    order: AdoptedSale,
    rest: Rest,
    ledger: Arc<Ledger>,
    begun: Duration,
}

impl UnderWay {
    /// Asks again and again, until it is known how the sale ended.
    async fn settle(mut self) {
        while self.ledger.now() < self.begun + PATIENCE {
            tokio::time::sleep(ASK_AGAIN).await;
            match self.step().await {
                Step::Paid => return self.ledger.settled(self.order.sale.key, self.begun),
                Step::Over(why) => return self.ledger.failed(self.order.sale.key, why),
                Step::Later(_) => {}
            }
        }
        self.ledger.failed(self.order.sale.key, "its group never answered");
    }

    async fn step(&mut self) -> Step {
        let attempt = match &self.rest {
            Rest::Cash(_) => None,
            Rest::Code { attempt, .. } => Some(*attempt),
        };
        let asked = match (&self.rest, attempt) {
            (Rest::Cash(_), _) => self.upload().await.map(|view| match view.state {
                OrderState::Paid => Step::Paid,
                other => Step::Over(format!("the order is {other:?}")),
            }),
            (Rest::Code { is_sent: true, .. }, Some(attempt)) => self.ask(attempt).await,
            (Rest::Code { .. }, _) => self.pay().await,
        };
        let asked = match (asked, attempt) {
            (Ok(Step::Over(why)), Some(attempt)) if attempt < MOST_ATTEMPTS => {
                self.charge_anew(attempt + 1, &why).await
            }
            (other, _) => other,
        };
        asked.unwrap_or_else(|error| {
            self.ledger.heard(&error);
            if may_pass(&error) { Step::Later(error.to_string()) } else { Step::Over(error.to_string()) }
        })
    }

    async fn upload(&self) -> Result<OrderView, ClientError> {
        let Rest::Cash(cash) = &self.rest else { return Err(ClientError::Misconfigured("no cash".into())) };
        let (sale, adopted) = (self.order.sale.entry.clone(), self.order.entry.clone());
        let body = AdoptOrder { sale, adopted, cash: Some(cash.clone()), cash_part: None };
        self.client.post(&format!("/v1/orders/{}/adopt", self.order.number), &body).await
    }

    async fn pay(&mut self) -> Result<Step, ClientError> {
        let Rest::Code { requested, code, is_sent, .. } = &mut self.rest else {
            return Ok(Step::Over("there is no code".into()));
        };
        *is_sent = true;
        let body = StartPayment {
            sale: self.order.sale.entry.clone(),
            adopted: self.order.entry.clone(),
            requested: requested.clone(),
            cash_part: None,
            auth_code: AuthCode::new(code.clone()),
        };
        let path = format!("/v1/orders/{}/payments", self.order.number);
        Ok(self.looked_at(&self.client.post_payment(&path, &body).await?))
    }

    /// Asks how the payment stands. If no server has ever heard of it, it is asked for again under its number.
    async fn ask(&mut self, attempt: Attempt) -> Result<Step, ClientError> {
        let path = format!("/v1/orders/{}/payments/{attempt}", self.order.number);
        match self.client.get::<PaymentView>(&path, "").await {
            Err(error) if error.code() == Some(ErrorCode::NotFound) => self.pay().await,
            answer => Ok(self.looked_at(&answer?)),
        }
    }

    /// The payment surely did not happen: the customer shows a new code, as at a real till.
    async fn charge_anew(&mut self, attempt: Attempt, why: &str) -> Result<Step, ClientError> {
        let code = self.wallet.code(Behaviour::Pays).await;
        let code = code.map_err(|error| ClientError::Misconfigured(error.to_string()))?;
        self.rest = Rest::code(&self.till, &self.order, attempt, code)?;
        self.ledger.charges_anew();
        Ok(Step::Later(format!("{why}; it is charged anew")))
    }

    fn looked_at(&self, view: &PaymentView) -> Step {
        match view.state {
            PaymentState::Paid => Step::Paid,
            PaymentState::Declined | PaymentState::Reversed => {
                Step::Over(format!("the payment is {:?}", view.state))
            }
            waiting => Step::Later(format!("the payment is {waiting:?}")),
        }
    }
}

/// Whether a till asks again.
fn may_pass(error: &ClientError) -> bool {
    match error {
        ClientError::Misconfigured(_) => false,
        ClientError::Api(refused) => refused.code.is_later(),
        _ => true,
    }
}

fn pause(error: &ClientError) -> Duration {
    let asked = match error {
        ClientError::Api(refused) => refused.retry_after_ms.map(Duration::from_millis),
        _ => None,
    };
    asked.unwrap_or_default().max(ASK_AGAIN)
}
