//! The wallet's own books: payment codes, orders, refunds, and what time does to them.

use super::behaviour::{Behaviour, Customer, Switches};
use super::shown::ShownCode;
use evertill_shared::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A payment code on somebody's phone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// The digits.
    pub digits: String,
    /// What happens when it is charged.
    pub behaviour: Behaviour,
    /// How much is in the wallet, in fen; without limit if absent.
    pub balance_minor: Option<i64>,
    /// When it appeared on the phone.
    pub issued_at: Timestamp,
    /// The order that used it up.
    pub used_by: Option<String>,
}

/// Where an order stands, in WeChat Pay's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TradeState {
    /// The customer is typing a password.
    UserPaying,
    /// Paid.
    Success,
    /// Failed.
    PayError,
    /// Taken back.
    Revoked,
    /// Closed.
    Closed,
    /// Paid, and money went back.
    Refund,
}

/// How a refund ends that WeChat Pay has accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundEnd {
    /// The customer has it.
    #[default]
    Arrives,
    /// The customer's card is gone. The money has left the merchant, and waits in between for a person.
    Abnormal,
    /// The merchant had not enough for a week: nothing moves, and the number is used up.
    Closed,
}

/// Money given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// The merchant's number.
    pub number: String,
    /// The wallet's number.
    pub refund_id: String,
    /// How much, in fen.
    pub amount_minor: i64,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When it arrives.
    pub arrives_at: Timestamp,
    /// Where the merchant wants to be told.
    #[serde(default)]
    pub notify_url: Option<String>,
    /// How it ends when it would arrive.
    #[serde(default)]
    pub end: RefundEnd,
}

impl Refund {
    /// Where it stands, in the words of version 3 and of version 2.
    #[must_use]
    pub fn words(&self, now: Timestamp) -> (&'static str, &'static str) {
        match self.end {
            _ if now < self.arrives_at => ("PROCESSING", "PROCESSING"),
            RefundEnd::Arrives => ("SUCCESS", "SUCCESS"),
            RefundEnd::Abnormal => ("ABNORMAL", "CHANGE"),
            RefundEnd::Closed => ("CLOSED", "REFUNDCLOSE"),
        }
    }

    /// Whether the customer has the money.
    #[must_use]
    pub fn has_arrived(&self, now: Timestamp) -> bool {
        now >= self.arrives_at && self.end == RefundEnd::Arrives
    }

    /// What it holds of an order's money without ever giving it back.
    #[must_use]
    pub fn held_in_vain(&self, now: Timestamp) -> i64 {
        if self.end == RefundEnd::Closed && now < self.arrives_at { self.amount_minor } else { 0 }
    }
}

/// One order: the truth, for comparing books.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The merchant's number.
    pub number: String,
    /// The wallet's number.
    pub transaction: String,
    /// Where it stands.
    pub state: TradeState,
    /// What was asked for, in fen.
    pub total_minor: i64,
    /// What was taken from the customer, all in all, in fen.
    pub charged_minor: i64,
    /// What a reversal gave back, in fen.
    pub reversed_minor: i64,
    /// What refunds gave back, in fen.
    pub refunded_minor: i64,
    /// When the pay call came.
    pub created_at: Timestamp,
    /// When it was paid.
    pub paid_at: Option<Timestamp>,
    /// When it was taken back, or failed.
    pub ended_at: Option<Timestamp>,
    /// The refunds, oldest first.
    pub refunds: Vec<Refund>,
    /// The code that was charged.
    pub code: String,
    /// How it was to behave.
    pub behaviour: Behaviour,
    /// What the customer's phone shows.
    pub description: String,
    /// Which till, as the merchant says.
    pub device: String,
    /// How often it was asked about.
    pub queries: u32,
    /// How often a reversal was asked for.
    pub reversals: u32,
}

impl Order {
    /// What the customer is out of pocket, in fen.
    #[must_use]
    pub fn net_minor(&self) -> i64 {
        self.charged_minor - self.reversed_minor - self.refunded_minor
    }

    pub(in crate::simulator) fn charge(&mut self, at: Timestamp) {
        self.charged_minor += self.total_minor;
        self.state = TradeState::Success;
        self.paid_at = Some(at);
    }

    /// Whether it was paid after it had come to its end.
    #[must_use]
    pub fn was_paid_late(&self) -> bool {
        self.paid_at.zip(self.ended_at).is_some_and(|(paid, ended)| paid > ended)
    }

    /// When it will be paid although it is over, if ever.
    fn pays_late_at(&self) -> Option<Timestamp> {
        let after_ms = match (self.behaviour, self.state) {
            (Behaviour::SuccessAfterReversal { after_ms }, TradeState::Revoked)
            | (Behaviour::SuccessAfterDecline { after_ms }, TradeState::PayError) => after_ms,
            _ => return None,
        };
        let ended = self.ended_at.filter(|_| self.charged_minor == 0)?;
        Some(ended.plus(Duration::from_millis(after_ms.max(1))))
    }

    /// Whether time will do something to it.
    fn waits(&self) -> bool {
        self.state == TradeState::UserPaying || self.pays_late_at().is_some()
    }

    pub(in crate::simulator) fn end(&mut self, state: TradeState, at: Timestamp) {
        self.state = state;
        self.ended_at = Some(at);
    }

    /// Lets the customer do what they will have done by `now`.
    fn advance(&mut self, now: Timestamp, revoked_at: Timestamp) -> bool {
        if let Some(at) = self.pays_late_at() {
            if at <= now {
                self.charge(at);
            }
            return at <= now;
        }
        if self.state != TradeState::UserPaying {
            return false;
        }
        let customer = self.behaviour.customer();
        if let Customer::Password { after_ms, confirms } = customer {
            let acts_at = self.created_at.plus(Duration::from_millis(after_ms));
            if acts_at <= now && acts_at < revoked_at {
                if confirms {
                    self.charge(acts_at)
                } else {
                    self.end(TradeState::PayError, acts_at)
                }
                return true;
            }
        }
        let stays = customer == Customer::OnlyAtReversal;
        if revoked_at <= now && !stays {
            self.end(TradeState::Revoked, revoked_at);
        }
        self.state != TradeState::UserPaying
    }
}

/// All codes and orders, and which of them changed since they were last saved.
#[derive(Debug, Default)]
pub(in crate::simulator) struct Book {
    pub codes: BTreeMap<String, Code>,
    pub orders: BTreeMap<String, Order>,
    /// The orders that wait for a customer, or for a bank that is late.
    pub waiting: BTreeSet<String>,
    pub changed_codes: BTreeSet<String>,
    pub changed_orders: BTreeSet<String>,
    /// The codes that tills show, by what they hold.
    pub shown: BTreeMap<String, ShownCode>,
    /// The last code of each number.
    pub shown_last: BTreeMap<String, String>,
    pub changed_shown: BTreeSet<String>,
    /// The numbers of which the merchant wants to be told, and has not been.
    pub to_notify: BTreeSet<String>,
    /// The same for refunds: the numbers of order and refund.
    pub refunds_to_notify: BTreeSet<(String, String)>,
}

/// Something that the merchant wants to be told.
pub(in crate::simulator) struct News {
    /// The number of the order.
    pub number: String,
    /// The number of the refund, if it is about one.
    pub refund: Option<String>,
    /// Where to.
    pub url: String,
}

impl Book {
    /// Lets time pass.
    pub fn advance(&mut self, now: Timestamp, switches: &Switches) {
        let auto_revoke = Duration::from_millis(switches.auto_revoke_ms);
        let (orders, changed) = (&mut self.orders, &mut self.changed_orders);
        let (shown, last) = (&self.shown, &self.shown_last);
        self.waiting.retain(|number| {
            let Some(order) = orders.get_mut(number) else { return false };
            // An order by a shown code ends with its code.
            let code = last.get(number).and_then(|content| shown.get(content));
            let ends_at = code.map_or(order.created_at.plus(auto_revoke), |code| code.until);
            if order.advance(now, ends_at) {
                changed.insert(number.clone());
            }
            order.waits()
        });
    }

    /// Takes in an order, new or from disk.
    pub fn insert(&mut self, order: Order) {
        if order.waits() {
            self.waiting.insert(order.number.clone());
        }
        let told = order.refunds.iter().filter(|refund| refund.notify_url.is_some());
        self.refunds_to_notify.extend(told.map(|refund| (order.number.clone(), refund.number.clone())));
        self.orders.insert(order.number.clone(), order);
    }

    /// What has happened since this was asked and the merchant wants to be told.
    pub fn news(&mut self, now: Timestamp) -> Vec<News> {
        let mut news = self.newly_paid();
        news.extend(self.newly_refunded(now));
        news
    }

    fn newly_refunded(&mut self, now: Timestamp) -> Vec<News> {
        let mut news = Vec::new();
        let orders = &self.orders;
        self.refunds_to_notify.retain(|(number, name)| {
            let refunds = orders.get(number).map_or(&[][..], |order| &order.refunds);
            let refund = refunds.iter().find(|refund| refund.number == *name);
            let arrived = refund.is_some_and(|refund| refund.arrives_at <= now);
            if let Some(url) = refund.and_then(|refund| refund.notify_url.clone()).filter(|_| arrived) {
                news.push(News { number: number.clone(), refund: Some(name.clone()), url });
            }
            !arrived
        });
        news
    }

    fn newly_paid(&mut self) -> Vec<News> {
        let paid: Vec<String> = self
            .to_notify
            .iter()
            .filter(|number| self.orders.get(*number).is_some_and(|order| order.paid_at.is_some()))
            .cloned()
            .collect();
        paid.into_iter()
            .filter_map(|number| {
                self.to_notify.remove(&number);
                let url = self.shown_of(&number)?.notify_url.clone()?;
                Some(News { number, refund: None, url })
            })
            .collect()
    }

    /// The order under the merchant's number, to be changed.
    pub fn order_mut(&mut self, number: &str) -> Option<&mut Order> {
        let order = self.orders.get_mut(number)?;
        self.changed_orders.insert(number.to_owned());
        Some(order)
    }

    /// The merchant's number of the order that a message names by either number; the wallet's own wins.
    pub fn named(&self, transaction: Option<&str>, number: Option<&str>) -> Option<String> {
        match transaction {
            Some(t) => self.orders.values().find(|order| order.transaction == t).map(|o| o.number.clone()),
            None => number.filter(|n| self.orders.contains_key(*n)).map(str::to_owned),
        }
    }

    /// The merchant wants to be told there when this refund has arrived.
    pub fn tell_of_refund(&mut self, refund: &str, url: Option<String>) {
        let Some(number) = self.of_refund(refund).map(|order| order.number.clone()) else { return };
        let Some(order) = self.order_mut(&number) else { return };
        if let Some(found) = order.refunds.iter_mut().find(|known| known.number == refund) {
            found.notify_url = url;
            self.refunds_to_notify.insert((number, refund.to_owned()));
        }
    }

    /// A person finishes a refund that waits in between; whether there is one.
    pub fn finish_refund(&mut self, refund: &str, now: Timestamp) -> bool {
        let Some(number) = self.of_refund(refund).map(|order| order.number.clone()) else { return false };
        let Some(order) = self.order_mut(&number) else { return false };
        let waits = |known: &&mut Refund| {
            known.number == refund && known.end == RefundEnd::Abnormal && known.arrives_at <= now
        };
        let Some(waiting) = order.refunds.iter_mut().find(waits) else { return false };
        (waiting.end, waiting.arrives_at) = (RefundEnd::Arrives, now);
        if waiting.notify_url.is_some() {
            self.refunds_to_notify.insert((number, refund.to_owned()));
        }
        true
    }

    /// The order that holds the refund of that number.
    pub fn of_refund(&self, refund: &str) -> Option<&Order> {
        self.orders.values().find(|order| order.refunds.iter().any(|r| r.number == refund))
    }
}
