//! A till without a window: a real key, a real chain, real signed requests. For stories in which the requests
//! matter and the screens do not.

use evertill_provisioning::client::{ClientConfig, ClientError, StoreClient};
use evertill_provisioning::enrolment;
use evertill_provisioning::keystore::DeviceKey;
use evertill_shared::cashier::Cashier;
use evertill_shared::clock::{Clock, SystemClock};
use evertill_shared::id::{Attempt, ChannelNumber, RefundId, SaleKey, StoreId};
use evertill_shared::journal::{Body, Entry, Head, SignedEntry};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order::Sale;
use evertill_shared::order::line::{Line, TaxRate};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::enrol::{Enrolled, terminal_key_id};
use evertill_shared::protocol::orders::{
    AdoptOrder, CreateDraft, DraftCreated, OrderView, PaymentView, ShowCode, StartPayment, TakeBack,
};
use evertill_shared::protocol::refunds::{AskRefundAtTill, CarryOutRefund, RefundAnswer, RefundInbox};
use evertill_shared::protocol::terminal::{HandIn, HandedIn, TerminalStatus};
use evertill_shared::refund::Refund;
use evertill_shared::secret::{AuthCode, SecretText};
use evertill_shared::signing::SigningKey;
use evertill_shared::wallet::{self, Wallet};
use serde_json::json;
use std::sync::Arc;

/// A till that tests drive by hand.
pub struct ScriptedTill {
    /// Its key.
    pub device: DeviceKey,
    /// What the server told it when it registered.
    pub enrolled: Enrolled,
    /// The signed client.
    pub client: StoreClient,
    /// Who serves; nobody in particular unless set.
    pub cashier: Option<Cashier>,
    clock: Arc<dyn Clock>,
    key: SigningKey,
    head: Head,
    entries: Vec<SignedEntry>,
}

/// A sale as its entries stand in the journal.
#[derive(Clone, Debug)]
pub struct ScriptedSale {
    /// Its name.
    pub key: SaleKey,
    /// What is to be paid.
    pub total: Amount,
    /// Its entry.
    pub entry: SignedEntry,
}

/// A sale whose number has been chosen.
#[derive(Clone, Debug)]
pub struct AdoptedSale {
    /// The sale.
    pub sale: ScriptedSale,
    /// The number.
    pub number: OrderNumber,
    /// The entry that chose it.
    pub entry: SignedEntry,
}

impl ScriptedTill {
    /// Registers a new key with a one-time code. The till is pending then.
    /// # Errors
    /// The server's refusal, or no answer.
    pub async fn enrol(config: ClientConfig, code: &SecretText) -> Result<Self, ClientError> {
        Self::enrol_by(config, code, Arc::new(SystemClock)).await
    }

    /// The same, by a clock that may be wrong.
    /// # Errors
    /// The server's refusal, or no answer.
    pub async fn enrol_by(
        config: ClientConfig,
        code: &SecretText,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ClientError> {
        let wrong = |e: &dyn std::fmt::Display| ClientError::Misconfigured(e.to_string());
        let device = DeviceKey::generate().map_err(|e| wrong(&e))?;
        let enrolled = enrolment::enrol(config.clone(), code, &device, Arc::clone(&clock)).await?;
        let client = enrolment::client_of(config, &enrolled, &device, Arc::clone(&clock))?;
        let key_id = terminal_key_id(enrolled.terminal, enrolled.epoch);
        let key = device.signing_key(key_id).map_err(|e| wrong(&e))?;
        let head = Head::start(enrolled.terminal, enrolled.epoch);
        let mut till =
            Self { device, enrolled, client, cashier: None, clock, key, head, entries: Vec::new() };
        let public_key = till.device.public();
        till.write(Body::Opened { public_key })?;
        Ok(till)
    }

    /// The same till, with other servers to ask.
    /// # Errors
    /// These cannot be asked.
    pub fn at(self, config: ClientConfig) -> Result<Self, ClientError> {
        let client = enrolment::client_of(config, &self.enrolled, &self.device, Arc::clone(&self.clock))?;
        Ok(Self { client, ..self })
    }

    /// The store that it belongs to.
    #[must_use]
    pub fn store(&self) -> StoreId {
        self.enrolled.store.id
    }

    /// Everything in its journal.
    #[must_use]
    pub fn entries(&self) -> &[SignedEntry] {
        &self.entries
    }

    /// Where its journal ends.
    #[must_use]
    pub fn head(&self) -> Head {
        self.head
    }

    /// Puts its journal back to what it was after `sequence` entries, as an old disk image would.
    pub fn put_back_to(&mut self, sequence: usize) {
        self.entries.truncate(sequence);
        let start = Head::start(self.enrolled.terminal, self.enrolled.epoch);
        self.head = self.entries.last().map_or(start, |entry| Head {
            sequence: sequence as u64,
            hash: entry.hash(),
            ..start
        });
    }

    /// Writes the next entry.
    /// # Errors
    /// The entry cannot be written as JSON.
    pub fn write(&mut self, body: Body) -> Result<SignedEntry, ClientError> {
        let entry = Entry {
            terminal: self.head.terminal,
            epoch: self.head.epoch,
            sequence: self.head.sequence + 1,
            previous: self.head.hash,
            at: self.clock.now(),
            body,
        };
        let signed = SignedEntry::sign(&entry, &self.key)
            .map_err(|error| ClientError::Misconfigured(error.to_string()))?;
        self.head = Head { sequence: entry.sequence, hash: signed.hash(), ..self.head };
        self.entries.push(signed.clone());
        Ok(signed)
    }

    /// Closes a sale of one article at this price.
    /// # Errors
    /// The price is not one.
    pub fn sell(&mut self, total_minor: i64) -> Result<ScriptedSale, ClientError> {
        let wrong = |e: &dyn std::fmt::Display| ClientError::Misconfigured(e.to_string());
        let price = Amount::new(total_minor, Currency::CNY);
        let line =
            Line::new("P001".into(), "Article".into(), 1, price, TaxRate(1300)).map_err(|e| wrong(&e))?;
        let sale =
            Sale::new(self.store(), self.clock.now(), Currency::CNY, vec![line]).map_err(|e| wrong(&e))?;
        let total = sale.total;
        let entry = self.write(Body::Sale(sale.served_by(self.cashier.clone())))?;
        let Head { terminal, epoch, sequence, .. } = self.head;
        Ok(ScriptedSale { key: SaleKey { terminal, epoch, sequence }, total, entry })
    }

    /// Asks for a number.
    /// # Errors
    /// See [`ClientError`].
    pub async fn draft(&self, sale: &ScriptedSale) -> Result<DraftCreated, ClientError> {
        self.client.post("/v1/drafts", &CreateDraft { sale: sale.entry.clone() }).await
    }

    /// Chooses a number, in the journal only.
    /// # Errors
    /// The entry cannot be written.
    pub fn choose(&mut self, sale: &ScriptedSale, number: OrderNumber) -> Result<AdoptedSale, ClientError> {
        let entry = self.write(Body::Adopted { sale: sale.key.sequence, number })?;
        Ok(AdoptedSale { sale: sale.clone(), number, entry })
    }

    /// Sells, asks for a number and chooses it.
    /// # Errors
    /// See [`ClientError`].
    pub async fn sell_and_choose(&mut self, total_minor: i64) -> Result<AdoptedSale, ClientError> {
        let sale = self.sell(total_minor)?;
        let draft = self.draft(&sale).await?;
        self.choose(&sale, draft.number)
    }

    /// A whole cash sale.
    /// # Errors
    /// See [`ClientError`].
    pub async fn sell_for_cash(&mut self, total_minor: i64) -> Result<OrderView, ClientError> {
        let order = self.sell_and_choose(total_minor).await?;
        let cash = self.take_cash(&order.sale)?;
        self.complete(&order, cash).await
    }

    /// Takes exactly the total in cash, in the journal only.
    /// # Errors
    /// The entry cannot be written.
    pub fn take_cash(&mut self, sale: &ScriptedSale) -> Result<SignedEntry, ClientError> {
        let change = Amount::zero(sale.total.currency);
        self.write(Body::CashTaken { sale: sale.key.sequence, given: sale.total, change })
    }

    /// Takes a part in cash, in the journal only.
    /// # Errors
    /// The entry cannot be written.
    pub fn take_part(&mut self, sale: &ScriptedSale, minor: i64) -> Result<SignedEntry, ClientError> {
        let amount = Amount::new(minor, sale.total.currency);
        self.write(Body::CashPart { sale: sale.key.sequence, amount, cashier: None })
    }

    /// Takes exactly what is missing in cash, after a part, in the journal only.
    /// # Errors
    /// The entry cannot be written.
    pub fn take_rest(&mut self, sale: &ScriptedSale, part_minor: i64) -> Result<SignedEntry, ClientError> {
        let of = |minor| Amount::new(minor, sale.total.currency);
        let (given, change, part) = (of(sale.total.minor - part_minor), of(0), of(part_minor));
        self.write(Body::CashRest { sale: sale.key.sequence, given, change, part })
    }

    /// Writes the intent to be paid that much at WeChat Pay, with so much in cash in the drawer.
    /// # Errors
    /// The entry cannot be written.
    pub fn request_rest(
        &mut self,
        order: &AdoptedSale,
        attempt: Attempt,
        (asked_minor, cash_minor): (i64, i64),
    ) -> Result<SignedEntry, ClientError> {
        let channel_number = ChannelNumber::new(self.store(), order.sale.key, attempt);
        let of = |minor| Amount::new(minor, order.sale.total.currency);
        self.write(Body::RestRequested {
            sale: order.sale.key.sequence,
            number: order.number,
            attempt,
            wallet: Wallet::WeChatPay,
            channel_number,
            amount: of(asked_minor),
            cash: of(cash_minor),
        })
    }

    /// The part in cash that an entry rests on, if it rests on one: the latest that has not gone back.
    fn part_under(&self, rests: &SignedEntry) -> Option<SignedEntry> {
        let (Body::RestRequested { sale, .. } | Body::CashRest { sale, .. }) =
            rests.read_unverified().ok()?.body
        else {
            return None;
        };
        self.entries.iter().take_while(|entry| *entry != rests).fold(None, |part, entry| {
            match entry.read_unverified().map(|entry| entry.body) {
                Ok(Body::CashPart { sale: of, .. }) if of == sale => Some(entry.clone()),
                Ok(Body::CashPartBack { sale: of, .. } | Body::CashPartKept { sale: of, .. })
                    if of == sale =>
                {
                    None
                }
                _ => part,
            }
        })
    }

    /// Brings a cash sale to the server.
    /// # Errors
    /// See [`ClientError`].
    pub async fn complete(&self, order: &AdoptedSale, cash: SignedEntry) -> Result<OrderView, ClientError> {
        let cash_part = self.part_under(&cash);
        let (sale, adopted) = (order.sale.entry.clone(), order.entry.clone());
        let body = AdoptOrder { sale, adopted, cash: Some(cash), cash_part };
        self.client.post(&format!("/v1/orders/{}/adopt", order.number), &body).await
    }

    /// Writes the intent to charge a code of WeChat Pay.
    /// # Errors
    /// The entry cannot be written.
    pub fn request(&mut self, order: &AdoptedSale, attempt: Attempt) -> Result<SignedEntry, ClientError> {
        self.request_of(Wallet::WeChatPay, order, attempt)
    }

    fn request_of(
        &mut self,
        wallet: Wallet,
        order: &AdoptedSale,
        attempt: Attempt,
    ) -> Result<SignedEntry, ClientError> {
        let channel_number = ChannelNumber::new(self.store(), order.sale.key, attempt);
        self.write(Body::PaymentRequested {
            sale: order.sale.key.sequence,
            number: order.number,
            attempt,
            wallet,
            channel_number,
            amount: order.sale.total,
        })
    }

    /// Charges a code under an intent.
    /// # Errors
    /// See [`ClientError`].
    pub async fn charge(
        &self,
        order: &AdoptedSale,
        requested: &SignedEntry,
        code: &str,
    ) -> Result<PaymentView, ClientError> {
        let body = StartPayment {
            sale: order.sale.entry.clone(),
            adopted: order.entry.clone(),
            requested: requested.clone(),
            cash_part: self.part_under(requested),
            auth_code: AuthCode::new(code.to_owned()),
        };
        self.client.post_payment(&format!("/v1/orders/{}/payments", order.number), &body).await
    }

    /// Writes the intent and charges, at the wallet whose code it is.
    /// # Errors
    /// See [`ClientError`].
    pub async fn pay(
        &mut self,
        order: &AdoptedSale,
        attempt: Attempt,
        code: &str,
    ) -> Result<PaymentView, ClientError> {
        let wallet = wallet::detect(code).unwrap_or(Wallet::WeChatPay);
        let requested = self.request_of(wallet, order, attempt)?;
        self.charge(order, &requested, code).await
    }

    /// Writes the intent to be paid by a code that is shown.
    /// # Errors
    /// The entry cannot be written.
    pub fn request_shown(
        &mut self,
        wallet: Wallet,
        order: &AdoptedSale,
        attempt: Attempt,
    ) -> Result<SignedEntry, ClientError> {
        self.request_of(wallet, order, attempt)
    }

    /// Asks for a code to show under an intent.
    /// # Errors
    /// See [`ClientError`].
    pub async fn show_under(
        &self,
        order: &AdoptedSale,
        requested: &SignedEntry,
    ) -> Result<PaymentView, ClientError> {
        let body = ShowCode {
            sale: order.sale.entry.clone(),
            adopted: order.entry.clone(),
            requested: requested.clone(),
            cash_part: self.part_under(requested),
        };
        self.client.post_payment(&format!("/v1/orders/{}/shown", order.number), &body).await
    }

    /// Writes the intent and asks for a code to show.
    /// # Errors
    /// See [`ClientError`].
    pub async fn show(
        &mut self,
        wallet: Wallet,
        order: &AdoptedSale,
        attempt: Attempt,
    ) -> Result<PaymentView, ClientError> {
        let requested = self.request_shown(wallet, order, attempt)?;
        self.show_under(order, &requested).await
    }

    /// Asks where an attempt stands.
    /// # Errors
    /// See [`ClientError`].
    pub async fn payment(&self, number: OrderNumber, attempt: Attempt) -> Result<PaymentView, ClientError> {
        self.client.get(&format!("/v1/orders/{number}/payments/{attempt}"), "").await
    }

    /// Takes an attempt back.
    /// # Errors
    /// See [`ClientError`].
    pub async fn take_back(
        &self,
        order: &AdoptedSale,
        requested: &SignedEntry,
        attempt: Attempt,
    ) -> Result<PaymentView, ClientError> {
        let body = TakeBack {
            sale: order.sale.entry.clone(),
            adopted: order.entry.clone(),
            requested: requested.clone(),
            cash_part: self.part_under(requested),
        };
        self.client.post(&format!("/v1/orders/{}/payments/{attempt}/take-back", order.number), &body).await
    }

    /// Where an order stands.
    /// # Errors
    /// See [`ClientError`].
    pub async fn order(&self, number: OrderNumber) -> Result<OrderView, ClientError> {
        self.client.get(&format!("/v1/orders/{number}"), "").await
    }

    /// What the server thinks of this till.
    /// # Errors
    /// See [`ClientError`].
    pub async fn status(&self) -> Result<TerminalStatus, ClientError> {
        self.client.get("/v1/terminal", "").await
    }

    /// Hands in entries of the journal, from index `from` on.
    /// # Errors
    /// See [`ClientError`].
    pub async fn hand_in(&self, from: usize) -> Result<HandedIn, ClientError> {
        let entries = self.entries.get(from..).unwrap_or_default().to_vec();
        self.client.post("/v1/journal", &HandIn { entries }).await
    }

    /// Refunds that wait for this till.
    /// # Errors
    /// See [`ClientError`].
    pub async fn refunds(&self) -> Result<RefundInbox, ClientError> {
        self.client.get("/v1/refunds", "").await
    }

    /// Asks for a refund that waits for a manager in the console; under the same name again, how it stands.
    /// # Errors
    /// See [`ClientError`].
    pub async fn ask_in_console(
        &self,
        number: OrderNumber,
        request: &str,
        amount: Amount,
    ) -> Result<RefundAnswer, ClientError> {
        let asked = AskRefundAtTill {
            request: request.to_owned(),
            amount,
            reason: "Goods damaged".into(),
            approver: String::new(),
            pin: SecretText::new(String::new()),
            code: None,
            cashier: self.cashier.clone(),
            in_console: true,
        };
        self.client.post(&format!("/v1/orders/{number}/refunds"), &asked).await
    }

    /// Signs and carries out a refund.
    /// # Errors
    /// See [`ClientError`].
    pub async fn carry_out(
        &mut self,
        number: OrderNumber,
        refund: &RefundId,
        amount: Amount,
    ) -> Result<Refund, ClientError> {
        let carried_out = self.write(Body::RefundCarriedOut {
            refund: refund.clone(),
            number,
            amount,
            cashier: self.cashier.clone(),
        })?;
        self.client
            .post(&format!("/v1/orders/{number}/refunds/{refund}"), &CarryOutRefund { carried_out })
            .await
    }

    /// Signs and carries out what goes back in cash of an order that was paid in parts.
    /// # Errors
    /// See [`ClientError`].
    pub async fn carry_out_cash(
        &mut self,
        number: OrderNumber,
        refund: &RefundId,
        amount: Amount,
    ) -> Result<Refund, ClientError> {
        let (refund_id, cashier) = (refund.clone(), self.cashier.clone());
        let carried_out = self.write(Body::CashRefund { refund: refund_id, number, amount, cashier })?;
        self.client
            .post(&format!("/v1/orders/{number}/refunds/{refund}"), &CarryOutRefund { carried_out })
            .await
    }

    /// What it is, for a log.
    #[must_use]
    pub fn describe(&self) -> serde_json::Value {
        json!({ "terminal": self.enrolled.terminal.to_string(), "entries": self.entries.len() })
    }
}
