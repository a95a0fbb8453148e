//! A refund asked for at this till. The till only asks: whose PIN it is, whose order, which day and how much is left are
//! the server's to decide. What is asked for has its id on the disk before the first byte leaves, so that asking again
//! after an answer that did not come, or after a restart, asks once.

use super::super::approval::may_approve;
use super::super::{At, Controller, pin};
use crate::sync::{Line, NetError, Request};
use crate::view::{
    AskRefundPage, AskedLine, AskedSaid, LockState, Notice, OrderState, RefundRefusal, RefundState,
};
use evertill_shared::cashier::{PinError, check_pin};
use evertill_shared::journal::RefundSettled;
use evertill_shared::money::Amount;
use evertill_shared::order::Parts;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::refunds::{AskRefundAtTill, RefundAnswer, RefundOrder};
use evertill_shared::protocol::till_staff::TillPerson;
use evertill_shared::refund::{RefundRefused, share_of_line};
use evertill_shared::rights::Right;
use evertill_shared::secret::SecretText;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// An answer that has not come after this will not come.
const ANSWER_WAIT: Duration = Duration::from_secs(45);

/// What was asked for and may have arrived, as it stands on the disk until an answer settles it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) request: String,
    pub(super) amount_minor: i64,
    pub(super) reason: String,
    /// How often it was sent. An answer that nothing was done is about one of these.
    #[serde(default = "more_than_once")]
    sent: u32,
    /// The server has it, and it waits for a manager in the console.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) waits: bool,
}

/// What stands on a disk of before this was counted.
const fn more_than_once() -> u32 {
    2
}

/// A refund that is being asked for.
#[derive(Debug)]
pub struct Asking {
    pub(super) sale: u64,
    from_list: bool,
    number: OrderNumber,
    pub(super) picked: Vec<u32>,
    amount_minor: i64,
    reason: String,
    /// What is asked for is settled; somebody has to approve it.
    approving: bool,
    approver: Option<String>,
    said: AskedSaid,
    /// About the last PIN: what the server said, and since when.
    pin: LockState,
    pin_since: Duration,
    /// The request that is on its way, since when, and whether it was sent before without an answer.
    sent: Option<(String, Duration)>,
    /// An earlier request may have arrived: only the same may be asked for.
    again: Option<Pending>,
}

/// By what somebody approves a refund: their PIN, or a code that they made; or by nothing, and then a manager in the console
/// is asked.
#[derive(Default)]
struct Approval {
    approver: String,
    pin: Option<SecretText>,
    code: Option<SecretText>,
    in_console: bool,
}

/// Under this and the order's number stands what was asked for, in the till's memory.
pub(super) const ASKED: &str = "refund_asked:";

fn fact_of(number: OrderNumber) -> String {
    format!("{ASKED}{number}")
}

impl Asking {
    /// Whether it is of this request, and nothing of it is on its way.
    pub(super) fn is_of(&self, request: &str) -> bool {
        self.sent.is_none() && self.again.as_ref().is_some_and(|again| again.request == request)
    }

    /// The order's page that it was opened from.
    pub(super) fn place(&self) -> (u64, bool) {
        (self.sale, self.from_list)
    }

    /// What was asked for has ended: something else may be.
    pub(super) fn is_over(&mut self, said: AskedSaid) {
        self.said = said;
        self.again = None;
        self.approving = false;
    }
}

impl Controller {
    /// How much of an order may still be asked for, as far as this till knows.
    pub(super) fn left_to_refund(&self, sale: u64) -> Option<(OrderNumber, i64)> {
        let stored = self.journal.as_ref()?.sale(sale).ok()??;
        let number = stored.record.number()?;
        if !matches!(self.order_state(&stored), OrderState::Paid | OrderState::PartlyRefunded) {
            return None;
        }
        let held = self.refunds_shown(number);
        let held = held.iter().filter(|refund| !matches!(refund.state, RefundState::Refused(_)));
        let left = stored.record.sale.total.minor - held.map(|refund| refund.amount_minor).sum::<i64>();
        (left > 0).then_some((number, left))
    }

    /// From which parts of an order that was paid in parts so much comes, as far as this till knows: shown before anybody
    /// approves it, and decided by the server by the same rule.
    fn parts_of_refund(&self, sale: u64, amount_minor: i64) -> Option<(i64, i64)> {
        let journal = self.journal.as_ref()?;
        let record = journal.sale(sale).ok()??.record;
        let cash = record.part.filter(|_| record.cash.is_none())?.amount;
        let number = record.number()?;
        let carried = journal.refunds_of(number).ok()?;
        let told = self.desk.of_order(number).into_iter();
        let told = told.filter(|item| carried.iter().all(|here| here.id != item.refund.id));
        let told = told.filter(|item| item.refund.state.holds_money());
        let told = told.map(|item| (item.paid_by.wallet().is_none(), item.refund.amount));
        let here = carried.iter().filter(|here| here.outcome != Some(RefundSettled::Refused));
        let here = here.map(|here| (here.in_cash, here.amount));
        let mut taken = Parts::none(cash.currency);
        for (in_cash, amount) in here.chain(told) {
            let part = if in_cash { &mut taken.cash } else { &mut taken.wallet };
            *part = part.checked_add(amount).ok()?;
        }
        let left = Parts { wallet: record.rest(), cash }.less(&taken);
        let from = left.refund(Amount::new(amount_minor, cash.currency))?;
        Some((from.wallet.minor, from.cash.minor))
    }

    pub(in crate::controller) fn ask_refund(&mut self) {
        let At::Order { sale, from_list } = self.at else { return };
        let again = self.pending_of(sale);
        let open = self.left_to_refund(sale).map(|(number, _)| number);
        let number = open.or_else(|| again.as_ref().and_then(|_| self.number_of(sale)));
        let Some(number) = number else { return };
        // Where nobody has a PIN that approves it, a manager's code does: that is scanned.
        if self.approvers().next().is_none() && self.options.scanner.is_none() {
            return self.tell(Notice::NobodyMayApprove);
        }
        self.notices.over();
        let lines = self.lines_of(sale).map_or(0, |lines| lines.len());
        let mut asking = Asking {
            sale,
            from_list,
            number,
            picked: vec![0; lines],
            amount_minor: 0,
            reason: String::new(),
            approving: again.is_some(),
            approver: self.likely_approver(),
            said: AskedSaid::Nothing,
            pin: LockState::EnterPin,
            pin_since: self.now.monotonic,
            sent: None,
            again: None,
        };
        if let Some(pending) = again {
            (asking.amount_minor, asking.reason) = (pending.amount_minor, pending.reason.clone());
            asking.said = if pending.waits { AskedSaid::WaitsInConsole } else { AskedSaid::NoAnswer };
            asking.again = Some(pending);
        }
        self.at = At::AskRefund(Box::new(asking));
    }

    fn number_of(&self, sale: u64) -> Option<OrderNumber> {
        self.journal.as_ref()?.sale(sale).ok()??.record.number()
    }

    pub(super) fn lines_of(&self, sale: u64) -> Option<Vec<evertill_shared::order::line::Line>> {
        Some(self.journal.as_ref()?.sale(sale).ok()??.record.sale.lines)
    }

    fn pending_of(&mut self, sale: u64) -> Option<Pending> {
        let name = fact_of(self.number_of(sale)?);
        let text = self.read(|journal| journal.fact(&name))??;
        serde_json::from_str(&text).ok()
    }

    fn approvers(&self) -> impl Iterator<Item = &TillPerson> {
        self.duty.people().iter().filter(|person| may_approve(Right::Refund, person))
    }

    /// Who serves, if they may approve; or the only one who may.
    fn likely_approver(&self) -> Option<String> {
        let serves = self.cashier().filter(|on| self.approvers().any(|person| person.login == on.login));
        let (first, second) = (self.approvers().next(), self.approvers().nth(1));
        let only = first.filter(|_| second.is_none()).map(|person| person.login.clone());
        serves.map(|on| on.login).or(only)
    }

    /// The form, while it can be changed.
    fn asking(&mut self) -> Option<&mut Asking> {
        match &mut self.at {
            At::AskRefund(asking) if asking.sent.is_none() => Some(asking),
            _ => None,
        }
    }

    /// The form, while what is asked for can be changed.
    pub(super) fn choosing(&mut self) -> Option<&mut Asking> {
        self.asking().filter(|asking| !asking.approving && asking.again.is_none())
    }

    /// One piece of a line more, or less. The amount follows.
    pub(in crate::controller) fn pick_for_refund(&mut self, line: usize, delta: i32) {
        let Some(sale) = self.choosing().map(|asking| asking.sale) else { return };
        let Some(lines) = self.lines_of(sale) else { return };
        let left = self.left_to_refund(sale).map_or(0, |(_, left)| left);
        let Some(asking) = self.choosing() else { return };
        let (Some(bought), Some(picked)) = (lines.get(line), asking.picked.get_mut(line)) else { return };
        *picked = picked.saturating_add_signed(delta).min(bought.quantity);
        let shares = lines.iter().zip(&asking.picked);
        let shares = shares.filter_map(|(line, pieces)| share_of_line(line.total, line.quantity, *pieces));
        asking.amount_minor = shares.map(|share| share.minor).sum::<i64>().min(left);
        asking.said = AskedSaid::Nothing;
    }

    pub(in crate::controller) fn refund_amount(&mut self, minor: Option<i64>) {
        let Some(sale) = self.choosing().map(|asking| asking.sale) else { return };
        let left = self.left_to_refund(sale).map_or(0, |(_, left)| left);
        let lines = self.lines_of(sale).unwrap_or_default();
        if let Some(asking) = self.choosing() {
            asking.amount_minor = minor.unwrap_or(left).max(0);
            let whole = minor.is_none();
            asking.picked = lines.iter().map(|line| if whole { line.quantity } else { 0 }).collect();
            asking.said = AskedSaid::Nothing;
        }
    }

    pub(in crate::controller) fn refund_reason(&mut self, reason: String) {
        if let Some(asking) = self.choosing() {
            asking.reason = reason;
        }
    }

    /// What is asked for stands; now somebody has to approve it.
    pub(in crate::controller) fn refund_go_on(&mut self) {
        let Some(sale) = self.choosing().map(|asking| asking.sale) else { return };
        let left = self.left_to_refund(sale).map_or(0, |(_, left)| left);
        if let Some(asking) = self.choosing()
            && (1..=left).contains(&asking.amount_minor)
            && !asking.reason.trim().is_empty()
        {
            asking.approving = true;
            asking.said = AskedSaid::Nothing;
        }
    }

    pub(in crate::controller) fn choose_approver(&mut self, login: String) {
        let known = self.approvers().any(|person| person.login == login);
        if let Some(asking) = self.asking().filter(|asking| known && asking.approving) {
            asking.approver = Some(login);
            asking.pin = LockState::EnterPin;
        }
    }

    /// The approver's PIN was typed: it goes to the server with the request, and is kept nowhere.
    pub(in crate::controller) fn approve_refund(&mut self, pin: SecretText) {
        let now = self.now.monotonic;
        let Some(asking) = self.asking().filter(|asking| asking.approving) else { return };
        let Some(approver) = asking.approver.clone() else { return };
        if check_pin(pin.expose()) == Err(PinError::NotDigits) {
            (asking.pin, asking.pin_since) = (LockState::NotAPin, now);
            return;
        }
        self.ask_for_refund(Approval { approver, pin: Some(pin), ..Approval::default() });
    }

    /// Nobody approves it here: it goes to the console. Sent again it asks how it stands there.
    pub(in crate::controller) fn refund_to_console(&mut self) {
        if self.may_wait() {
            self.ask_for_refund(Approval { in_console: true, ..Approval::default() });
        }
    }

    /// The server keeps refunds for a manager in the console.
    fn may_wait(&self) -> bool {
        self.status.as_ref().is_some_and(|status| status.refunds_in_console)
    }

    /// A manager's one-time code was scanned: the same way, and kept nowhere either. Whose it is, the server says.
    pub(in crate::controller) fn approve_refund_by_code(&mut self, code: SecretText) {
        if !self.asking().is_some_and(|asking| asking.approving) {
            return self.tell(Notice::ScanNotUsed);
        }
        self.ask_for_refund(Approval { code: Some(code), ..Approval::default() });
    }

    fn ask_for_refund(&mut self, approval: Approval) {
        let (up, now, wall) = (self.sync.line() == Line::Up, self.now.monotonic, self.now.wall);
        let (cashier, currency) = (self.cashier(), self.currency());
        let own = self.identity.as_ref().map(|identity| (identity.terminal, identity.epoch));
        let Some(asking) = self.asking().filter(|asking| asking.approving) else { return };
        let Some((terminal, epoch)) = own else { return };
        if !up {
            asking.said = AskedSaid::Offline;
            return;
        }
        let mut pending = asking.again.clone().unwrap_or_else(|| Pending {
            request: format!("{terminal}-{epoch}-{}-{}", asking.sale, wall.0),
            amount_minor: asking.amount_minor,
            reason: asking.reason.trim().to_owned(),
            sent: 0,
            waits: false,
        });
        pending.sent = pending.sent.saturating_add(1);
        if let Some(again) = &mut asking.again {
            again.sent = pending.sent;
        }
        let number = asking.number;
        let Ok(text) = serde_json::to_string(&pending) else { return };
        let Some(journal) = &mut self.journal else { return };
        // On the disk before it is asked: whoever comes after a restart asks for the same.
        if let Err(error) = journal.set_fact(&fact_of(number), Some(&text)) {
            return self.journal_failed(error);
        }
        let body = Box::new(AskRefundAtTill {
            request: pending.request.clone(),
            amount: Amount::new(pending.amount_minor, currency),
            reason: pending.reason,
            approver: approval.approver,
            pin: approval.pin.unwrap_or_else(|| SecretText::new(String::new())),
            code: approval.code,
            cashier,
            in_console: approval.in_console,
        });
        if let Some(asking) = self.asking() {
            asking.sent = Some((pending.request.clone(), now));
            asking.said = AskedSaid::Nothing;
            (asking.pin, asking.pin_since) = (LockState::EnterPin, now);
        }
        self.send(Request::AskRefund { number, request: pending.request, body });
    }

    pub(in crate::controller) fn on_refund_answer(
        &mut self,
        number: OrderNumber,
        request: &str,
        result: Result<RefundAnswer, NetError>,
    ) {
        match result {
            Ok(RefundAnswer::Reserved { order, cash }) if order.refund.order == number => {
                self.settle_asked(number, request);
                let cash = cash.filter(|cash| cash.refund.order == number);
                self.refund_reserved(
                    request,
                    std::iter::once(*order).chain(cash.map(|cash| *cash)).collect(),
                );
            }
            Ok(RefundAnswer::Reserved { .. }) => {
                tracing::error!(%number, "the server spoke of another order")
            }
            Ok(RefundAnswer::Refused { why }) => {
                // A manager might have approved it in time, had one looked.
                let expired = matches!(why, RefundRefused::AnotherDay { .. }) && self.waited(number, request);
                self.settle_asked(number, request);
                let said = match expired {
                    true => AskedSaid::Expired,
                    false => AskedSaid::Refused(super::super::refund::refusal(&why)),
                };
                self.asked_said(request, said, Some(why));
            }
            Ok(RefundAnswer::WrongPin { tries_left }) => {
                self.pin_said(number, request, LockState::Wrong { tries_left })
            }
            Ok(RefundAnswer::Wait { seconds }) => self.pin_said(number, request, LockState::Wait { seconds }),
            // Somebody else has approved it under this id: it waits in the inbox.
            Ok(RefundAnswer::AskedBefore) => {
                self.settle_asked(number, request);
                self.asked_said(request, AskedSaid::AskedBefore, None);
            }
            Ok(RefundAnswer::NotApprover) => {
                self.nothing_done(number, request);
                self.asked_said(request, AskedSaid::NotApprover, None);
            }
            Ok(RefundAnswer::CodeRefused { why }) => {
                self.nothing_done(number, request);
                self.asked_said(request, AskedSaid::CodeRefused(why), None);
            }
            Ok(RefundAnswer::WaitsInConsole) => self.waits_in_console(number, request),
            Ok(RefundAnswer::RefusedInConsole { by }) => {
                self.settle_asked(number, request);
                self.asked_said(request, AskedSaid::RefusedInConsole(by), None);
                self.may_ask_for_another(number);
            }
            Ok(RefundAnswer::NotKnownHere) => {
                tracing::error!(%number, "the server's answer about a refund is newer than this program");
                self.asked_in_doubt(request);
            }
            Err(error) => self.no_refund_answer(number, request, &error),
        }
    }

    /// It stays on the disk: whoever opens the form again sees that it waits, and asks how it stands.
    pub(super) fn waits_in_console(&mut self, number: OrderNumber, request: &str) {
        let name = fact_of(number);
        let Some(pending) = self.asked_before(number, request) else { return };
        let waits = Pending { waits: true, ..pending };
        let Ok(text) = serde_json::to_string(&waits) else { return };
        if let Some(journal) = &mut self.journal
            && let Err(error) = journal.set_fact(&name, Some(&text))
        {
            return self.journal_failed(error);
        }
        let form = match self.is_asked_here(request) {
            true => self.answered(request),
            false => self.form_of(request),
        };
        if let Some(asking) = form {
            asking.said = AskedSaid::WaitsInConsole;
            asking.again = Some(waits);
        }
    }

    /// What stands on the disk of this request.
    fn asked_before(&mut self, number: OrderNumber, request: &str) -> Option<Pending> {
        let text = self.read(|journal| journal.fact(&fact_of(number)))??;
        serde_json::from_str(&text).ok().filter(|pending: &Pending| pending.request == request)
    }

    fn waited(&mut self, number: OrderNumber, request: &str) -> bool {
        self.asked_before(number, request).is_some_and(|pending| pending.waits)
    }

    /// It is decided: the form that is open, if it is of this order, may ask for something else.
    fn may_ask_for_another(&mut self, number: OrderNumber) {
        if let At::AskRefund(asking) = &mut self.at
            && asking.number == number
        {
            asking.again = None;
            asking.approving = false;
        }
    }

    fn no_refund_answer(&mut self, number: OrderNumber, request: &str, error: &NetError) {
        tracing::info!(%number, %error, "no answer to a refund that was asked for");
        match error.code() {
            Some(code) if !code.is_later() => {
                self.nothing_done(number, request);
                self.asked_said(
                    request,
                    AskedSaid::Refused(RefundRefusal::Other { code: code.word() }),
                    None,
                );
            }
            // It surely never left, so it is as if it had not been asked for, unless it was before.
            None if matches!(error, NetError::NotSent(_)) => {
                self.nothing_done(number, request);
                self.asked_said(request, AskedSaid::Offline, None);
            }
            _ => self.asked_in_doubt(request),
        }
    }

    /// The server has decided about this request: nothing of it is open any more.
    pub(super) fn settle_asked(&mut self, number: OrderNumber, request: &str) {
        if self.asked_before(number, request).is_some()
            && let Some(journal) = &mut self.journal
            && let Err(error) = journal.set_fact(&fact_of(number), None)
        {
            self.journal_failed(error);
        }
    }

    /// One sending of this request did nothing. If it was the only one, nothing of the request is open any more,
    /// whichever page is on screen by now.
    fn nothing_done(&mut self, number: OrderNumber, request: &str) {
        if self.asked_before(number, request).is_none_or(|pending| pending.sent > 1) {
            return;
        }
        self.settle_asked(number, request);
        // The form may have been opened again meanwhile, and anything can be asked for then.
        if let At::AskRefund(asking) = &mut self.at
            && asking.again.as_ref().is_some_and(|again| again.request == request)
        {
            asking.again = None;
            asking.said = AskedSaid::Nothing;
        }
    }

    /// It is reserved. Whoever has just approved it stands here: it is carried out at once; otherwise it waits in the
    /// inbox like one that was asked for in the console. What was asked for again may be reserved since long, and its
    /// customer gone: somebody says yes first.
    ///
    /// Of an order that was paid in parts there may be two: to the wallet, and in cash.
    fn refund_reserved(&mut self, request: &str, orders: Vec<RefundOrder>) {
        let ids: Vec<String> = orders.iter().map(|order| order.refund.id.0.clone()).collect();
        self.learn_refunds(orders);
        if self.is_asked_here(request) && !self.duty.is_locked() {
            let again = matches!(&self.at, At::AskRefund(asking) if asking.again.is_some());
            self.notices.over();
            self.at = At::Refunds;
            match ids.into_iter().next() {
                // The other one waits in the list, to be begun there.
                Some(first) if again => self.ask_carry_out(first),
                first => first.into_iter().for_each(|id| self.carry_out(&id)),
            }
        } else {
            let waiting = ids.iter().filter(|id| self.waits_here(id)).count();
            if waiting > 0 {
                self.tell(Notice::RefundsArrived { count: u32::try_from(waiting).unwrap_or(u32::MAX) });
            }
        }
    }

    pub(super) fn is_asked_here(&self, request: &str) -> bool {
        matches!(&self.at, At::AskRefund(asking) if asking.sent.as_ref().is_some_and(|(sent, _)| sent == request))
    }

    /// The form whose request was answered.
    fn answered(&mut self, request: &str) -> Option<&mut Asking> {
        if !self.is_asked_here(request) {
            return None;
        }
        let At::AskRefund(asking) = &mut self.at else { return None };
        asking.sent = None;
        Some(asking)
    }

    fn asked_said(&mut self, request: &str, said: AskedSaid, why: Option<RefundRefused>) {
        let Some(asking) = self.answered(request) else { return };
        asking.said = said;
        if why.is_some() {
            // Decided: something else may be asked for.
            asking.again = None;
            asking.approving = false;
        }
    }

    fn pin_said(&mut self, number: OrderNumber, request: &str, state: LockState) {
        self.nothing_done(number, request);
        let now = self.now.monotonic;
        if let Some(asking) = self.answered(request) {
            (asking.pin, asking.pin_since) = (state, now);
        }
    }

    fn asked_in_doubt(&mut self, request: &str) {
        let Some(sale) = self.answered(request).map(|asking| asking.sale) else { return };
        let pending = self.pending_of(sale);
        if let At::AskRefund(asking) = &mut self.at {
            asking.said = AskedSaid::NoAnswer;
            asking.again = pending;
        }
    }

    /// A request that nobody answered is in doubt.
    pub(in crate::controller) fn run_asking(&mut self) {
        let now = self.now.monotonic;
        let At::AskRefund(asking) = &self.at else { return };
        if let Some((request, _)) = asking.sent.clone().filter(|(_, since)| now >= *since + ANSWER_WAIT) {
            self.asked_in_doubt(&request);
        }
    }

    /// One step back: from the approval to the form, from the form to the order.
    pub(in crate::controller) fn asking_back(&mut self) {
        let At::AskRefund(asking) = &mut self.at else { return };
        if asking.approving && asking.again.is_none() && asking.sent.is_none() {
            asking.approving = false;
            asking.said = AskedSaid::Nothing;
            return;
        }
        let (sale, from_list) = (asking.sale, asking.from_list);
        self.at = At::Order { sale, from_list };
        self.notices.over();
    }

    pub(in crate::controller) fn ask_refund_page(&self, asking: &Asking) -> AskRefundPage {
        let lines = self.lines_of(asking.sale).unwrap_or_default();
        let left = self.left_to_refund(asking.sale).map_or(0, |(_, left)| left);
        let line = |(line, picked): (evertill_shared::order::line::Line, &u32)| AskedLine {
            name: line.name,
            serial: line.serial,
            quantity: line.quantity,
            picked: *picked,
            total_minor: line.total.minor,
        };
        AskRefundPage {
            order_number: asking.number.grouped(),
            lines: lines.into_iter().zip(&asking.picked).map(line).collect(),
            left_minor: left,
            amount_minor: asking.amount_minor,
            parts_minor: self.parts_of_refund(asking.sale, asking.amount_minor),
            reason: asking.reason.clone(),
            approving: asking.approving,
            may_wait: self.may_wait(),
            ready: (1..=left).contains(&asking.amount_minor) && !asking.reason.trim().is_empty(),
            people: self.approvers().map(pin::shown).collect(),
            chosen: asking.approver.clone(),
            pin: self.asking_pin(asking),
            said: asking.said.clone(),
        }
    }

    fn asking_pin(&self, asking: &Asking) -> LockState {
        if asking.sent.is_some() {
            return LockState::Checking;
        }
        if asking.approver.is_none() {
            return if self.approvers().next().is_none() {
                LockState::CodeOnly
            } else {
                LockState::ChoosePerson
            };
        }
        match asking.pin {
            LockState::Wait { seconds } => {
                let gone = self.now.monotonic.saturating_sub(asking.pin_since).as_secs();
                match seconds.saturating_sub(gone) {
                    0 => LockState::EnterPin,
                    seconds => LockState::Wait { seconds },
                }
            }
            state => state,
        }
    }
}
