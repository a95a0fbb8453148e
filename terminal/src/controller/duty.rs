//! Who is at the till: the lock, logging in with a PIN (with a card: `card.rs`), and what happens to the sale when one person
//! takes over from another. A till in a store where nobody has a PIN or a card never locks.
//!
//! The lock hides nothing about money: a payment goes on under it, and its state stays on screen.

use super::pin::{self, Checking, PinDesk};
use super::{At, Command, Controller};
use crate::view::{LockPage, Notice, Page, UnderWay};
use evertill_shared::cashier::{Cashier, WrongPins};
use evertill_shared::journal::Body;
use evertill_shared::protocol::till_staff::{TillPerson, TillStaff};
use evertill_shared::staff_card::CardMark;
use std::collections::BTreeMap;
use std::time::Duration;

/// Who may log in, and who has.
#[derive(Debug, Default)]
pub struct Duty {
    people: Vec<TillPerson>,
    /// Of the list; 0 before anybody of the store had a PIN or a card.
    version: u64,
    /// Who served last, or serves.
    on: Option<Cashier>,
    /// The card that who serves has logged in with; nothing where it was the PIN.
    pub(super) by_card: Option<CardMark>,
    /// The till is locked, and a PIN or a card is waited for.
    pub(super) lock: Option<PinDesk>,
    pub(super) checking: Option<Checking>,
    pub(super) wrong: WrongPins,
    last_touch: Duration,
}

impl Duty {
    /// The version of the list of people.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Nobody can touch the sale.
    pub fn is_locked(&self) -> bool {
        self.lock.is_some()
    }

    /// A person has touched the screen, or scanned.
    pub fn touched(&mut self, now: Duration) {
        self.last_touch = now;
    }

    /// When somebody last touched the screen, or scanned.
    pub fn last_touch(&self) -> Duration {
        self.last_touch
    }

    /// Who may log in.
    pub(super) fn people(&self) -> &[TillPerson] {
        &self.people
    }

    pub(super) fn person(&self, login: &str) -> Option<&TillPerson> {
        self.people.iter().find(|person| person.login == login)
    }
}

impl Controller {
    /// Who serves now; nobody in particular in a store where nobody logs in.
    pub(super) fn cashier(&self) -> Option<Cashier> {
        self.duty.on.clone()
    }

    /// What was on the till's disk: who may log in, and how often somebody guessed.
    pub(super) fn on_staff_loaded(&mut self, staff: TillStaff, wrong: &BTreeMap<String, u32>) {
        self.duty.version = staff.version;
        self.duty.people = staff.people.unwrap_or_default();
        self.duty.wrong = WrongPins::resume(wrong, self.now.monotonic);
    }

    /// The server's list. Whoever is not on it any more is not at the till any more either.
    pub(super) fn on_staff(&mut self, staff: TillStaff) {
        let Some(people) = staff.people else { return };
        let version = staff.version;
        self.duty.people.clone_from(&people);
        self.duty.version = version;
        self.out.push(Command::SaveStaff(TillStaff { version, people: Some(people) }));
        let on = self.duty.on.take();
        let still = on.as_ref().and_then(|on| self.duty.person(&on.login));
        // Whoever came in with a card that is another's by now, or nobody's, may have found it.
        let by_card = self.duty.by_card.as_ref();
        let still = still.filter(|person| by_card.is_none() || person.card.as_ref() == by_card);
        let still = still.map(TillPerson::cashier);
        let gone = on.is_some() && still.is_none();
        self.duty.on = still;
        if gone {
            self.duty.by_card = None;
        }
        // Rights and PINs may be others now.
        self.drop_approval();
        if self.duty.people.is_empty() {
            self.duty.lock = None;
        } else if self.duty.is_locked() || gone {
            // A PIN that is just being checked may have been another one.
            let chosen = self.duty.lock.take().and_then(|lock| lock.chosen);
            self.lock(chosen);
        }
    }

    /// When the till begins to work: it does not know who stands there.
    pub(super) fn lock_at_start(&mut self) {
        (self.duty.on, self.duty.by_card) = (None, None);
        self.duty.touched(self.now.monotonic);
        if !self.duty.people.is_empty() {
            self.lock(None);
        }
    }

    /// A person locks the till, to leave it or to let another take over.
    pub(super) fn lock_by_hand(&mut self) {
        if !self.duty.people.is_empty() && !matches!(self.at, At::Starting | At::Enrol(_)) {
            self.lock(None);
        }
    }

    pub(super) fn lock(&mut self, chosen: Option<String>) {
        let only = match self.duty.people.as_slice() {
            [only] => Some(only.login.clone()),
            _ => None,
        };
        let chosen = chosen.filter(|login| self.duty.person(login).is_some()).or(only);
        // A question that nobody stands before is answered with no, and what was to be approved is not.
        self.leave_question();
        self.approval = None;
        // Whoever unlocks it may not hold the right to set devices up.
        if matches!(self.at, At::Scanners) {
            self.at = At::Sale;
        }
        self.forget_check();
        self.notices.over();
        self.duty.lock = Some(PinDesk::of(chosen));
    }

    /// Locks when nobody has touched the till for a while, and as soon as the store begins to use PINs.
    pub(super) fn run_duty(&mut self) {
        if self.duty.people.is_empty() || self.duty.is_locked() || self.journal.is_none() {
            return;
        }
        let idle = self.now.monotonic.saturating_sub(self.duty.last_touch);
        let too_long = !self.options.lock_after.is_zero() && idle >= self.options.lock_after;
        match &self.duty.on {
            Some(on) if too_long => {
                let login = on.login.clone();
                self.lock(Some(login));
            }
            None if too_long || self.at_rest() => self.lock(None),
            _ => {}
        }
    }

    /// Nothing is under way that somebody without a name has begun.
    pub(super) fn at_rest(&self) -> bool {
        match self.at {
            At::Sale => self.cart.is_empty(),
            At::Refunds
            | At::Orders
            | At::Order { .. }
            | At::About
            | At::Day { .. }
            | At::Scanners
            | At::Drawer
            | At::Shift
            | At::Report { .. } => true,
            _ => false,
        }
    }

    pub(super) fn unlocked_by(&mut self, login: &str) {
        let Some(cashier) = self.duty.person(login).map(TillPerson::cashier) else { return };
        (self.duty.lock, self.duty.by_card) = (None, None);
        self.duty.touched(self.now.monotonic);
        let before = self.duty.on.replace(cashier);
        if before != self.duty.on {
            self.drop_count();
        }
        let on = self.cashier();
        self.cart.hand_over(on.as_ref());
        self.take_over();
    }

    /// A sale that another person closed for payment, and for which nothing is under way, becomes another in the journal
    /// and stays on screen: who takes the money closes it anew, under the own name.
    pub(super) fn take_over(&mut self) {
        let under_way = matches!(self.at, At::Payment { .. } | At::AwaitCode { held: Some(_) });
        let Some(sale) = self.frozen.filter(|_| !under_way) else { return };
        let Some(Some(stored)) = self.read(|journal| journal.sale(sale)) else { return };
        // With a part of it in the drawer it cannot become another: it stays in the name of who took that.
        if stored.record.sale.cashier == self.duty.on || stored.record.part.is_some() {
            return;
        }
        if self.write(&Body::SaleChanged { sale }).is_none() {
            return;
        }
        self.frozen = None;
        if matches!(
            self.at,
            At::Adjust { .. } | At::Held | At::Cash { .. } | At::AwaitCode { .. } | At::Ended { .. }
        ) {
            self.at = At::Sale;
        }
    }

    /// A scan at a locked till: nobody is there who could mean it. What was scanned is not kept.
    pub(super) fn scan_while_locked(&mut self) {
        self.tell(Notice::LockedScan);
    }

    pub(super) fn lock_page(&self, lock_under: Page) -> Page {
        let Some(lock) = &self.duty.lock else { return lock_under };
        Page::Lock(LockPage {
            people: self.duty.people.iter().map(pin::shown).collect(),
            chosen: lock.chosen.clone(),
            state: self.pin_state(lock),
            cards: self.duty.people.iter().any(|person| person.card.is_some()),
            under_way: self.under_way(lock_under),
        })
    }

    /// What goes on, or waits, under the lock.
    fn under_way(&self, page: Page) -> Option<UnderWay> {
        match page {
            Page::Payment(page) => Some(UnderWay::Payment(page)),
            Page::Done(page) => Some(UnderWay::Paid(page)),
            _ if self.cart.is_empty() => None,
            _ => Some(UnderWay::Sale {
                item_count: self.cart.item_count(),
                total_minor: self.cart.total_minor(),
            }),
        }
    }
}
