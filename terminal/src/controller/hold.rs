//! The cart on the disk, and sales that are parked. A sale is in one place at any time: in hand, or held once.

use super::cart::{Cart, tidy};
use super::{At, Controller};
use crate::journal_store::{HeldSale, Journal, JournalError};
use crate::view::{HeldPage, HeldRow, Notice};
use evertill_shared::journal::Body;

/// The most sales that are held at a time: more would be goods that nobody is waiting for.
const MOST_HELD: usize = 50;
/// The most characters of the name of a held sale.
const LONGEST_NAME: usize = 40;
/// So many names of goods say what a held sale is.
const GOODS_SHOWN: usize = 4;

/// A held sale that was read.
#[derive(Debug)]
pub struct Held {
    stored: HeldSale,
    cart: Cart,
}

/// What was in hand when the program ended.
#[derive(Debug)]
pub(super) enum Kept {
    Nothing,
    /// Goods that no entry holds.
    Loose(Box<Cart>),
    /// Goods that were closed for payment as this sale.
    Closed(u64),
}

impl Controller {
    /// What was parked before the program began. What cannot be read stays on the disk and is not offered.
    fn load_held(&mut self) {
        let Some(stored) = self.read(|journal| journal.held()) else { return };
        let read = |stored: HeldSale| match serde_json::from_str(&stored.record) {
            Ok(cart) => Some(Held { stored, cart }),
            Err(error) => {
                tracing::error!(held = stored.id, %error, "a held sale cannot be read");
                None
            }
        };
        self.held = stored.into_iter().filter_map(read).collect();
    }

    /// What was in hand when the program ended.
    pub(super) fn kept_cart(&mut self) -> Kept {
        self.load_held();
        let Some(kept) = self.read(|journal| journal.kept_cart()).flatten() else { return Kept::Nothing };
        let cart: Cart = serde_json::from_str(&kept.record)
            .inspect_err(|error| tracing::error!(%error, "the cart of before cannot be read"))
            .unwrap_or_default();
        self.kept = cart.clone();
        if let Some(sale) = kept.sale {
            // One that was given up was just about to be changed.
            let stored = self.read(|journal| journal.sale(sale)).flatten();
            if !stored.is_some_and(|stored| stored.record.voided) {
                return Kept::Closed(sale);
            }
        }
        if cart.is_empty() { Kept::Nothing } else { Kept::Loose(Box::new(cart)) }
    }

    /// Keeps the cart as it is now, if it is not kept yet. A full disk does not stop the sale: what is lost is only that
    /// the cart comes back by itself.
    pub(super) fn keep_cart(&mut self) {
        // What is closed for payment is the journal's; and after a fault the disk may know more than we do.
        if self.frozen.is_some() || !self.faults.is_empty() || self.kept == self.cart {
            return;
        }
        let Some(journal) = &mut self.journal else { return };
        let done = match self.cart.is_empty() {
            true => journal.keep_cart(None),
            false => record(&self.cart).and_then(|record| journal.keep_cart(Some(&record))),
        };
        self.kept = self.cart.clone();
        match done {
            Ok(()) => {}
            Err(JournalError::DiskFull) => tracing::warn!("the disk is full: the cart is not kept"),
            Err(error) => self.journal_failed(error),
        }
    }

    /// Parks the sale in hand.
    pub(super) fn hold(&mut self, name: &str) {
        if !matches!(self.at, At::Held) || self.cart.is_empty() {
            return;
        }
        if self.held.len() >= MOST_HELD {
            return self.tell(Notice::TooManyHeld);
        }
        let name = tidy(name, LONGEST_NAME);
        if let Some(sale) = self.frozen {
            if self.write(&Body::SaleChanged { sale }).is_none() {
                return;
            }
            self.frozen = None;
        }
        let (cart, at) = (self.cart.clone(), self.now.wall);
        let stored = self.on_disk(|journal| {
            let record = record(&cart)?;
            Ok(HeldSale { id: journal.hold(&name, &record, at)?, at, name, record })
        });
        let Some(stored) = stored else { return };
        self.tell_held(&stored);
        self.held.push(Held { stored, cart });
        (self.cart, self.kept) = (Cart::default(), Cart::default());
        self.next_customer();
        self.search.clear();
        self.at = At::Sale;
    }

    fn tell_held(&mut self, stored: &HeldSale) {
        self.notices.over();
        self.tell(Notice::SaleHeld { name: shown_name(stored) });
    }

    /// Takes a held sale in hand again. Nothing is mixed: what is in hand is held or voided first.
    pub(super) fn recall(&mut self, id: u64) {
        let Some(place) = self.held.iter().position(|held| held.stored.id == id) else { return };
        if !matches!(self.at, At::Held) {
            return;
        }
        if !self.cart.is_empty() {
            return self.tell(Notice::HoldFirst);
        }
        let Some(recalled) = self.on_disk(|journal| journal.recall(id)) else { return };
        let held = self.held.remove(place);
        if recalled {
            self.kept = held.cart.clone();
            self.cart = held.cart;
            self.cart.hand_over(self.cashier().as_ref());
            self.frozen = None;
            self.at = At::Sale;
            self.notices.over();
        }
    }

    /// Writes beside the journal; `None` when it failed, which then is on screen.
    fn on_disk<T>(&mut self, write: impl FnOnce(&mut dyn Journal) -> Result<T, JournalError>) -> Option<T> {
        let journal = self.journal.as_deref_mut()?;
        match write(journal) {
            Ok(value) => Some(value),
            Err(error) => {
                self.journal_failed(error);
                None
            }
        }
    }

    pub(super) fn held_page(&self) -> HeldPage {
        let row = |held: &Held| HeldRow {
            id: held.stored.id,
            name: shown_name(&held.stored),
            time: self.time_of_day(held.stored.at),
            item_count: held.cart.item_count(),
            total_minor: held.cart.total_minor(),
            goods: goods_of(&held.cart),
        };
        HeldPage {
            item_count: self.cart.item_count(),
            total_minor: self.cart.total_minor(),
            rows: self.held.iter().rev().map(row).collect(),
        }
    }
}

fn record(cart: &Cart) -> Result<String, JournalError> {
    Ok(serde_json::to_string(cart)?)
}

/// The name that somebody gave it, or its number.
fn shown_name(stored: &HeldSale) -> String {
    if stored.name.is_empty() { format!("#{}", stored.id) } else { stored.name.clone() }
}

fn goods_of(cart: &Cart) -> String {
    let names: Vec<&str> =
        cart.lines().iter().take(GOODS_SHOWN).map(|named| named.line.name.as_str()).collect();
    names.join(", ")
}
