//! The drawer: one kick for each entry that asks for it, what is known of it, and the drawer without a sale, which takes a
//! reason and a right.
//!
//! No kick is given twice unasked. Of one that surely did nothing, or of which nobody knows, the cashier is told what to do;
//! for a sale whose cash still stands on the screen, all of it or a part, one more may be asked for, which is an entry of its
//! own.

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
    /// This sale: it was paid in cash, or a part of it was, or that part goes back.
    Sale(u64),
    /// No sale.
    NoSale,
    /// Money of a shift, or money back.
    Other,
}

/// So long after the cash was taken, or given back, whoever did that may open a drawer once more of which nobody knows
/// whether it opened.
const MONEY_IN_HAND: Duration = Duration::from_secs(60);

/// So many entries after a sale are looked at for who has its money in hand: it was in hand itself when the program ended, so
/// there are few.
const LOOKED_AT: usize = 500;

/// The newest kick; what became of those before it is told and forgotten.
#[derive(Debug, Default)]
pub struct DrawerDesk {
    kicks: u64,
    newest: Option<(OpenedFor, DrawerState)>,
    /// The newest entry of a sale that it was opened for.
    hand: Option<MoneyInHand>,
}

/// Whoever took money for a sale, or gives it back, has it in their hand for a while.
#[derive(Debug)]
struct MoneyInHand {
    sale: u64,
    since: Duration,
    by: Option<Cashier>,
    /// The drawer was opened once more without anybody knowing whether it had opened.
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
        if let OpenedFor::Sale(sale) = opened_for {
            let (since, by) = (self.now.monotonic, self.cashier());
            self.drawer.hand = Some(MoneyInHand { sale, since, by, repeated: false });
        }
        self.kick(opened_for);
    }

    /// The same for a refund that is paid out in cash. The kick, unless no drawer is connected.
    pub(super) fn open_drawer_for_refund(&mut self) -> Option<u64> {
        self.open_drawer(OpenedFor::Other);
        self.options.has_printer.then_some(self.drawer.kicks)
    }

    fn kick(&mut self, opened_for: OpenedFor) {
        if !self.options.has_printer {
            self.drawer.newest = Some((opened_for, DrawerState::NoDrawer));
            if opened_for == OpenedFor::NoSale {
                self.tell(Notice::DrawerByKey);
            }
            return;
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
        let on_screen = opened_for.is_some() && self.drawer_on_screen().is_some();
        match state {
            DrawerState::Opened if opened_for == Some(OpenedFor::NoSale) => self.tell(Notice::DrawerOpened),
            DrawerState::Unknown if !on_screen => self.tell(Notice::DrawerUnknown),
            DrawerState::Shut(printer) if !on_screen => self.tell(Notice::DrawerShut(printer)),
            _ => {}
        }
        self.kicked_for_refund(kick, state);
    }

    /// What is known of the drawer of this sale.
    pub(super) fn drawer_of(&self, sale: u64) -> DrawerState {
        match self.drawer.newest {
            Some((OpenedFor::Sale(of), state)) if of == sale => state,
            _ => DrawerState::NotAsked,
        }
    }

    /// The sale that the drawer was opened for last, if its money is on the screen: it is paid; a part of it is in the drawer,
    /// and the rest is to be paid; or that part is to be handed back.
    pub(super) fn drawer_on_screen(&self) -> Option<u64> {
        let Some((OpenedFor::Sale(of), _)) = self.drawer.newest else { return None };
        let on_page = match &self.at {
            At::Done { sale } => Some(*sale),
            At::Cash { .. } | At::AwaitCode { held: None } => {
                self.frozen.filter(|sale| self.part_of(*sale) > 0)
            }
            _ => None,
        };
        let told = match self.notices.shown(self.duty.is_locked()) {
            Some(Notice::HandBack { sale, .. }) => Some(*sale),
            _ => None,
        };
        (on_page == Some(of) || told == Some(of)).then_some(of)
    }

    /// What is told of money that goes back says what is known of the drawer that opens for it.
    pub(super) fn with_drawer(&self, notice: Notice) -> Notice {
        match notice {
            Notice::HandBack { sale, minor, .. } => {
                Notice::HandBack { sale, minor, drawer: self.drawer_of(sale) }
            }
            other => other,
        }
    }

    /// Somebody says that the money is in the customer's hand: whatever became of the drawer, it is not that sale's matter
    /// any more.
    pub(super) fn handed_back(&mut self, sale: u64) {
        let is_paid = matches!(self.at, At::Done { sale: of } if of == sale);
        if is_paid || self.part_of(sale) > 0 {
            return;
        }
        let newest = self.drawer.newest.as_mut();
        if let Some((opened_for, _)) = newest.filter(|(of, _)| *of == OpenedFor::Sale(sale)) {
            *opened_for = OpenedFor::Other;
        }
    }

    /// After a start: the journal says that the drawer was to open for a part of this sale, or for its way back. Whether it
    /// did nobody knows any more, and it opens by nobody's touch; when that was, and who did it, stands in the entries.
    pub(super) fn resume_drawer(&mut self, sale: u64) {
        let state = if self.options.has_printer { DrawerState::Unknown } else { DrawerState::NoDrawer };
        self.drawer.newest = Some((OpenedFor::Sale(sale), state));
        let Some(entries) = self.read(|journal| journal.entries_after(sale, LOOKED_AT)) else { return };
        let mut hand = None;
        for entry in entries.iter().filter_map(|entry| entry.read_unverified().ok()) {
            match entry.body {
                Body::CashPart { sale: of, cashier, .. } | Body::CashPartBack { sale: of, cashier, .. }
                    if of == sale =>
                {
                    hand = Some((entry.at, cashier, false));
                }
                Body::DrawerOpened { reason: DrawerReason::DidNotOpen, .. } => {
                    if let Some((_, _, repeated)) = &mut hand {
                        *repeated = true;
                    }
                }
                _ => {}
            }
        }
        let (now, wall) = (self.now.monotonic, self.now.wall);
        let soon = hand.filter(|(at, _, _)| wall.since(*at) < MONEY_IN_HAND);
        self.drawer.hand = soon.map(|(at, by, repeated)| MoneyInHand {
            sale,
            since: now.saturating_sub(wall.since(at)),
            by,
            repeated,
        });
    }

    /// The drawer of the sale on screen did not open, or nobody knows: once more, because somebody asks. If it surely stayed
    /// shut it takes no right: that sale's money has to go in. Where nobody knows, as with printers that never say, that
    /// holds once, soon, for who took the money; after that it takes the right to open the drawer without a sale.
    pub(super) fn open_drawer_again(&mut self) {
        let Some(sale) = self.drawer_on_screen() else { return };
        match self.drawer_of(sale) {
            DrawerState::Shut(_) => self.repeat_kick(sale, None),
            DrawerState::Unknown if self.has_money_in_hand(sale) => {
                if let Some(hand) = &mut self.drawer.hand {
                    hand.repeated = true;
                }
                self.repeat_kick(sale, None);
            }
            DrawerState::Unknown => self.with_right(Right::NoSale, Approved::DrawerAgain { sale }),
            _ => {}
        }
    }

    fn has_money_in_hand(&self, sale: u64) -> bool {
        self.drawer.hand.as_ref().is_some_and(|hand| {
            hand.sale == sale
                && !hand.repeated
                && self.now.monotonic < hand.since + MONEY_IN_HAND
                && hand.by == self.cashier()
        })
    }

    /// Somebody with the right said yes; it may have become known meanwhile that the drawer opened.
    pub(super) fn drawer_again_approved(&mut self, sale: u64, approved_by: Option<Cashier>) {
        if self.drawer_on_screen() == Some(sale) && self.drawer_of(sale).may_be_shut() {
            self.repeat_kick(sale, approved_by);
        }
    }

    /// It is written down before, so that nobody opens drawers unseen.
    fn repeat_kick(&mut self, sale: u64, approved_by: Option<Cashier>) {
        let (reason, cashier) = (DrawerReason::DidNotOpen, self.cashier());
        if self.write(&Body::DrawerOpened { reason, cashier, approved_by }).is_some() {
            self.kick(OpenedFor::Sale(sale));
        }
    }
}
