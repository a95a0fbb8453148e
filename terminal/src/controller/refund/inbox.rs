//! What the server tells of refunds at this till: the whole list of those that wait or are under way, or single ones in other
//! answers. Only the list says what is no more.

use super::{Controller, RefundDesk};
use evertill_shared::id::RefundId;
use evertill_shared::protocol::refunds::{RefundInbox, RefundOrder};
use evertill_shared::refund::RefundState;

impl RefundDesk {
    /// Something is shown as waiting. Only another list says that it was withdrawn, or that its day is over.
    pub(in crate::controller) fn has_waiting(&self) -> bool {
        self.items.iter().any(|item| item.refund.state == RefundState::Reserved)
    }

    fn take_in(&mut self, orders: Vec<RefundOrder>) {
        for order in orders {
            match self.items.iter_mut().find(|item| item.refund.id == order.refund.id) {
                Some(item) => *item = order,
                None => self.items.push(order),
            }
        }
        self.items.sort_by_key(|item| std::cmp::Reverse(item.refund.requested_at));
    }
}

impl Controller {
    /// The whole list. What it does not name is over, unless a group could not be asked.
    pub(in crate::controller) fn on_inbox(&mut self, inbox: RefundInbox) {
        if inbox.groups_unreachable == 0 {
            self.forget_refunds_but(&inbox.refunds);
        }
        self.desk.take_in(inbox.refunds);
    }

    /// Single refunds, in an answer about something else: it says nothing of others.
    pub(in crate::controller) fn learn_refunds(&mut self, orders: Vec<RefundOrder>) {
        self.desk.learnt.extend(orders.iter().map(|order| order.refund.id.clone()));
        self.desk.take_in(orders);
    }

    fn forget_refunds_but(&mut self, listed: &[RefundOrder]) {
        // The list may have been on its way already when the server told of these; the next one is newer.
        let learnt = std::mem::take(&mut self.desk.learnt);
        let is_listed = |id: &RefundId| listed.iter().any(|order| order.refund.id == *id);
        let gone: Vec<RefundId> = self
            .desk
            .items
            .iter()
            .map(|item| &item.refund.id)
            .filter(|id| !is_listed(id) && !learnt.contains(id) && !self.is_of_today_here(id))
            .cloned()
            .collect();
        self.desk.items.retain(|item| !gone.contains(&item.refund.id));
        self.desk.refused.retain(|id, _| !gone.contains(id));
        self.desk.doubtful.retain(|id| !gone.contains(id));
    }

    /// Carried out here today, or under way here still. What cannot be read is not forgotten.
    fn is_of_today_here(&self, id: &RefundId) -> bool {
        let Some(journal) = &self.journal else { return true };
        match journal.refund(id) {
            Ok(Some(record)) => {
                record.outcome.is_none() || self.day_of(record.at) == self.day_of(self.now.wall)
            }
            Ok(None) => false,
            Err(_) => true,
        }
    }
}
