//! A sale of which a part is taken in cash and the rest by a wallet.
//!
//! The cash is taken first: it stands in the journal as soon as it is in the drawer, and stays there whatever becomes of the
//! wallet's payment. While it is in place the sale is not left: the rest is paid, by a wallet or in cash too, or the part
//! goes back. While a payment is unknown nothing of it can be changed, and the journal takes no entry that would.

use super::approval::Approved;
use super::drawer::OpenedFor;
use super::question::Yes;
use super::{At, Controller};
use crate::view::{CashRest, Confirm, DrawerState, Notice};
use evertill_shared::cashier::Cashier;
use evertill_shared::journal::Body;
use evertill_shared::rights::Right;
use std::time::Duration;

/// So long after somebody said no they are asked again whether an earlier customer's cash goes back.
const ASK_AGAIN: Duration = Duration::from_secs(300);

/// Cash parts of earlier customers' sales whose payments came to nothing.
#[derive(Debug, Default)]
pub struct LeftParts {
    sales: Vec<u64>,
    ask_at: Duration,
}

impl Controller {
    /// What of the sale in hand is in the drawer already, in minor units.
    pub(super) fn part_minor(&self) -> i64 {
        self.frozen.map_or(0, |sale| self.part_of(sale))
    }

    pub(super) fn part_of(&self, sale: u64) -> i64 {
        let stored = self.journal.as_ref().and_then(|journal| journal.sale(sale).ok().flatten());
        stored.and_then(|stored| stored.record.part).map_or(0, |part| part.amount.minor)
    }

    /// What is left to pay of the sale in hand, in minor units.
    pub(super) fn due_minor(&self) -> i64 {
        self.cart.total_minor() - self.part_minor()
    }

    /// Whether a wallet can be asked for what is left after a cash part.
    pub(super) fn splits(&self) -> bool {
        self.code_works() && self.status.as_ref().is_some_and(|status| status.splits)
    }

    /// What can be done about the rest, when so much is given.
    pub(super) fn rest_of(&self, given_minor: i64) -> CashRest {
        let has_part = self.part_minor() > 0;
        match self.splits() {
            false => CashRest::NotNow,
            // One part: what is typed besides is meant for the rest.
            true if has_part && given_minor == 0 => CashRest::ByWallet,
            true if !has_part && (1..self.due_minor()).contains(&given_minor) => CashRest::ByWallet,
            true => CashRest::GiveFirst,
        }
    }

    /// What was given is in the drawer as a part, and a wallet is asked for the rest. With a part in place the wallet is
    /// asked at once.
    pub(super) fn take_part(&mut self) {
        let (At::Cash { given_minor }, Some(sale)) = (&self.at, self.frozen) else { return };
        let given = *given_minor;
        if self.rest_of(given) != CashRest::ByWallet {
            return;
        }
        if given > 0 {
            let (amount, cashier) = (self.money(given), self.cashier());
            if self.write(&Body::CashPart { sale, amount, cashier }).is_none() {
                return;
            }
            self.open_drawer(OpenedFor::Sale(sale));
        }
        self.notices.over();
        self.at = At::AwaitCode { held: None };
    }

    pub(super) fn ask_cash_back(&mut self) {
        let minor = self.part_minor();
        if matches!(self.at, At::Cash { .. }) && minor > 0 {
            self.ask(Confirm::CashBack { minor }, Yes::CashBack);
        }
    }

    /// The part goes back, and the sale is in hand as if none had been taken.
    pub(super) fn give_cash_back(&mut self) {
        let (At::Cash { .. }, Some(sale)) = (&self.at, self.frozen) else { return };
        // The customer stands there, and it is theirs: it takes no right, and is counted.
        if self.give_part_back(sale, false, None) {
            self.at = At::Sale;
        }
    }

    /// Into the journal first; the drawer opens once for it. `later`: the sale had been left before. False if it could not be
    /// written.
    fn give_part_back(&mut self, sale: u64, later: bool, approved_by: Option<Cashier>) -> bool {
        let minor = self.part_of(sale);
        let (amount, cashier) = (self.money(minor), self.cashier());
        let body = Body::CashPartBack { sale, amount, later, cashier, approved_by };
        if minor == 0 || self.write(&body).is_none() {
            return false;
        }
        self.notices.over();
        self.open_drawer(OpenedFor::Sale(sale));
        self.tell_to_hand_back(sale, minor);
        true
    }

    pub(super) fn tell_to_hand_back(&mut self, sale: u64, minor: i64) {
        // What is known of the drawer is looked up when it is shown.
        self.tell(Notice::HandBack { sale, minor, drawer: DrawerState::NotAsked });
    }

    /// What is known of the drawer that a part of the sale in hand was put into.
    pub(super) fn drawer_of_part(&self) -> DrawerState {
        let in_place = self.frozen.filter(|sale| self.part_of(*sale) > 0);
        in_place.map_or(DrawerState::NotAsked, |sale| self.drawer_of(sale))
    }

    /// Where the cashier goes back to from a tender: a sale with a part in the drawer is not left.
    pub(super) fn back_from_tender(&mut self) {
        let minor = self.part_minor();
        if minor == 0 {
            self.at = At::Sale;
            return self.notices.over();
        }
        if matches!(self.at, At::Cash { .. }) {
            return self.tell(Notice::CashInPlace { minor });
        }
        self.notices.over();
        self.at = At::Cash { given_minor: 0 };
    }

    /// A sale that is not in hand came to nothing: it is given up, unless cash of it is in the drawer. Only a person can
    /// say that it went back.
    pub(super) fn give_up_aside(&mut self, sale: u64) {
        if self.part_of(sale) == 0 {
            self.write(&Body::SaleVoided { sale });
            return;
        }
        if !self.left.sales.contains(&sale) {
            self.left.sales.push(sale);
        }
    }

    /// Between two sales somebody is asked whether an earlier customer's cash goes back.
    pub(super) fn run_left_parts(&mut self) {
        let free = matches!(self.at, At::Sale)
            && self.cart.is_empty()
            && self.question.is_none()
            && self.approval.is_none()
            && self.faults.is_empty()
            && !self.duty.is_locked();
        if !free || self.now.monotonic < self.left.ask_at {
            return;
        }
        if self.left.sales.is_empty() {
            return;
        }
        // In turn: whoever never comes back for theirs holds up nobody else.
        self.left.sales.rotate_left(1);
        let Some(sale) = self.left.sales.last().copied() else { return };
        let (minor, number) = (self.part_of(sale), self.name_of_left(sale));
        self.left.ask_at = self.now.monotonic + ASK_AGAIN;
        let shown = Confirm::CashLeft { number, minor };
        self.ask(shown, Yes::CashLeft { sale });
    }

    pub(super) fn name_of_left(&self, sale: u64) -> String {
        let stored = self.journal.as_ref().and_then(|journal| journal.sale(sale).ok().flatten());
        let number = stored.and_then(|stored| stored.record.number()).map(|number| number.to_string());
        let own = || self.identity.as_ref().map(|identity| identity.sale_key(sale).to_string());
        number.or_else(own).unwrap_or_default()
    }

    /// Somebody says that the customer is here. Nobody else saw the sale, and it may be days ago: as with all money that is
    /// taken out of the drawer somebody with the right to it answers for that.
    pub(super) fn ask_to_give_left_back(&mut self, sale: u64) {
        let minor = self.part_of(sale);
        if minor > 0 {
            self.with_right(Right::PayInOut, Approved::PartBack { sale, minor });
        }
    }

    pub(super) fn give_left_back(&mut self, sale: u64, approved_by: Option<Cashier>) {
        if self.left.sales.contains(&sale) && self.give_part_back(sale, true, approved_by) {
            self.left_is_over(sale);
            self.write(&Body::SaleVoided { sale });
        }
    }

    /// Somebody says that nobody came for it.
    pub(super) fn ask_to_keep_left(&mut self, sale: u64) {
        let minor = self.part_of(sale);
        if minor > 0 {
            self.with_right(Right::PayInOut, Approved::KeepPart { sale, minor });
        }
    }

    /// It stays where it is, and the drawer shut; the same entry gives the sale up.
    pub(super) fn keep_left(&mut self, sale: u64, approved_by: Option<Cashier>) {
        let (amount, cashier) = (self.money(self.part_of(sale)), self.cashier());
        let kept = Body::CashPartKept { sale, amount, cashier, approved_by };
        if self.left.sales.contains(&sale) && amount.is_positive() && self.write(&kept).is_some() {
            self.left_is_over(sale);
        }
    }

    fn left_is_over(&mut self, sale: u64) {
        self.left.sales.retain(|left| *left != sale);
        self.left.ask_at = self.now.monotonic;
    }
}
