//! The drawer: one kick for each entry that asks for it, what is known of it, and the drawer without a sale, which takes a
//! reason and a right.
//!
//! No kick is given twice unasked. Of one that surely did nothing, or of which nobody knows, the cashier is told what to do;
//! for a cash sale that still stands on the screen one more may be asked for, which is an entry of its own.

use super::approval::Approved;
use super::{At, Command, Controller, PrintReport};
use crate::view::{DrawerState, Notice};
use evertill_shared::cashier::Cashier;
use evertill_shared::journal::{Body, DrawerReason};
use evertill_shared::rights::Right;
use std::time::Duration;

/// What the drawer was opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenedFor {
    /// This sale, paid in cash.
    Sale(u64),
    /// No sale.
    NoSale,
    /// Money of a shift, or money back.
    Other,
}

/// So long after the cash was taken whoever took it may open a drawer once more of which nobody knows whether it opened.
const MONEY_IN_HAND: Duration = Duration::from_secs(60);

/// The newest kick; what became of those before it is told and forgotten.
#[derive(Debug, Default)]
pub struct DrawerDesk {
    kicks: u64,
    newest: Option<(OpenedFor, DrawerState)>,
    /// The sale that the drawer was opened for last, and when first.
    first: Option<(u64, Duration)>,
    /// It was opened once more without anybody knowing whether it had opened.
    repeated: bool,
}

impl DrawerDesk {
    /// What is known of the newest kick.
    pub fn last_known(&self) -> DrawerState {
        self.newest.map_or(DrawerState::NotAsked, |(_, state)| state)
    }
}

impl Controller {
    /// A reason was chosen.
    pub(super) fn no_sale(&mut self, reason: DrawerReason) {
        if matches!(self.at, At::Drawer) {
            self.with_right(Right::NoSale, Approved::NoSale { reason });
        }
    }

    /// Opens the drawer once for the entry that says so. After a crash between the two it stays closed: the entry is
    /// never taken up again, and a person asks anew.
    pub(super) fn open_drawer_for(&mut self, reason: DrawerReason, approved_by: Option<Cashier>) {
        if !matches!(self.at, At::Drawer) {
            return;
        }
        let body = Body::DrawerOpened { reason, cashier: self.cashier(), approved_by };
        if self.write(&body).is_some() {
            self.at = At::Sale;
            self.open_drawer(OpenedFor::NoSale);
        }
    }

    /// One kick, after the entry that asks for it is on the disk.
    pub(super) fn open_drawer(&mut self, opened_for: OpenedFor) {
        if !self.options.has_printer {
            self.drawer.newest = Some((opened_for, DrawerState::NoDrawer));
            if opened_for == OpenedFor::NoSale {
                self.tell(Notice::DrawerByKey);
            }
            return;
        }
        if let OpenedFor::Sale(sale) = opened_for
            && self.drawer.first.is_none_or(|(first, _)| first != sale)
        {
            (self.drawer.first, self.drawer.repeated) = (Some((sale, self.now.monotonic)), false);
        }
        self.drawer.kicks += 1;
        self.drawer.newest = Some((opened_for, DrawerState::Asked));
        self.out.push(Command::KickDrawer { kick: self.drawer.kicks });
    }

    /// What the printer says of a kick. That its pulse went out is all that anybody can know: no drawer answers.
    pub(super) fn on_kicked(&mut self, kick: u64, report: PrintReport) {
        let state = match report {
            PrintReport::Confirmed => DrawerState::Opened,
            PrintReport::Unknown => DrawerState::Unknown,
            PrintReport::NotStarted(printer) => {
                self.printer = printer;
                DrawerState::Shut(printer)
            }
        };
        let newest = self.drawer.newest.as_mut().filter(|_| kick == self.drawer.kicks);
        let opened_for = newest.map(|(opened_for, known)| {
            *known = state;
            *opened_for
        });
        let on_screen =
            matches!((&self.at, opened_for), (At::Done { sale }, Some(OpenedFor::Sale(of))) if *sale == of);
        match state {
            DrawerState::Opened if opened_for == Some(OpenedFor::NoSale) => self.tell(Notice::DrawerOpened),
            DrawerState::Unknown if !on_screen => self.tell(Notice::DrawerUnknown),
            DrawerState::Shut(printer) if !on_screen => self.tell(Notice::DrawerShut(printer)),
            _ => {}
        }
    }

    /// What is known of the drawer of this sale.
    pub(super) fn drawer_of(&self, sale: u64) -> DrawerState {
        match self.drawer.newest {
            Some((OpenedFor::Sale(of), state)) if of == sale => state,
            _ => DrawerState::NotAsked,
        }
    }

    /// The drawer of the sale on screen did not open, or nobody knows: once more, because somebody asks. If it surely stayed
    /// shut it takes no right: that sale's money has to go in. Where nobody knows, as with printers that never say, that
    /// holds once, soon, for who took the money; after that it takes the right to open the drawer without a sale.
    pub(super) fn open_drawer_again(&mut self) {
        let At::Done { sale } = self.at else { return };
        match self.drawer_of(sale) {
            DrawerState::Shut(_) => self.repeat_kick(sale, None),
            DrawerState::Unknown if self.has_money_in_hand(sale) => {
                self.drawer.repeated = true;
                self.repeat_kick(sale, None);
            }
            DrawerState::Unknown => self.with_right(Right::NoSale, Approved::DrawerAgain { sale }),
            _ => {}
        }
    }

    fn has_money_in_hand(&mut self, sale: u64) -> bool {
        let soon = |(of, at): (u64, Duration)| of == sale && self.now.monotonic < at + MONEY_IN_HAND;
        if self.drawer.repeated || !self.drawer.first.is_some_and(soon) {
            return false;
        }
        let stored = self.read(|journal| journal.sale(sale)).flatten();
        stored.is_some_and(|stored| stored.record.sale.cashier == self.cashier())
    }

    /// Somebody with the right said yes; it may have become known meanwhile that the drawer opened.
    pub(super) fn drawer_again_approved(&mut self, sale: u64, approved_by: Option<Cashier>) {
        if matches!(self.at, At::Done { sale: shown } if shown == sale) && self.drawer_of(sale).may_be_shut()
        {
            self.repeat_kick(sale, approved_by);
        }
    }

    /// It is written down before, so that nobody opens drawers unseen.
    fn repeat_kick(&mut self, sale: u64, approved_by: Option<Cashier>) {
        let (reason, cashier) = (DrawerReason::DidNotOpen, self.cashier());
        if self.write(&Body::DrawerOpened { reason, cashier, approved_by }).is_some() {
            self.open_drawer(OpenedFor::Sale(sale));
        }
    }
}
