//! Goods that only people of a certain age may buy: whoever stands at the till says whether the customer is old enough, once
//! for each sale and age. Without a yes they leave no line. What is scanned while the till asks waits, and follows in its
//! order. Goods that are sold by their serial number ask for that after it: see [`super::serial`].

use super::cart::{Changed, NotDone, Piece};
use super::question::{Question, Yes};
use super::{At, Cart, Controller};
use crate::view::{Confirm, Notice};
use evertill_hardware::label::Label;
use evertill_shared::money::Currency;
use evertill_shared::order::age::AgeCheck;
use evertill_shared::protocol::catalogue::Product;

/// So many scans wait: more than anybody makes in front of a question.
const MOST_WAITING: usize = 100;

/// How much of its goods is to be sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Measure {
    /// So many, at the goods' own price.
    Several(u32),
    /// A piece with a price of its own.
    Piece(Piece),
}

/// Goods that are to be sold.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub(super) product: Product,
    pub(super) measure: Measure,
    /// The piece's own number, if the scanned code held it.
    pub(super) serial: Option<String>,
}

impl Wanted {
    fn add_to(&self, cart: &mut Cart, currency: Currency) -> Result<Changed, NotDone> {
        match &self.measure {
            Measure::Several(count) => cart.add_many(&self.product, *count, currency),
            Measure::Piece(piece) => cart.add_piece(&self.product, piece, currency),
        }
    }
}

impl Controller {
    /// Adds goods to the sale; those that ask for an age after somebody has said yes.
    pub(super) fn sell(&mut self, product: Product, measure: Measure) {
        self.sell_piece(product, measure, None);
    }

    /// The same for what was scanned with the piece's own number in the code.
    pub(super) fn sell_piece(&mut self, product: Product, measure: Measure, serial: Option<String>) {
        let wanted = Wanted { product, measure, serial };
        let mut cart = self.cart.clone();
        let added = wanted.add_to(&mut cart, self.currency());
        match wanted.product.least_age.filter(|years| added.is_ok() && !self.cart.is_old_enough(*years)) {
            Some(years) => self.ask_age(wanted, years),
            None if wanted.product.needs_serial && added.is_ok() => self.ask_serial(wanted, None),
            None => self.after_adding(added, cart, &wanted.product),
        }
    }

    fn ask_age(&mut self, wanted: Wanted, years: u8) {
        self.notices.over();
        let shown = Confirm::OldEnough {
            name: wanted.product.name.clone(),
            years,
            born_by: self.day_of(self.now.wall).years_before(years).to_string(),
            waiting: u32::try_from(self.waiting.len()).unwrap_or(u32::MAX),
        };
        self.ask(shown, Yes::OldEnough(Box::new(wanted)));
    }

    /// The customer is old enough, or the goods are not sold.
    pub(super) fn age_answered(&mut self, wanted: &Wanted, yes: bool) {
        if let (true, Some(years)) = (yes, wanted.product.least_age) {
            let age = AgeCheck { years, by: self.cashier() };
            if wanted.product.needs_serial {
                return self.ask_serial(wanted.clone(), Some(age));
            }
            let mut cart = self.cart.clone();
            let added = wanted.add_to(&mut cart, self.currency());
            cart.found_old_enough(age);
            self.after_adding(added, cart, &wanted.product);
        } else {
            self.tell(Notice::NotSold { name: wanted.product.name.clone() });
        }
        self.sell_waiting();
    }

    /// What was scanned while the till asked, up to what asks again. Goods that are not added leave with the customer if nobody
    /// reads it: none hides what was told of another.
    pub(super) fn sell_waiting(&mut self) {
        while !self.waiting.is_empty() && self.takes_goods() {
            self.notices.keep_for_sale();
            let next = self.waiting.remove(0);
            self.scan_label(&next);
            self.notices.keep_for_sale();
        }
    }

    /// A scan while the till asks. Goods wait for the answer; whatever else it is, it is not used.
    pub(super) fn scan_meanwhile(&mut self, label: Label) {
        let code = label.code();
        let is_goods = self.goods.by_barcode(&code).is_some() || self.weighed(&code).is_some();
        if !is_goods || self.waiting.len() >= MOST_WAITING {
            return self.tell(Notice::ScanNotUsed);
        }
        self.waiting.push(label);
        let many = u32::try_from(self.waiting.len()).unwrap_or(u32::MAX);
        if let Some(Question { shown: Confirm::OldEnough { waiting, .. }, .. }) = &mut self.question {
            *waiting = many;
        }
    }

    /// Where the till locked itself or could not sell before the answer came, what waits follows as soon as it sells again:
    /// the sale in hand is still there, too.
    pub(super) fn resume_waiting(&mut self) {
        if !self.waiting.is_empty() && self.takes_goods() {
            self.notices.sells_again();
            self.sell_waiting();
        }
    }

    fn takes_goods(&self) -> bool {
        matches!(self.at, At::Sale)
            && self.question.is_none()
            && self.faults.is_empty()
            && !self.duty.is_locked()
            && self.journal.is_some()
    }
}
