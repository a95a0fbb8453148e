//! Payments that are under way: each is watched until its end is surely known (rule *known-or-unknown*). No second
//! attempt begins before that, and the journal would not take one.

use super::hold::Kept;
use super::question::Yes;
use super::{At, Controller};
use crate::sync::{NetError, PaymentQuestion, Request};
use crate::view::{Confirm, Notice, PaymentState as Shown, ReceiptState};
use evertill_shared::id::{Attempt, ChannelNumber, SaleKey};
use evertill_shared::journal::{Body, Settled};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::payment::{DeclineReason, PaymentState};
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::orders::{PaymentView, ShowCode, StartPayment, TakeBack};
use evertill_shared::secret::AuthCode;
use evertill_shared::wallet::Wallet;
use std::time::Duration;

/// A payment code lives about a minute on the customer's phone; after that it must not be sent any more.
pub(super) const CODE_LIVES: Duration = Duration::from_secs(55);
/// A code for which no number could be had is given up after this: the customer stands there.
const NUMBER_WAIT: Duration = Duration::from_secs(15);
/// How often the server is asked how an attempt stands.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// How often after a while, when the customer has been set aside.
const ASK_LATER: Duration = Duration::from_secs(5);
/// The charge itself may take so long before the server is asked besides.
const PAY_WAIT: Duration = Duration::from_secs(2);
/// So long after a sale was closed for payment its customer may still stand there, in milliseconds.
const STILL_THERE_MS: i64 = 10 * 60 * 1000;
/// After this a question that has no answer counts as lost.
const QUESTION_LOST: Duration = Duration::from_secs(30);

/// A payment code in hand, or the wish to show one, before the order has a number.
#[derive(Debug)]
pub struct HeldCode {
    /// The customer's; none if the till is to show one.
    code: Option<AuthCode>,
    pub wallet: Wallet,
    scanned_at: Duration,
    pub give_up_at: Duration,
}

impl HeldCode {
    pub fn new(code: AuthCode, wallet: Wallet, now: Duration) -> Self {
        Self { code: Some(code), wallet, scanned_at: now, give_up_at: now + NUMBER_WAIT }
    }

    pub fn to_show(wallet: Wallet, now: Duration) -> Self {
        Self { code: None, wallet, scanned_at: now, give_up_at: now + NUMBER_WAIT }
    }

    pub fn is_to_show(&self) -> bool {
        self.code.is_none()
    }
}

/// One attempt, watched until it ends.
#[derive(Debug)]
pub struct Watch {
    pub sale: u64,
    pub attempt: Attempt,
    pub number: OrderNumber,
    pub wallet: Wallet,
    pub total_minor: i64,
    /// The code, as long as it may be sent again.
    code: Option<(AuthCode, Duration)>,
    /// The till is to show a code, and may ask for it again.
    may_ask_for_code: bool,
    begun: Duration,
    /// When the charge was sent, while its answer is out.
    paying: Option<Duration>,
    asked: Option<Duration>,
    ask_at: Duration,
    /// The server's last word, and when it came.
    pub view: Option<(PaymentView, Duration)>,
    /// Since when the server's or the wallet's word is missing.
    unknown_since: Option<Duration>,
    pub trouble: Option<Trouble>,
    pub taking_back: bool,
    pub set_aside: bool,
}

/// Why the server's word is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    NoServer,
    NoGroup,
}

impl Watch {
    fn due(&self, now: Duration) -> bool {
        let lost = |sent: Duration, after: Duration| now >= sent + after;
        self.asked.is_none_or(|sent| lost(sent, QUESTION_LOST))
            && self.paying.is_none_or(|sent| lost(sent, PAY_WAIT))
            && now >= self.ask_at
    }

    fn code_lives(&self, now: Duration) -> bool {
        let since = self.code.as_ref().map(|(_, scanned)| *scanned);
        let since = since.or(self.may_ask_for_code.then_some(self.begun));
        since.is_some_and(|since| now < since + CODE_LIVES)
    }

    /// Nothing can be sent again that could begin the attempt.
    fn forget_code(&mut self) {
        self.code = None;
        self.may_ask_for_code = false;
    }

    /// The attempt is to be paid by a code that the till shows.
    pub fn is_shown(&self) -> bool {
        self.may_ask_for_code || self.view.as_ref().is_some_and(|(view, _)| view.shown.is_some())
    }

    /// Since when the code that was shown is over, by the server's last word; nothing while somebody can pay by it.
    pub fn code_over_since(&self, now: Duration) -> Option<Duration> {
        let (view, at) = self.view.as_ref()?;
        let over = *at + view.shown.as_ref()?.until.since(view.server_time);
        (now >= over).then_some(over)
    }

    /// Since when nobody knows: since a word did not come, or since the code is over and the wallet has not said whether
    /// somebody paid by it.
    pub fn in_doubt_since(&self, now: Duration) -> Option<Duration> {
        self.unknown_since.or_else(|| self.code_over_since(now))
    }

    fn doubt(&mut self, now: Duration) {
        self.unknown_since.get_or_insert(now);
    }
}

impl Controller {
    /// Begins an attempt, if there is a code in hand and the sale has its number.
    pub(super) fn pay_with_held_code(&mut self, sale: u64) {
        if self.frozen != Some(sale) || !matches!(self.at, At::AwaitCode { held: Some(_) }) {
            return;
        }
        let Some(Some(stored)) = self.read(|journal| journal.sale(sale)) else { return };
        let (Some(number), Some(attempt)) = (stored.record.number(), stored.record.next_attempt()) else {
            return;
        };
        let Some(identity) = &self.identity else { return };
        let key = SaleKey { terminal: identity.terminal, epoch: identity.epoch, sequence: sale };
        let channel_number = ChannelNumber::new(identity.store.id, key, attempt);
        let At::AwaitCode { held: Some(held) } = std::mem::replace(&mut self.at, At::Payment { sale }) else {
            return;
        };
        let (amount, wallet) = (stored.record.rest(), held.wallet);
        let body = match stored.record.part.map(|part| part.amount) {
            None => Body::PaymentRequested { sale, number, attempt, wallet, channel_number, amount },
            Some(cash) => Body::RestRequested { sale, number, attempt, wallet, channel_number, amount, cash },
        };
        if self.write(&body).is_none() {
            self.at = At::AwaitCode { held: None };
            return;
        }
        let mut watch = self.watch_of(sale, attempt, number, held.wallet, amount.minor);
        watch.may_ask_for_code = held.is_to_show();
        self.tried.begin(held.code.as_ref().map(AuthCode::expose), self.now.monotonic);
        watch.code = held.code.map(|code| (code, held.scanned_at));
        self.watches.push(watch);
        self.send_pay(sale);
    }

    fn watch_of(
        &self,
        sale: u64,
        attempt: Attempt,
        number: OrderNumber,
        wallet: Wallet,
        total_minor: i64,
    ) -> Watch {
        Watch {
            sale,
            attempt,
            number,
            wallet,
            total_minor,
            code: None,
            may_ask_for_code: false,
            begun: self.now.monotonic,
            paying: None,
            asked: None,
            ask_at: self.now.monotonic,
            view: None,
            unknown_since: None,
            trouble: None,
            taking_back: false,
            set_aside: false,
        }
    }

    /// After a start: what was under way is watched again. What was in hand comes back into hand, and if that is not
    /// known the newest sale; other unpaid ones are given up. The codes are gone with the memory that held them.
    ///
    /// A sale with a part in the drawer comes back only if it is known to have been in hand: it cannot be left again, and
    /// its customer may have been gone for days.
    pub(super) fn resume(&mut self) {
        let Some(open) = self.read(|journal| journal.open_sales()) else { return };
        let newest = open.last().map(|record| record.sequence);
        let may_be_in_hand = open.last().filter(|record| record.part.is_none()).map(|record| record.sequence);
        let (loose, closed) = match self.kept_cart() {
            Kept::Nothing => (None, may_be_in_hand),
            Kept::Loose(cart) => (Some(*cart), None),
            Kept::Closed(sale) if open.iter().any(|record| record.sequence == sale) => (None, Some(sale)),
            Kept::Closed(_) => (None, may_be_in_hand),
        };
        // The drawer was to open for it before the program ended.
        let mut opened_for = None;
        for record in open {
            let in_hand = Some(record.sequence) == closed;
            let sale = record.sequence;
            if let (Some(attempt), Some(number)) = (record.unsettled(), record.number()) {
                let total = record.rest().minor;
                let mut watch = self.watch_of(sale, attempt.attempt, number, attempt.wallet, total);
                watch.doubt(self.now.monotonic);
                watch.set_aside = !in_hand;
                self.watches.push(watch);
                if in_hand {
                    self.at = At::Payment { sale };
                }
            } else if !in_hand {
                if let Some(back) = record.part_back {
                    self.tell_to_hand_back(sale, back.minor);
                    opened_for.get_or_insert(sale);
                }
                self.give_up_aside(sale);
            } else if record.part.is_some() {
                self.at = At::Cash { given_minor: 0 };
            } else if let Some(back) = record.part_back {
                // It may have ended before anybody had read that.
                self.tell_to_hand_back(sale, back.minor);
            }
            if in_hand {
                if matches!(record.attempts.last(), Some(last) if last.outcome == Some(Settled::Reversed)) {
                    self.tried.take_back();
                }
                self.cart = super::Cart::of(&record.sale);
                self.frozen = Some(sale);
                if record.part.is_some() || record.part_back.is_some() {
                    opened_for = Some(sale);
                }
            }
        }
        if let Some(sale) = opened_for {
            self.resume_drawer(sale);
        }
        if let Some(cart) = loose {
            self.cart = cart;
        } else if newest.is_none() {
            self.show_end_of_last_sale();
        }
    }

    /// The program may have ended after the journal had "paid" and before the screen did: the customer still stands
    /// there. What has no printed receipt is shown again; nothing is printed and no drawer opens by itself.
    fn show_end_of_last_sale(&mut self) {
        let Some(Some(last)) = self.read(|journal| Ok(journal.recent_sales(1)?.into_iter().next())) else {
            return;
        };
        let recent = self.now.wall.0 - last.record.sale.at.0 < STILL_THERE_MS;
        let sale = last.record.sequence;
        if last.record.is_paid() && recent && self.receipt_state(sale) != ReceiptState::Printed {
            self.at = At::Done { sale };
        }
    }

    fn watch(&mut self, sale: u64) -> Option<&mut Watch> {
        self.watches.iter_mut().find(|watch| watch.sale == sale)
    }

    /// Sends the charge or the request for a code, or sends it again unchanged: the server knows the attempt by its
    /// number.
    fn send_pay(&mut self, sale: u64) {
        let now = self.now.monotonic;
        let Some(watch) = self.watches.iter().find(|watch| watch.sale == sale) else { return };
        let (attempt, number) = (watch.attempt, watch.number);
        let (code, to_show) = (watch.code.as_ref().map(|(code, _)| code.clone()), watch.may_ask_for_code);
        let Some(entries) = self.entries_of(sale, attempt) else { return };
        let TakeBack { sale: entry, adopted, requested, cash_part } = entries;
        let request = match code {
            Some(auth_code) => {
                let body = Box::new(StartPayment { sale: entry, adopted, requested, cash_part, auth_code });
                Request::Pay { sale, attempt, number, body }
            }
            None if to_show => {
                let body = Box::new(ShowCode { sale: entry, adopted, requested, cash_part });
                Request::ShowCode { sale, attempt, number, body }
            }
            None => return,
        };
        if let Some(watch) = self.watch(sale) {
            watch.paying = Some(now);
            watch.ask_at = now + PAY_WAIT;
        }
        self.send(request);
    }

    fn entries_of(&mut self, sale: u64, attempt: Attempt) -> Option<TakeBack> {
        self.read(|journal| {
            let Some(stored) = journal.sale(sale)? else { return Ok(None) };
            let requested = stored.record.attempts.iter().find(|a| a.attempt == attempt);
            let (Some(adopted), Some(requested)) = (stored.record.adopted, requested) else {
                return Ok(None);
            };
            let part = stored.record.part_under(requested.entry);
            Ok(Some(TakeBack {
                sale: journal.entry(sale)?,
                adopted: journal.entry(adopted.entry)?,
                requested: journal.entry(requested.entry)?,
                cash_part: part.map(|entry| journal.entry(entry)).transpose()?,
            }))
        })?
    }

    pub(super) fn run_watches(&mut self) {
        let now = self.now.monotonic;
        let mut requests = Vec::new();
        for watch in &mut self.watches {
            if !watch.code_lives(now) {
                watch.forget_code();
            }
            if watch.paying.is_some_and(|sent| now >= sent + PAY_WAIT) && watch.view.is_none() {
                watch.doubt(now);
            }
            if watch.due(now) {
                watch.asked = Some(now);
                let (sale, attempt, number) = (watch.sale, watch.attempt, watch.number);
                requests.push(Request::AskPayment { sale, attempt, number });
            }
        }
        for request in requests {
            self.send(request);
        }
    }

    pub(super) fn on_payment(
        &mut self,
        sale: u64,
        attempt: Attempt,
        question: PaymentQuestion,
        result: Result<PaymentView, NetError>,
    ) {
        let now = self.now.monotonic;
        let Some(watch) = self.watch(sale).filter(|watch| watch.attempt == attempt) else { return };
        match question {
            PaymentQuestion::Pay => watch.paying = None,
            PaymentQuestion::Ask | PaymentQuestion::TakeBack => watch.asked = None,
        }
        let late = watch.set_aside && now >= watch.begun + Duration::from_secs(60);
        watch.ask_at = now + if late { ASK_LATER } else { ASK_EVERY };
        match result {
            Ok(view) if view.attempt == attempt => self.on_view(sale, view),
            Ok(_) => tracing::error!(sale, attempt, "the server spoke of another attempt"),
            Err(error) => self.on_no_view(sale, question, &error),
        }
    }

    fn on_view(&mut self, sale: u64, view: PaymentView) {
        let now = self.now.monotonic;
        let Some(watch) = self.watch(sale) else { return };
        watch.trouble = None;
        watch.taking_back |= view.state == PaymentState::Reversing;
        match view.state {
            PaymentState::Unknown | PaymentState::Reversing => watch.doubt(now),
            // Said before the server heard that it is to be taken back.
            PaymentState::Sent | PaymentState::Waiting if watch.taking_back => {}
            PaymentState::Sent | PaymentState::Waiting => watch.unknown_since = None,
            PaymentState::Paid | PaymentState::Declined | PaymentState::Reversed => {}
        }
        let (state, reason, transaction) = (view.state, view.reason, view.transaction.clone());
        watch.view = Some((view, now));
        match state {
            PaymentState::Paid => {
                self.settle(sale, Settled::Paid { transaction: transaction.unwrap_or_default() });
            }
            PaymentState::Declined => {
                let reason = reason.unwrap_or(DeclineReason::PaymentFailed);
                self.settle(sale, Settled::Declined { reason });
            }
            PaymentState::Reversed => self.settle(sale, Settled::Reversed),
            _ => {}
        }
    }

    /// No word about the attempt. Whatever the reason, it is unknown, never failed.
    fn on_no_view(&mut self, sale: u64, question: PaymentQuestion, error: &NetError) {
        let now = self.now.monotonic;
        let Some(watch) = self.watch(sale) else { return };
        watch.doubt(now);
        watch.trouble = match error.code() {
            None => Some(Trouble::NoServer),
            Some(ErrorCode::GroupUnavailable | ErrorCode::OutcomeUnknown) => Some(Trouble::NoGroup),
            Some(_) => None,
        };
        let unheard_of = error.code() == Some(ErrorCode::NotFound) && question == PaymentQuestion::Ask;
        if !unheard_of || watch.paying.is_some() {
            return;
        }
        // The server has never heard of it. While the code lives the same request is sent again; after that the
        // number is made sure to be dead before another is used.
        if watch.code_lives(now) && !watch.taking_back {
            self.send_pay(sale);
        } else {
            self.send_take_back(sale);
        }
    }

    pub(super) fn take_back_shown(&mut self) {
        let At::Payment { sale } = self.at else { return };
        if self.watch(sale).is_some_and(|watch| !watch.taking_back && watch.paying.is_none()) {
            self.send_take_back(sale);
        }
    }

    fn send_take_back(&mut self, sale: u64) {
        let now = self.now.monotonic;
        let Some(watch) = self.watch(sale) else { return };
        watch.taking_back = true;
        // What is being taken back must not be begun again.
        watch.forget_code();
        watch.asked = Some(now);
        watch.doubt(now);
        let (attempt, number) = (watch.attempt, watch.number);
        let Some(entries) = self.entries_of(sale, attempt) else { return };
        self.send(Request::TakeBack { sale, attempt, number, body: Box::new(entries) });
    }

    /// The end is surely known: into the journal first, then onto the screen.
    fn settle(&mut self, sale: u64, outcome: Settled) {
        let Some(attempt) = self.watch(sale).map(|watch| watch.attempt) else { return };
        if self.write(&Body::PaymentSettled { sale, attempt, outcome: outcome.clone() }).is_none() {
            return;
        }
        let Some(index) = self.watches.iter().position(|watch| watch.sale == sale) else { return };
        let watch = self.watches.remove(index);
        if watch.set_aside {
            return self.settle_aside(&watch, &outcome);
        }
        if watch.taking_back || outcome == Settled::Reversed {
            self.tried.take_back();
        }
        let state = match outcome {
            Settled::Paid { .. } => return self.finish(sale),
            Settled::Declined { reason } => Shown::Declined(super::screen::decline_reason(reason)),
            Settled::Reversed => Shown::Reversed,
        };
        self.at = At::Ended { wallet: Some(watch.wallet), state };
    }

    /// An earlier customer's payment has ended while another is being served.
    fn settle_aside(&mut self, watch: &Watch, outcome: &Settled) {
        let order_number = watch.number.to_string();
        if matches!(outcome, Settled::Paid { .. }) {
            self.tell(Notice::EarlierPaymentPaid { order_number });
            return self.print_sale(watch.sale);
        }
        // That customer's goods are not in hand any more.
        self.give_up_aside(watch.sale);
        self.tell(Notice::EarlierPaymentReversed { order_number });
    }

    pub(super) fn ask_set_aside(&mut self) {
        let At::Payment { sale } = self.at else { return };
        let now = self.now.monotonic;
        let Some(watch) = self.watch(sale).filter(|watch| watch.in_doubt_since(now).is_some()) else {
            return;
        };
        let shown = Confirm::SetAside { total_minor: watch.total_minor };
        self.ask(shown, Yes::SetAside { sale });
    }

    pub(super) fn set_aside(&mut self, sale: u64) {
        // It may have ended while the question was on screen.
        let Some(watch) = self.watch(sale) else { return };
        watch.set_aside = true;
        self.clear_sale();
        self.at = At::Sale;
    }
}
