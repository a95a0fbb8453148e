//! The rules of the system, held against what happens: at the wallet's door before a request is served, after every
//! call of the wallet, after every step, and once more when everything is healed and drained.

use super::desks::Desks;
use super::engine::SimDatabase;
use super::homes::{Homes, Left};
use super::isolation::Wallets;
use super::model::Model;
use super::story::Story;
use super::wallet::VERSION_3;
use crate::simulator::alipay;
use crate::simulator::wallet::http::Request;
use crate::simulator::wechat::{Order, TradeState, message};
use evertill_provisioning::client::{Answer, Sent};
use evertill_shared::id::SaleKey;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::orders::{CreateDraft, DraftCreated};
use evertill_shared::protocol::path;
use evertill_shared::protocol::staff::AskRefund;
use evertill_shared::refund::Refund;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

mod blocks;
mod rest;
mod rows;
pub use blocks::Money;
use rows::{OrderRow, cash_refunds_of, has_row, orders_of, texts};

/// Watches over one run.
pub struct Checker {
    pub model: Arc<Mutex<Model>>,
    pub(super) start: Instant,
    watched: OnceLock<Watched>,
    base_trouble: Mutex<Option<Duration>>,
    pub(super) wallets: Wallets,
    left: Mutex<Left>,
}

/// What is watched.
pub struct Watched {
    pub groups: Vec<Arc<SimDatabase>>,
    pub base: Arc<SimDatabase>,
    /// Whether orders may change their home.
    pub moves: bool,
    /// When the store's day ends; nothing if clocks are not to be trusted about that.
    pub midnight: Option<Duration>,
}

impl Checker {
    pub fn new(start: Instant) -> Arc<Self> {
        Arc::new(Self {
            model: Arc::default(),
            start,
            watched: OnceLock::new(),
            base_trouble: Mutex::default(),
            wallets: Wallets::new(start),
            left: Mutex::default(),
        })
    }

    /// What there is to watch, once it is there.
    pub fn watch(&self, watched: Watched) {
        let _ = self.watched.set(watched);
    }

    /// Whether orders may change their home.
    pub(super) fn is_moving(&self) -> bool {
        self.watched.get().is_some_and(|watched| watched.moves)
    }

    pub(super) fn base(&self) -> Option<&Arc<SimDatabase>> {
        self.watched.get().map(|watched| &watched.base)
    }

    /// The databases that speak for the tags, now.
    fn homes(&self) -> Homes {
        if !self.is_moving() {
            return Homes::own();
        }
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let (homes, wrong) = Homes::read(self.groups(), &mut left);
        drop(left);
        wrong.into_iter().for_each(|how| self.model().breaks("fenced-homes", how));
        homes
    }

    /// The database that speaks for this order.
    fn group_of(&self, number: &OrderNumber) -> Option<&Arc<SimDatabase>> {
        self.groups().get(self.homes().of(number.as_str())?)
    }

    pub fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Virtual time since the beginning.
    pub fn elapsed(&self) -> Duration {
        self.now()
    }

    pub(super) fn groups(&self) -> &[Arc<SimDatabase>] {
        self.watched.get().map_or(&[], |watched| watched.groups.as_slice())
    }

    /// The base store is in trouble until then.
    pub fn base_in_trouble(&self, until: Duration) {
        let mut trouble = self.base_trouble.lock().unwrap_or_else(PoisonError::into_inner);
        *trouble = Some(trouble.map_or(until, |earlier| earlier.max(until)));
    }

    fn base_troubled_until(&self) -> Option<Duration> {
        *self.base_trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A server answered a request that it began to serve then, and nobody has touched the answer.
    pub fn answered(&self, sent: &Sent, answer: &Answer, began: Instant) {
        self.in_time(sent, answer, began);
        if sent.url.path() == path::DRAFTS
            && answer.status == 200
            && let Ok(asked) = serde_json::from_slice::<CreateDraft>(&sent.body)
            && let Ok(entry) = asked.sale.read_unverified()
            && let Ok(created) = serde_json::from_slice::<DraftCreated>(&answer.body)
        {
            let sale = SaleKey { terminal: entry.terminal, epoch: entry.epoch, sequence: entry.sequence };
            let now = self.now();
            self.model().offered.entry((sale, created.number)).or_insert(now);
        }
    }

    /// A manager asks for a refund for the first time.
    pub fn asks(&self, request: &str) {
        let now = self.now();
        self.model().asked.entry(request.to_owned()).or_insert(now);
    }

    /// What was sold before the end of the day was brought back after it.
    fn same_day(&self, sent: &Sent, refund: &Refund) {
        let Some(midnight) = self.watched.get().and_then(|watched| watched.midnight) else { return };
        let Ok(asked) = serde_json::from_slice::<AskRefund>(&sent.body) else { return };
        let mut model = self.model();
        let asked_at = model.asked.get(&asked.request).copied();
        let mut offers = model.offered.iter().filter(|((_, number), _)| *number == refund.order);
        let sold_at = offers.next().map(|(_, at)| *at);
        let late = asked_at.is_some_and(|at| at > midnight) && sold_at.is_some_and(|at| at < midnight);
        if late {
            let how = format!("{} was sold the day before, and {} is promised", refund.order, refund.id.0);
            model.breaks("same-till-same-day", how);
        }
    }

    /// An answer reached a client.
    pub fn heard(&self, client: &str, sent: &Sent, answer: &Answer) {
        let asked_refund = client.starts_with("manager") && sent.url.path().ends_with("/refunds");
        if asked_refund
            && answer.status == 200
            && let Ok(refund) = serde_json::from_slice::<Refund>(&answer.body)
        {
            self.same_day(sent, &refund);
            let seen = super::model::RefundSeen { order: refund.order, amount_minor: refund.amount.minor };
            self.model().refunds.insert(refund.id.0, seen);
        }
    }

    /// A request stands at the wallet's door.
    pub fn arrives(&self, call: &Request, (wallet, desks): (usize, &Desks), story: &Story) {
        let path = call.path.as_str();
        if wallet > 0 {
            return self.arrives_at_the_second(call, desks, story);
        }
        if path.starts_with(VERSION_3) {
            return self.arrives_v3(call, desks, story);
        }
        let Some(fields) = message::read(&call.body) else { return };
        let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
        let number = field("out_trade_no");
        story.tell(format!("at the wallet: {path} {number} {}", field("out_refund_no")));
        match path {
            "/pay/micropay" => self.charge_arrives(&number, desks),
            "/secapi/pay/refund" => self.refund_arrives(&number, &field("out_refund_no")),
            _ => {}
        }
    }

    /// Alipay's gateway: what is asked for stands in the address, what about in a form, the content as JSON in it.
    fn arrives_at_the_second(&self, call: &Request, desks: &Desks, story: &Story) {
        let method = call.query.split('&').find_map(|pair| pair.strip_prefix("method="));
        let form = std::str::from_utf8(&call.body).ok().and_then(alipay::message::read_form);
        let content = form.and_then(|form| form.get("biz_content").cloned()).unwrap_or_default();
        let body: serde_json::Value = serde_json::from_str(&content).unwrap_or_default();
        let field = |name: &str| body[name].as_str().unwrap_or_default();
        let (number, refund) = (field("out_trade_no"), field("out_request_no"));
        let method = method.unwrap_or_default();
        story.tell(format!("at the second wallet: {method} {number} {refund}"));
        match method {
            "alipay.trade.pay" | "alipay.trade.precreate" => self.charge_arrives(number, desks),
            "alipay.trade.refund" => self.refund_arrives(number, refund),
            _ => {}
        }
    }

    fn arrives_v3(&self, call: &Request, desks: &Desks, story: &Story) {
        let body: serde_json::Value = serde_json::from_slice(&call.body).unwrap_or_default();
        let field = |name: &str| body[name].as_str().unwrap_or_default();
        let (number, refund) = (field("out_trade_no"), field("out_refund_no"));
        story.tell(format!("at the wallet: {} {} {number} {refund}", call.method, call.path));
        match (call.method.as_str(), call.path.as_str()) {
            ("POST", "/v3/pay/transactions/native") => self.charge_arrives(number, desks),
            ("POST", "/v3/refund/domestic/refunds") => self.refund_arrives(number, refund),
            _ => {}
        }
    }

    /// While a code that somebody has seen can be paid, its sale is not paid otherwise.
    pub fn codes_are_closed(&self, desks: &Desks, seen: &BTreeSet<String>) {
        let payable = desks.payable();
        let mut model = self.model();
        for code in payable.iter().filter(|code| seen.contains(&code.content)) {
            let Some((sale, attempt, _)) = model.by_channel_number.get(&code.number).cloned() else {
                continue;
            };
            if model.till(sale.terminal).put_back {
                continue; // two customers' sales under one name
            }
            let Some(known) = model.sales.get(&sale) else { continue };
            let otherwise = known.cash || known.attempts.keys().any(|later| *later > attempt);
            if otherwise {
                let how = format!("{sale} is paid otherwise, and attempt {attempt}'s code can still be paid");
                model.breaks("one-charge", how);
                continue;
            }
            let (asked, cash) = (known.asked_minor.get(&attempt).copied(), known.cash_minor());
            let total = known.total_minor;
            if asked.is_some_and(|asked| asked + cash != total) {
                let how = format!("{sale} costs {total}, {cash} is in the drawer, and {asked:?} can be paid");
                model.breaks("one-charge", how);
            }
        }
    }

    fn charge_arrives(&self, number: &str, desks: &Desks) {
        let known = self.model().by_channel_number.get(number).cloned();
        let Some((sale, attempt, order)) = known else {
            let how = format!("{number} was charged, which no till has written down");
            return self.model().breaks("channel-number", how);
        };
        let expected = format!(
            "E{:06}{:04}{:05}{:012}{attempt:03}",
            super::template::STORE,
            sale.terminal.get(),
            sale.epoch,
            sale.sequence
        );
        if number != expected {
            self.model().breaks("channel-number", format!("{number} is not made from {sale}, {attempt}"));
        }
        let tag = order.tag();
        let intent = self.group_of(&order).is_some_and(|group| {
            group.look(|c| has_row(c, "SELECT 1 FROM payments WHERE channel_number = ?1", number))
        });
        if !intent {
            let how = format!("{number} is charged, and group {tag} holds no intent of it");
            self.model().breaks("intent-first", how);
        }
        let orders = desks.orders();
        for earlier in 1..attempt {
            let number = format!("{}{earlier:03}", &expected[..expected.len() - 3]);
            let open = orders.iter().find(|order| order.number == number).filter(|order| !is_over(order));
            if open.is_some() {
                let how = format!("attempt {attempt} of {sale} begins, and {earlier} is not over");
                self.model().breaks("channel-number", how);
            }
        }
        self.blocked(sale.terminal, number);
    }

    fn refund_arrives(&self, number: &str, refund: &str) {
        if refund.starts_with(['B', 'D']) {
            return; // money that goes back by itself: no till carries it out
        }
        let known = self.model().by_channel_number.get(number).cloned();
        let Some((sale, _, _)) = known else { return };
        let plain = refund.split('-').next().unwrap_or(refund).to_owned();
        self.blocked(sale.terminal, &plain);
        let mut model = self.model();
        if !model.till(sale.terminal).refunds.contains(&plain) {
            let how = format!("{refund} is carried out, and {}, which sold, has not", sale.terminal);
            model.breaks("same-till-same-day", how);
        }
    }

    /// After each call of the wallet: what customers are charged for one sale.
    pub fn after_wallet(&self, desks: &Desks) {
        let mut net: BTreeMap<SaleKey, i64> = BTreeMap::new();
        let mut model = self.model();
        for order in desks.orders() {
            let Some((sale, _, _)) = model.by_channel_number.get(&order.number) else { continue };
            if order.was_paid_late() {
                continue; // the wallet's doing: it must be found, and go back, until all is at rest
            }
            *net.entry(*sale).or_default() += order.net_minor();
            if order.refunded_minor > order.charged_minor {
                let how = format!(
                    "{}: {} went back of {}",
                    order.number, order.refunded_minor, order.charged_minor
                );
                model.breaks("never-over", how);
            }
        }
        for (sale, net) in net {
            let written = model.sales.get(&sale).map(|seen| &seen.written);
            let total =
                written.map_or(0, |written| written.iter().map(|(_, total)| *total).max().unwrap_or(0));
            let cash = model.cash_of(&sale);
            if net > total - cash {
                let how = format!("{sale} costs {total}, and {net} is charged for it beside {cash} in cash");
                model.breaks("one-charge", how);
            }
        }
    }

    /// After each step: what stands in the groups.
    pub fn after_step(&self) {
        let mut adopted: BTreeMap<SaleKey, Vec<String>> = BTreeMap::new();
        let (homes, moves) = (self.homes(), self.is_moving());
        for row in self.all_orders() {
            let is_home = homes.of(&row.number) == Some(row.group);
            if moves && !is_home {
                continue; // a copy: on its way, or left behind
            }
            if !is_home {
                let how = format!("{} stands in group {}", row.number, row.group);
                self.model().breaks("only-creation-jumps", how);
            }
            if row.held_minor > row.paid_minor {
                let how =
                    format!("{} of {} is held for refunds of {}", row.held_minor, row.paid_minor, row.number);
                self.model().breaks("never-over", how);
            }
            if matches!(row.state.as_str(), "adopted" | "paid") {
                adopted.entry(row.sale).or_default().push(row.number);
            }
        }
        for (sale, numbers) in adopted.into_iter().filter(|(_, numbers)| numbers.len() > 1) {
            self.model().breaks("one-charge", format!("{sale} is adopted as {}", numbers.join(" and ")));
        }
        self.settled_is_true();
        self.refunds_fit();
    }

    /// All orders in the databases that speak for them.
    fn orders(&self) -> Vec<OrderRow> {
        let homes = self.homes();
        let at_home = |row: &OrderRow| homes.of(&row.number) == Some(row.group);
        self.all_orders().into_iter().filter(at_home).collect()
    }

    fn all_orders(&self) -> Vec<OrderRow> {
        let of = |(group, database): (usize, &Arc<SimDatabase>)| database.look(|c| orders_of(c, group));
        self.groups().iter().enumerate().flat_map(of).collect()
    }

    fn refunds_fit(&self) {
        const OVER: &str =
            "SELECT o.number FROM orders o WHERE paid_minor < (SELECT coalesce(sum(amount_minor), 0)
             FROM refunds r WHERE r.number = o.number AND r.state <> 'refused')";
        const OTHER_DAY: &str = "SELECT o.number FROM orders o JOIN refunds r ON r.number = o.number
             WHERE r.requested_on <> o.business_day AND r.state <> 'refused'";
        for group in self.groups() {
            for (number, sale, minor) in group.look(cash_refunds_of) {
                let mut model = self.model();
                let cash = model.cash_of(&sale);
                if minor > cash && !model.till(sale.terminal).put_back {
                    let how = format!("{minor} of {number} goes back in cash, and {cash} was taken so");
                    model.breaks("never-over", how);
                }
            }
            for number in group.look(|c| texts(c, OVER)) {
                self.model().breaks("never-over", format!("more is refunded of {number} than was paid"));
            }
            for number in group.look(|c| texts(c, OTHER_DAY)) {
                self.model().breaks("same-till-same-day", format!("{number} is refunded on another day"));
            }
        }
    }

    /// What a till has settled as not charged, and what it was told is paid, is checked against the wallet at
    /// rest; here only that a cashier is shown no wallet payment that no attempt has brought.
    fn settled_is_true(&self) {
        let mut model = self.model();
        let mut wrong = Vec::new();
        for (sale, seen) in &model.sales {
            if seen.shown_paid && !seen.is_paid() {
                wrong.push(format!("{sale} was shown as paid, and nothing was"));
            }
        }
        for how in wrong {
            model.breaks("known-or-unknown", how);
        }
    }

    /// Whether no payment, refund or give-back is under way; with `patient` no refund waits for its till either, and with
    /// `looks` no attempt that is over is still to be asked about once more.
    pub fn nothing_is_open(&self, patient: bool, looks: bool) -> bool {
        let reserved = if patient { ", 'reserved'" } else { "" };
        let looks = if looks { "('declined', 'reversed')" } else { "()" };
        let open = format!(
            "SELECT number FROM payments WHERE state IN ('sent', 'waiting', 'unknown', 'reversing') UNION ALL \
             SELECT number FROM payments WHERE state IN {looks} AND looked_again = 0 UNION ALL \
             SELECT number FROM refunds WHERE state IN ('sent', 'unknown'{reserved}) UNION ALL \
             SELECT number FROM give_backs WHERE state = 'open'"
        );
        self.nothing_at_home(&open)
    }

    /// Whether the merchant view has been told of all.
    pub fn outboxes_are_empty(&self) -> bool {
        self.nothing_at_home("SELECT number FROM outbox")
    }

    /// Whether the numbers that this selects are all of orders for which another database speaks.
    fn nothing_at_home(&self, numbers: &str) -> bool {
        let homes = self.homes();
        let at_home = |(place, group): (usize, &Arc<SimDatabase>)| {
            group.look(|c| texts(c, numbers)).iter().any(|number| homes.of(number) == Some(place))
        };
        !self.groups().iter().enumerate().any(at_home)
    }
}

fn is_over(order: &Order) -> bool {
    let ended = matches!(order.state, TradeState::PayError | TradeState::Revoked | TradeState::Closed);
    order.was_paid_late() || (ended && order.net_minor() == 0)
}
