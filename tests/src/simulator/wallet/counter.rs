//! A wallet's counter: its customers, its books and its switches behind one lock, on a clock that can be turned.

use super::behaviour::{Behaviour, Endpoint, Fault, Switches};
use super::book::{Book, Code, Order};
use super::notifier::Notice;
use super::store::{Store, StoreError};
use evertill_shared::clock::{Clock, Timestamp};
use evertill_shared::wallet::Wallet;
use ring::rand::{SecureRandom, SystemRandom};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Everything that is behind the lock.
pub(in crate::simulator) struct Inside {
    pub book: Book,
    pub switches: Switches,
    store: Store,
    /// How far the simulator's clock is turned.
    turned_ms: i64,
    noise: u64,
    /// What the merchant is to be told.
    pub notices: Vec<Notice>,
}

/// A wallet's customers, books and switches.
pub struct Counter {
    wallet: Wallet,
    clock: Arc<dyn Clock>,
    inside: Mutex<Inside>,
}

impl Counter {
    pub(in crate::simulator) fn new(
        wallet: Wallet,
        store: Store,
        switches: Switches,
        seed: u64,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let (book, turned_ms) = (store.load()?, store.setting("turned_ms")?.unwrap_or(0));
        let inside =
            Mutex::new(Inside { book, switches, store, turned_ms, noise: seed | 1, notices: Vec::new() });
        Ok(Self { wallet, clock, inside })
    }

    pub(in crate::simulator) fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self, inside: &Inside) -> Timestamp {
        Timestamp(self.clock.now().0.saturating_add(inside.turned_ms))
    }

    /// Which wallet it is.
    #[must_use]
    pub fn wallet(&self) -> Wallet {
        self.wallet
    }

    /// Shows a new payment code on somebody's phone.
    /// # Errors
    /// The books cannot be written.
    pub fn issue_code(&self, behaviour: Behaviour) -> Result<String, StoreError> {
        self.issue(behaviour, None)
    }

    /// Shows a new payment code of a wallet with so much money in it.
    /// # Errors
    /// The books cannot be written.
    pub fn issue_code_with(&self, behaviour: Behaviour, balance_minor: i64) -> Result<String, StoreError> {
        self.issue(behaviour, Some(balance_minor))
    }

    pub(super) fn issue(
        &self,
        behaviour: Behaviour,
        balance_minor: Option<i64>,
    ) -> Result<String, StoreError> {
        let mut inside = self.inside();
        let mut digits = new_digits(self.wallet, inside.next_noise());
        while inside.book.codes.contains_key(&digits) {
            digits = new_digits(self.wallet, inside.next_noise());
        }
        let now = self.now(&inside);
        inside.show(digits.clone(), behaviour, balance_minor, now)?;
        Ok(digits)
    }

    /// Shows this payment code on somebody's phone.
    /// # Errors
    /// The books cannot be written.
    pub fn show_code(&self, digits: &str, behaviour: Behaviour) -> Result<(), StoreError> {
        let mut inside = self.inside();
        let now = self.now(&inside);
        inside.show(digits.to_owned(), behaviour, None, now)
    }

    /// Changes the switches.
    pub fn switch(&self, change: impl FnOnce(&mut Switches)) {
        change(&mut self.inside().switches);
    }

    /// The next call to that endpoint goes wrong like this.
    pub fn next(&self, endpoint: Endpoint, fault: Fault) {
        self.switch(|switches| switches.next.entry(endpoint).or_default().push_back(fault));
    }

    /// Every order: the truth, as of now.
    /// # Errors
    /// The books cannot be written.
    pub fn orders(&self) -> Result<Vec<Order>, StoreError> {
        self.decide(|book, _, _| book.orders.values().cloned().collect())
    }

    /// The order under the merchant's number, if the wallet knows it.
    /// # Errors
    /// The books cannot be written.
    pub fn order(&self, number: &str) -> Result<Option<Order>, StoreError> {
        self.decide(|book, _, _| book.orders.get(number).cloned())
    }

    /// Turns the simulator's clock forward (or back); answers what it shows then.
    /// # Errors
    /// The books cannot be written.
    pub fn turn_clock(&self, by_ms: i64) -> Result<Timestamp, StoreError> {
        let mut inside = self.inside();
        inside.turned_ms = inside.turned_ms.saturating_add(by_ms);
        inside.store.set("turned_ms", &inside.turned_ms)?;
        Ok(self.now(&inside))
    }

    /// A person finishes a refund that could not reach the customer, in the wallet's merchant system; whether there is one.
    /// # Errors
    /// The books cannot be saved.
    pub fn finish_refund(&self, refund: &str) -> Result<bool, StoreError> {
        self.decide(|book, _, now| book.finish_refund(refund, now))
    }

    /// What goes wrong with this call because of a switch.
    pub(in crate::simulator) fn fault_of_switch(&self, endpoint: Endpoint) -> Option<Fault> {
        self.inside().switches.take_fault(endpoint)
    }

    /// What goes wrong with this call because of the order that it is about, or of the code that it charges.
    pub(in crate::simulator) fn fault_of_customer(
        &self,
        endpoint: Endpoint,
        number: Option<&String>,
        code: Option<&String>,
    ) -> Option<Fault> {
        let inside = self.inside();
        let order = number.and_then(|number| inside.book.orders.get(number));
        match (endpoint, order) {
            // A repeated pay call is answered with what is true.
            (Endpoint::Pay, Some(_)) => None,
            (Endpoint::Pay, None) => {
                let code = code.and_then(|digits| inside.book.codes.get(digits));
                code.and_then(|code| code.behaviour.fault(endpoint, 0))
            }
            (Endpoint::Reverse, Some(order)) => order.behaviour.fault(endpoint, order.reversals),
            (_, order) => order.and_then(|order| order.behaviour.fault(endpoint, order.queries)),
        }
    }

    /// Lets time pass, lets a rule decide over the books, and saves what it has changed.
    /// # Errors
    /// It is not on disk: like at the real one, it may or may not have happened.
    pub(in crate::simulator) fn decide<T>(
        &self,
        rule: impl FnOnce(&mut Book, &mut Switches, Timestamp) -> T,
    ) -> Result<T, StoreError> {
        let mut inside = self.inside();
        let now = self.now(&inside);
        let Inside { book, switches, .. } = &mut *inside;
        book.advance(now, switches);
        let decided = rule(book, switches, now);
        inside.save()?;
        Ok(decided)
    }

    /// A number that nobody foresees, and now and then the name of a field that no documentation knows: wallets
    /// reserve that right.
    pub(in crate::simulator) fn noise(&self) -> (u64, Option<String>) {
        let mut inside = self.inside();
        let noise = inside.next_noise();
        let strange = inside.switches.extra_fields && noise.is_multiple_of(3);
        (noise, strange.then(|| format!("zz_new_field_{}", noise % 10)))
    }
}

impl Inside {
    fn save(&mut self) -> Result<(), StoreError> {
        self.store.save(&mut self.book)
    }

    fn show(
        &mut self,
        digits: String,
        behaviour: Behaviour,
        balance_minor: Option<i64>,
        issued_at: Timestamp,
    ) -> Result<(), StoreError> {
        let code = Code { digits: digits.clone(), behaviour, balance_minor, issued_at, used_by: None };
        self.book.changed_codes.insert(digits.clone());
        self.book.codes.insert(digits, code);
        self.save()
    }

    fn next_noise(&mut self) -> u64 {
        self.noise ^= self.noise << 13;
        self.noise ^= self.noise >> 7;
        self.noise ^= self.noise << 17;
        self.noise
    }
}

/// 18 digits that begin as that wallet's codes do: from the system's randomness, and from `noise` should there be
/// none.
fn new_digits(wallet: Wallet, noise: u64) -> String {
    let mut random = [0; 8];
    let _ = SystemRandom::new().fill(&mut random);
    let number = u64::from_le_bytes(random) ^ noise;
    let first = match wallet {
        Wallet::WeChatPay => 10,
        Wallet::Alipay => 25,
    };
    format!("{}{:016}", first + number % 6, (number / 6) % 10_000_000_000_000_000)
}
