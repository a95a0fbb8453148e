//! Refunds of this till that wait for a manager in the console. With each answer about the till the server says which of them
//! wait still. About one that does not any more it is asked, under the same name, what came of it, as the cashier would ask; and
//! the cashier is told, wherever they are. What waits stands on the disk, so a till that was off, or without a line, or over the
//! end of the day, learns it as soon as it is back.

use super::super::refund::refusal;
use super::super::{At, Controller};
use super::ask::{ASKED, Asking, Pending};
use crate::sync::{NetError, Request};
use crate::view::{AskedSaid, Notice};
use evertill_shared::money::Amount;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::refunds::{AskRefundAtTill, RefundAnswer, RefundOrder};
use evertill_shared::refund::RefundRefused;
use evertill_shared::secret::SecretText;
use std::time::Duration;

/// About one of which nothing definite was heard it is asked again so soon, and not sooner.
const AGAIN: Duration = Duration::from_secs(15);

impl Controller {
    /// The server has said which wait still.
    pub(in crate::controller) fn look_at_waiting(&mut self) {
        let Some(status) = self.status.as_ref().filter(|status| status.state.may_move_money()) else {
            return;
        };
        let Some(still) = status.refund_requests.clone().filter(|_| self.faults.is_empty()) else { return };
        let pending = self.all_asked();
        let now = self.now.monotonic;
        self.orders.learning.retain(|(request, asked)| {
            now < *asked + AGAIN && pending.iter().any(|(_, pending)| pending.request == *request)
        });
        let mut next = None;
        for (number, pending) in pending {
            // What is on its way from the form has an answer of its own.
            if self.is_asked_here(&pending.request) {
                continue;
            }
            if still.contains(&pending.request) {
                // The answer that said so was lost.
                if !pending.waits {
                    self.waits_in_console(number, &pending.request);
                }
            } else if pending.waits && !self.is_learning(&pending.request) {
                next = next.or(Some((number, pending)));
            }
        }
        // One at a time: the next with the next answer about the till.
        if let Some((number, pending)) = next {
            self.ask_what_came(number, pending);
        }
    }

    /// What was asked for and is not settled.
    fn all_asked(&mut self) -> Vec<(OrderNumber, Pending)> {
        let facts = self.read(|journal| journal.facts(ASKED)).unwrap_or_default();
        let one = |(name, text): (String, String)| {
            let number: OrderNumber = name.strip_prefix(ASKED)?.parse().ok()?;
            let pending: Pending = serde_json::from_str(&text).ok()?;
            Some((number, pending))
        };
        facts.into_iter().filter_map(one).collect()
    }

    fn is_learning(&self, request: &str) -> bool {
        self.orders.learning.iter().any(|(name, _)| name == request)
    }

    fn ask_what_came(&mut self, number: OrderNumber, pending: Pending) {
        self.orders.learning.push((pending.request.clone(), self.now.monotonic));
        let body = Box::new(AskRefundAtTill {
            request: pending.request.clone(),
            amount: Amount::new(pending.amount_minor, self.currency()),
            reason: pending.reason,
            approver: String::new(),
            pin: SecretText::new(String::new()),
            code: None,
            cashier: self.cashier(),
            in_console: true,
        });
        self.send(Request::AskWaiting { number, request: pending.request, body });
    }

    /// What came of one that waited.
    pub(in crate::controller) fn on_waiting_answer(
        &mut self,
        number: OrderNumber,
        request: &str,
        result: Result<RefundAnswer, NetError>,
    ) {
        // Whoever asks for it at the form just now is answered there; and what is settled is told once.
        if self.is_asked_here(request) || !self.all_asked().iter().any(|(_, asked)| asked.request == request)
        {
            return;
        }
        let order_number = number.to_string();
        match result {
            Ok(RefundAnswer::Reserved { order, cash }) if order.refund.order == number => {
                let cash = cash.filter(|cash| cash.refund.order == number);
                self.learnt_approved(
                    number,
                    request,
                    std::iter::once(*order).chain(cash.map(|cash| *cash)).collect(),
                );
            }
            Ok(RefundAnswer::RefusedInConsole { by }) => {
                let notice = Notice::RefundRefusedInConsole { order_number, by: by.clone() };
                self.learnt_over(number, request, AskedSaid::RefusedInConsole(by), Some(notice));
            }
            Ok(RefundAnswer::Refused { why: RefundRefused::AnotherDay { .. } }) => {
                self.learnt_over(
                    number,
                    request,
                    AskedSaid::Expired,
                    Some(Notice::RefundExpired { order_number }),
                );
            }
            Ok(RefundAnswer::Refused { why }) => {
                let said = AskedSaid::Refused(refusal(&why));
                self.learnt_over(number, request, said, Some(Notice::RefundForbidden { order_number }));
            }
            // Approved here, and the answer was lost: it waits in the inbox, which tells of it.
            Ok(RefundAnswer::AskedBefore) => {
                self.learnt_over(number, request, AskedSaid::AskedBefore, None);
            }
            Ok(RefundAnswer::WaitsInConsole) => {}
            Ok(answer) => {
                tracing::error!(%number, ?answer, "no answer to how a refund stands in the console")
            }
            Err(error) => {
                tracing::info!(%number, %error, "not known what came of a refund in the console; it is asked again");
            }
        }
    }

    /// It waits under "Refunds" now. Nobody who stood before the form is taken anywhere but a step back: what is under their
    /// finger must not begin to pay out.
    fn learnt_approved(&mut self, number: OrderNumber, request: &str, orders: Vec<RefundOrder>) {
        self.settle_asked(number, request);
        let ids: Vec<String> = orders.iter().map(|order| order.refund.id.0.clone()).collect();
        let by = orders.first().map(|order| order.refund.requested_by.clone()).unwrap_or_default();
        self.learn_refunds(orders);
        if let Some((sale, from_list)) = self.form_of(request).map(|form| form.place()) {
            self.at = At::Order { sale, from_list };
        }
        // Somebody may have found it in the inbox before, and have carried it out.
        if ids.iter().any(|id| self.waits_here(id)) {
            self.tell(Notice::RefundApproved { order_number: number.to_string(), by });
        }
    }

    /// It has ended without money. The form of it that is open says so itself; elsewhere a notice does.
    fn learnt_over(&mut self, number: OrderNumber, request: &str, said: AskedSaid, notice: Option<Notice>) {
        self.settle_asked(number, request);
        match self.form_of(request) {
            Some(form) => form.is_over(said),
            None => notice.into_iter().for_each(|notice| self.tell(notice)),
        }
    }

    /// The form that is open of this very request, while nothing of it is on its way.
    pub(super) fn form_of(&mut self, request: &str) -> Option<&mut Asking> {
        match &mut self.at {
            At::AskRefund(form) if form.is_of(request) => Some(form),
            _ => None,
        }
    }
}
