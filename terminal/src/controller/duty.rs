//! Who is at the till: the lock, logging in with a PIN, and what happens to the sale when one person takes over from
//! another. A till in a store where nobody has a PIN never locks.
//!
//! The lock hides nothing about money: a payment goes on under it, and its state stays on screen.

use super::{At, Command, Controller};
use crate::view::{LockPage, LockPerson, LockState, Notice, Page, StaffRole, UnderWay};
use evertill_shared::cashier::{Cashier, WrongPins, check_pin};
use evertill_shared::journal::Body;
use evertill_shared::protocol::staff::Role;
use evertill_shared::protocol::till_staff::{TillPerson, TillStaff};
use evertill_shared::secret::SecretText;
use std::collections::BTreeMap;
use std::time::Duration;

/// Who may log in, and who has.
#[derive(Debug, Default)]
pub struct Duty {
    people: Vec<TillPerson>,
    /// Of the list; 0 before anybody of the store had a PIN.
    version: u64,
    /// Who served last, or serves.
    on: Option<Cashier>,
    lock: Option<Lock>,
    wrong: WrongPins,
    last_touch: Duration,
}

/// The till is locked.
#[derive(Debug, Default)]
struct Lock {
    /// Whose PIN is typed.
    chosen: Option<String>,
    /// Whose PIN is being checked.
    checking: Option<String>,
    said: Said,
}

/// About the last PIN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Said {
    #[default]
    Nothing,
    NotAPin,
    Wrong,
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

    fn person(&self, login: &str) -> Option<&TillPerson> {
        self.people.iter().find(|person| person.login == login)
    }
}

impl Controller {
    /// Who serves now; nobody in particular in a store without PINs.
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
        let still = on.as_ref().and_then(|on| self.duty.person(&on.login)).map(TillPerson::cashier);
        let gone = on.is_some() && still.is_none();
        self.duty.on = still;
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
        self.duty.on = None;
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

    fn lock(&mut self, chosen: Option<String>) {
        let only = match self.duty.people.as_slice() {
            [only] => Some(only.login.clone()),
            _ => None,
        };
        let chosen = chosen.filter(|login| self.duty.person(login).is_some()).or(only);
        // A question that nobody stands before is answered with no.
        self.question = None;
        self.notices.over();
        self.duty.lock = Some(Lock { chosen, ..Lock::default() });
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
    fn at_rest(&self) -> bool {
        match self.at {
            At::Sale => self.cart.is_empty(),
            At::Refunds | At::Orders | At::About => true,
            _ => false,
        }
    }

    pub(super) fn choose_person(&mut self, login: String) {
        let known = self.duty.person(&login).is_some();
        if let Some(lock) = self.duty.lock.as_mut().filter(|lock| known && lock.checking.is_none()) {
            lock.chosen = Some(login);
            lock.said = Said::Nothing;
        }
    }

    /// A PIN was typed. Checking it takes a moment, and is done elsewhere.
    pub(super) fn unlock(&mut self, pin: SecretText) {
        let now = self.now.monotonic;
        let Some(lock) = self.duty.lock.as_mut().filter(|lock| lock.checking.is_none()) else { return };
        let Some(login) = lock.chosen.clone() else { return };
        if !self.duty.wrong.wait(&login, now).is_zero() {
            return;
        }
        // What cannot be a PIN is no try. A simple one may be: the server has the word about that.
        if check_pin(pin.expose()) == Err(evertill_shared::cashier::PinError::NotDigits) {
            lock.said = Said::NotAPin;
            return;
        }
        lock.said = Said::Nothing;
        lock.checking = Some(login.clone());
        if let Some(person) = self.duty.person(&login) {
            let verifier = person.verifier.clone();
            self.out.push(Command::CheckPin { login, pin, verifier });
        }
    }

    pub(super) fn on_pin_checked(&mut self, login: &str, right: bool) {
        let now = self.now.monotonic;
        let Some(lock) = self.duty.lock.as_mut().filter(|lock| lock.checking.as_deref() == Some(login))
        else {
            return;
        };
        lock.checking = None;
        if !right {
            lock.said = Said::Wrong;
            self.duty.wrong.wrong(login, now);
            return self.out.push(Command::KeepWrongPins(self.duty.wrong.counts()));
        }
        if self.duty.wrong.right(login) {
            self.out.push(Command::KeepWrongPins(self.duty.wrong.counts()));
        }
        let Some(cashier) = self.duty.person(login).map(TillPerson::cashier) else { return };
        self.duty.lock = None;
        self.duty.touched(now);
        self.duty.on = Some(cashier);
        self.take_over();
    }

    /// A sale that another person closed for payment, and for which nothing is under way, is given up in the journal
    /// and stays on screen: who takes the money closes it anew, under the own name.
    fn take_over(&mut self) {
        let open =
            matches!(self.at, At::Sale | At::Cash { .. } | At::AwaitCode { held: None } | At::Ended { .. });
        let Some(sale) = self.frozen.filter(|_| open) else { return };
        let Some(Some(stored)) = self.read(|journal| journal.sale(sale)) else { return };
        if stored.record.sale.cashier == self.duty.on {
            return;
        }
        if self.write(&Body::SaleVoided { sale }).is_some() {
            self.frozen = None;
            self.at = At::Sale;
        }
    }

    /// A scan at a locked till: nobody is there who could mean it. What was scanned is not kept.
    pub(super) fn scan_while_locked(&mut self) {
        self.tell(Notice::LockedScan);
    }

    pub(super) fn lock_page(&self, lock_under: Page) -> Page {
        let Some(lock) = &self.duty.lock else { return lock_under };
        let person = |person: &TillPerson| LockPerson {
            login: person.login.clone(),
            name: person.name.clone(),
            role: match person.role {
                Role::Cashier => StaffRole::Cashier,
                Role::Manager => StaffRole::Manager,
                Role::It => StaffRole::It,
            },
        };
        Page::Lock(LockPage {
            people: self.duty.people.iter().map(person).collect(),
            chosen: lock.chosen.clone(),
            state: self.lock_state(lock),
            under_way: self.under_way(lock_under),
        })
    }

    fn lock_state(&self, lock: &Lock) -> LockState {
        let Some(login) = &lock.chosen else { return LockState::ChoosePerson };
        let wait = self.duty.wrong.wait(login, self.now.monotonic);
        if lock.checking.is_some() {
            LockState::Checking
        } else if !wait.is_zero() {
            // A second that has begun is one to wait for.
            LockState::Wait { seconds: wait.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX) }
        } else {
            match lock.said {
                Said::Nothing => LockState::EnterPin,
                Said::NotAPin => LockState::NotAPin,
                Said::Wrong => LockState::Wrong { tries_left: self.duty.wrong.left(login) },
            }
        }
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
