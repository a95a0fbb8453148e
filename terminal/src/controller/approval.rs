//! What needs a right: done at once by who holds it, or after somebody who does has said so with their PIN. The name of
//! who approved stands on what was approved; it does not log them in.

use super::pin::{self, PinDesk};
use super::shift::Typed;
use super::{At, Controller};
use crate::view::{AdjustTarget, ApprovalPage, Notice, Page};
use evertill_shared::cashier::Cashier;
use evertill_shared::journal::DrawerReason;
use evertill_shared::money::Amount;
use evertill_shared::order::discount::{Discount, Reason};
use evertill_shared::protocol::staff::Role;
use evertill_shared::protocol::till_staff::TillPerson;
use evertill_shared::rights::Right;
use std::mem::Discriminant;
use std::time::Duration;

/// An approval that nobody gives is not asked for any longer than this after the last touch.
const STANDS_FOR: Duration = Duration::from_secs(60);

/// Something that may need an approval, with all that is needed to do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Approved {
    /// Open the drawer without a sale.
    NoSale { reason: DrawerReason },
    /// Open the drawer of a sale on screen once more.
    DrawerAgain { sale: u64 },
    /// Begin a shift, or move money in or out of the drawer.
    MoveCash(Typed),
    /// Give the cash part of a sale back that was left and came to nothing.
    PartBack { sale: u64, minor: i64 },
    /// Say that nobody came for it.
    KeepPart { sale: u64, minor: i64 },
    /// Count the drawer, to end the shift.
    Count,
    /// See what the drawer should hold.
    ReadShift,
    /// Take something off a line or off the whole sale.
    Discount { target: AdjustTarget, discount: Discount },
    /// Sell a line at another price.
    Price { line: u32, price: Amount, reason: Reason },
    /// Set the barcode scanner up.
    SetUpScanner,
    /// End the program that is all that there is on the screen.
    EndProgram,
    /// Switch to training.
    Train,
}

impl Approved {
    /// What is at stake, in minor units: for who approves to see.
    fn amount_minor(&self) -> Option<i64> {
        match self {
            Self::MoveCash(typed) => Some(typed.minor),
            Self::PartBack { minor, .. } | Self::KeepPart { minor, .. } => Some(*minor),
            Self::Discount { discount, .. } => Some(discount.amount.minor),
            Self::Price { price, .. } => Some(price.minor),
            Self::NoSale { .. }
            | Self::DrawerAgain { .. }
            | Self::Count
            | Self::ReadShift
            | Self::SetUpScanner
            | Self::EndProgram
            | Self::Train => None,
        }
    }
}

/// An approval that is being asked for.
#[derive(Debug)]
pub struct Approval {
    pub(super) right: Right,
    pub(super) desk: PinDesk,
    what: Approved,
    /// Where the person was when it was asked for: elsewhere its matter has ended.
    from: Discriminant<At>,
}

/// Whether this person can approve what needs the right: with their PIN, since a card may be in anybody's hands.
pub(super) fn may_approve(right: Right, person: &TillPerson) -> bool {
    person.has_pin() && right.held_by(person.role)
}

impl Controller {
    /// Does it at once if who serves holds the right, or if nobody in this store logs in. Otherwise a page asks for
    /// the PIN of somebody who holds it. Whoever came in with a card holds what every cashier does, and shows the rest by
    /// the PIN: a manager's card that was lent is no manager.
    pub(super) fn with_right(&mut self, right: Right, what: Approved) {
        let serves = self.cashier().and_then(|on| self.duty.person(&on.login).cloned());
        let by_card = self.duty.by_card.is_some();
        let shown = |role| right.held_by(role) && (!by_card || right.held_by(Role::Cashier));
        if serves.as_ref().is_some_and(|person| shown(person.role)) || self.duty.people().is_empty() {
            return self.approved(what, None);
        }
        self.with_pin(right, what);
        let own = serves.filter(|person| by_card && may_approve(right, person));
        if let (Some(own), Some(approval)) = (own, &mut self.approval) {
            approval.desk = PinDesk::of(Some(own.login));
        }
    }

    /// Does something only after the PIN of somebody who holds the right was typed for it, whoever serves: what one touch must
    /// not do.
    pub(super) fn with_pin(&mut self, right: Right, what: Approved) {
        let mut holders = self.duty.people().iter().filter(|person| may_approve(right, person));
        let (first, second) = (holders.next(), holders.next());
        let only = first.filter(|_| second.is_none()).map(|person| person.login.clone());
        if first.is_none() {
            return self.tell(Notice::NobodyMayApprove);
        }
        self.notices.over();
        let from = std::mem::discriminant(&self.at);
        self.approval = Some(Approval { right, desk: PinDesk::of(only), what, from });
    }

    /// Does what was approved: by that person, or by the right of who serves. Each of these judges for itself whether its
    /// matter still stands.
    pub(super) fn approved(&mut self, what: Approved, approver: Option<Cashier>) {
        match what {
            Approved::NoSale { reason } => self.open_drawer_for(reason, approver),
            Approved::DrawerAgain { sale } => self.drawer_again_approved(sale, approver),
            Approved::MoveCash(typed) => self.move_cash(typed, approver),
            Approved::KeepPart { sale, .. } => self.keep_left(sale, approver),
            Approved::PartBack { sale, .. } => self.give_left_back(sale, approver),
            Approved::Count => self.begin_count(approver),
            Approved::ReadShift => self.read_shift(),
            Approved::Discount { target, discount } => self.discount_approved(target, discount, approver),
            Approved::Price { line, price, reason } => self.price_approved(line, price, reason, approver),
            Approved::SetUpScanner => self.open_scanners(),
            Approved::EndProgram => self.end_program(approver),
            Approved::Train => self.begin_training(approver),
        }
    }

    /// The PIN was right. What waits for it is taken out first: nothing is approved twice.
    pub(super) fn approved_by(&mut self, login: &str) {
        let Some(Approval { right, what, .. }) = self.approval.take() else { return };
        let approver = self.duty.person(login).filter(|person| may_approve(right, person));
        if let Some(approver) = approver.map(TillPerson::cashier) {
            self.approved(what, Some(approver));
        }
    }

    /// Whoever asked has changed their mind, or is gone.
    pub(super) fn drop_approval(&mut self) {
        if self.approval.take().is_some() && !self.duty.is_locked() {
            self.forget_check();
        }
    }

    /// An approval whose matter has ended meanwhile, or before which nobody stands, is not asked for any longer.
    pub(super) fn drop_idle_approval(&mut self) {
        let Some(approval) = &self.approval else { return };
        let idle = self.now.monotonic.saturating_sub(self.duty.last_touch());
        let stands = approval.from == std::mem::discriminant(&self.at)
            && self.faults.is_empty()
            && !self.duty.is_locked()
            && idle < STANDS_FOR;
        if !stands {
            self.drop_approval();
        }
    }

    pub(super) fn approval_page(&self, page: Page) -> Page {
        let Some(approval) = &self.approval else { return page };
        let holders = self.duty.people().iter().filter(|person| may_approve(approval.right, person));
        Page::Approval(ApprovalPage {
            right: approval.right,
            amount_minor: approval.what.amount_minor(),
            people: holders.map(pin::shown).collect(),
            chosen: approval.desk.chosen.clone(),
            state: self.pin_state(&approval.desk),
        })
    }
}
