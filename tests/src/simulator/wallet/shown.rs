//! Codes that tills show, and the customers who scan them. The wallet makes the order when its code is scanned.

use super::behaviour::{Behaviour, Customer};
use super::book::{Book, Order, TradeState};
use super::counter::Counter;
use super::store::StoreError;
use evertill_shared::clock::Timestamp;
use serde::{Deserialize, Serialize};

/// A code that a till shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownCode {
    /// What the QR code holds.
    pub content: String,
    /// The merchant's number.
    pub number: String,
    /// What is asked for, in fen.
    pub total_minor: i64,
    /// What the customer's phone shows.
    pub description: String,
    /// Which till, as the merchant says.
    pub device: String,
    /// Nobody can pay by it after this.
    pub until: Timestamp,
    /// Closed before anybody scanned it.
    pub closed: bool,
    /// Where the merchant wants to be told.
    pub notify_url: Option<String>,
}

/// What a customer finds who scans a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scanned {
    /// It is paid.
    Paid,
    /// The phone asks for something: a password, another card.
    Waiting,
    /// The code is not good: over, closed, paid already, or never one.
    NoGood,
}

impl Book {
    /// The code that was last made for that number.
    pub fn shown_of(&self, number: &str) -> Option<&ShownCode> {
        let content = self.shown_last.get(number)?;
        self.shown.get(content)
    }

    /// Takes in a code, new or from disk.
    pub fn show(&mut self, code: ShownCode) {
        self.shown_last.insert(code.number.clone(), code.content.clone());
        if code.notify_url.is_some() {
            self.to_notify.insert(code.number.clone());
        }
        self.changed_shown.insert(code.content.clone());
        self.shown.insert(code.content.clone(), code);
    }

    /// Closes the codes of a number for good.
    pub fn close_shown(&mut self, number: &str) {
        for code in self.shown.values_mut().filter(|code| code.number == number) {
            code.closed = true;
            self.changed_shown.insert(code.content.clone());
        }
    }

    /// A customer scans what a till shows. `transaction` names the order, should the scan make one.
    pub fn scan(
        &mut self,
        content: &str,
        behaviour: Behaviour,
        now: Timestamp,
        transaction: String,
    ) -> Scanned {
        let Some(code) = self.shown.get(content).filter(|code| !code.closed && now < code.until).cloned()
        else {
            return Scanned::NoGood;
        };
        if !self.orders.contains_key(&code.number) {
            self.insert(order_of(&code, behaviour, now, transaction));
        }
        let Some(order) = self.order_mut(&code.number) else { return Scanned::NoGood };
        if order.state != TradeState::UserPaying {
            return Scanned::NoGood;
        }
        // Whoever looks at it last decides.
        order.behaviour = behaviour;
        if behaviour.customer() == Customer::Pays {
            order.charge(now);
            return Scanned::Paid;
        }
        Scanned::Waiting
    }
}

fn order_of(code: &ShownCode, behaviour: Behaviour, now: Timestamp, transaction: String) -> Order {
    Order {
        number: code.number.clone(),
        transaction,
        state: TradeState::UserPaying,
        total_minor: code.total_minor,
        charged_minor: 0,
        reversed_minor: 0,
        refunded_minor: 0,
        created_at: now,
        paid_at: None,
        ended_at: None,
        refunds: Vec::new(),
        code: code.content.clone(),
        behaviour,
        description: code.description.clone(),
        device: code.device.clone(),
        queries: 0,
        reversals: 0,
    }
}

impl Counter {
    /// The codes by which somebody could pay now.
    /// # Errors
    /// The books cannot be written.
    pub fn payable(&self) -> Result<Vec<ShownCode>, StoreError> {
        self.decide(|book, _, now| {
            let waits = |number: &str| {
                book.orders.get(number).is_none_or(|order| order.state == TradeState::UserPaying)
            };
            let payable =
                book.shown.values().filter(|code| !code.closed && now < code.until && waits(&code.number));
            payable.cloned().collect()
        })
    }

    /// A customer scans what a till shows, and does what they do.
    /// # Errors
    /// The books cannot be written.
    pub fn scan(&self, content: &str, behaviour: Behaviour) -> Result<Scanned, StoreError> {
        let wallet = self.wallet();
        self.decide(|book, _, now| {
            let transaction = super::transaction_number(wallet, now, book.orders.len());
            book.scan(content, behaviour, now, transaction)
        })
    }
}
