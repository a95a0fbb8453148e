//! The goods of the sale in hand, before it is closed for payment. Pure.
//!
//! Discounts that were given stand as long as they fit: by per cent they follow what they are on, by amount they stay,
//! and one that has become larger than what it is on is taken off again, which whoever stands there is told. What
//! somebody else approved was an amount of money: a discount that would become more than that is taken off too, and a
//! price that was approved is not that of more pieces.

use evertill_shared::cashier::Cashier;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::StoreId;
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order::age::AgeCheck;
use evertill_shared::order::discount::{Discount, LONGEST_TEXT, PriceChange, Reason};
use evertill_shared::order::line::{Line, LineError};
use evertill_shared::order::{Sale, SaleError, serial, spread};
use evertill_shared::protocol::catalogue::Product;
use serde::{Deserialize, Serialize};

/// So many characters of a name are sold under it: with the most lines, a sale still fits into one request.
const LONGEST_NAME: usize = 120;

/// A line with the name that the screen uses for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedLine {
    /// Stays the same while the sale lasts.
    pub name: u32,
    /// The line.
    pub line: Line,
}

/// The goods so far. What is kept of it on the disk is this, as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cart {
    lines: Vec<NamedLine>,
    next_name: u32,
    /// What is taken off the whole.
    discount: Option<Discount>,
    note: Option<String>,
    /// Lines that were taken out again.
    lines_voided: u32,
    /// Who gave what no name stands on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<Cashier>,
    /// How old the customer was found to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    age: Option<AgeCheck>,
}

/// A piece that a scale has weighed or priced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// What it costs.
    pub price_minor: i64,
    /// What stands behind its name on the receipt, such as ` 0.512 kg`.
    pub note: String,
}

/// What else a change did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Changed {
    /// Nothing.
    Only,
    /// A discount did not fit any more, and was taken off.
    DiscountGone,
    /// A price was approved for fewer, and is the goods' own again.
    PriceGone,
}

/// Why nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotDone {
    /// The goods have no price, or one in another currency.
    NoPrice,
    /// The price is that of a kilogram, and nobody has weighed them.
    NoWeight,
    /// There is no more room, on the line or in the sale.
    Limit,
    /// More would be taken off than there is, or nothing would be left to pay.
    TooMuchOff,
    /// There is no such line any more.
    NoLine,
    /// The piece with this serial number is in the sale already.
    SerialTwice,
    /// The line is of one piece, by its serial number.
    OnePiece,
}

impl From<LineError> for NotDone {
    fn from(error: LineError) -> Self {
        match error {
            LineError::Discount(error) if error.is_too_much() => Self::TooMuchOff,
            LineError::Serial => Self::OnePiece,
            _ => Self::Limit,
        }
    }
}

impl Cart {
    /// The goods of a sale that was closed for payment before.
    pub fn of(sale: &Sale) -> Self {
        let mut cart = Self {
            discount: sale.discount.clone(),
            note: sale.note.clone(),
            lines_voided: sale.lines_voided,
            by: sale.cashier.clone(),
            age: sale.age.clone(),
            ..Self::default()
        };
        for line in &sale.lines {
            cart.push(line.clone());
        }
        cart
    }

    /// This person serves now. What the one before gave by the own right has that name on it from here on, so it does not
    /// grow and is not said to be anybody else's; what this one approved before is given by the own right now.
    pub fn hand_over(&mut self, to: Option<&Cashier>) {
        if self.is_empty() {
            return;
        }
        let before = std::mem::replace(&mut self.by, to.cloned());
        let login = |who: Option<&Cashier>| who.map(|who| who.login.clone());
        if login(before.as_ref()) == login(to) {
            return;
        }
        let name = |approved_by: &mut Option<Cashier>| {
            if approved_by.is_none() {
                approved_by.clone_from(&before);
            } else if login(approved_by.as_ref()) == login(to) {
                *approved_by = None;
            }
        };
        let lines = self.lines.iter_mut().map(|named| &mut named.line);
        for line in lines {
            line.discount.iter_mut().for_each(|discount| name(&mut discount.approved_by));
            line.price_change.iter_mut().for_each(|change| name(&mut change.approved_by));
        }
        self.discount.iter_mut().for_each(|discount| name(&mut discount.approved_by));
    }

    fn push(&mut self, line: Line) {
        self.lines.push(NamedLine { name: self.next_name, line });
        self.next_name += 1;
    }

    pub fn lines(&self) -> &[NamedLine] {
        &self.lines
    }

    pub fn line(&self, name: u32) -> Option<&Line> {
        self.lines.iter().find(|named| named.name == name).map(|named| &named.line)
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub fn discount(&self) -> Option<&Discount> {
        self.discount.as_ref()
    }

    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Whether somebody looked already, and found the customer so old or older.
    pub fn is_old_enough(&self, years: u8) -> bool {
        self.age.as_ref().is_some_and(|age| age.years >= years)
    }

    /// Somebody looked, and found the customer so old.
    pub fn found_old_enough(&mut self, age: AgeCheck) {
        if !self.is_old_enough(age.years) {
            self.age = Some(age);
        }
    }

    pub fn lines_voided(&self) -> u32 {
        self.lines_voided
    }

    /// The lines that there are and were.
    pub fn lines_ever(&self) -> u32 {
        u32::try_from(self.lines.len()).unwrap_or(u32::MAX).saturating_add(self.lines_voided)
    }

    pub fn item_count(&self) -> u32 {
        self.lines.iter().fold(0, |sum, named| sum.saturating_add(named.line.quantity))
    }

    pub fn total_minor(&self) -> i64 {
        self.lines.iter().fold(0, |sum, named| sum.saturating_add(named.line.total.minor))
    }

    /// What the lines cost before anything is taken off the whole.
    pub fn before_discount(&self, currency: Currency) -> Amount {
        let taken = self.discount.as_ref().map_or(0, |discount| discount.amount.minor);
        Amount::new(self.total_minor().saturating_add(taken), currency)
    }

    /// The tax inside the total.
    pub fn tax_minor(&self) -> i64 {
        let tax = |named: &NamedLine| named.line.tax().map_or(0, |tax| tax.minor);
        self.lines.iter().map(tax).fold(0, i64::saturating_add)
    }

    fn place(&self, name: u32) -> Result<usize, NotDone> {
        self.lines.iter().position(|named| named.name == name).ok_or(NotDone::NoLine)
    }

    /// So many more of these goods, or none: on the line that has them already at their own price, or on a new one.
    pub fn add_many(
        &mut self,
        product: &Product,
        count: u32,
        currency: Currency,
    ) -> Result<Changed, NotDone> {
        if !product.price.is_positive() || product.price.currency != currency {
            return Err(NotDone::NoPrice);
        }
        if product.sold_by_weight {
            return Err(NotDone::NoWeight);
        }
        let same = |named: &NamedLine| {
            named.line.product == product.id
                && named.line.unit_price == product.price
                && named.line.tax_rate == product.tax_rate
                && !named.line.is_adjusted()
        };
        if let Some(index) = self.lines.iter().position(same) {
            let quantity = self.lines[index].line.quantity.checked_add(count).ok_or(NotDone::Limit)?;
            return self.resize(index, quantity);
        }
        let name = product.name.chars().take(LONGEST_NAME).collect();
        self.put(Line::new(product.id.clone(), name, count, product.price, product.tax_rate)?)
    }

    /// One piece of these goods with a price of its own, on a line of its own: what a scale has weighed.
    pub fn add_piece(
        &mut self,
        product: &Product,
        piece: &Piece,
        currency: Currency,
    ) -> Result<Changed, NotDone> {
        if piece.price_minor <= 0 || product.price.currency != currency {
            return Err(NotDone::NoPrice);
        }
        let room = LONGEST_NAME.saturating_sub(piece.note.chars().count());
        let name: String = product.name.chars().take(room).chain(piece.note.chars()).collect();
        let price = Amount::new(piece.price_minor, currency);
        self.put(Line::new(product.id.clone(), name, 1, price, product.tax_rate)?)
    }

    fn has_serial(&self, number: &str) -> bool {
        let mut numbers = self.lines.iter().filter_map(|named| named.line.serial.as_deref());
        numbers.any(|other| serial::same(other, number))
    }

    /// A piece of these goods with its serial number, on a line of its own.
    pub fn add_with_serial(
        &mut self,
        product: &Product,
        piece: Option<&Piece>,
        number: &str,
        currency: Currency,
    ) -> Result<Changed, NotDone> {
        if self.has_serial(number) {
            return Err(NotDone::SerialTwice);
        }
        // Priced beside the sale, so that it joins no line of the same goods.
        let mut alone = Self::default();
        let _ = match piece {
            Some(piece) => alone.add_piece(product, piece, currency)?,
            None => alone.add_many(product, 1, currency)?,
        };
        let named = alone.lines.pop().ok_or(NotDone::NoLine)?;
        self.put(named.line.with_serial(number.to_owned())?)
    }

    fn put(&mut self, line: Line) -> Result<Changed, NotDone> {
        if self.lines.len() >= Sale::MAX_LINES {
            return Err(NotDone::Limit);
        }
        self.push(line);
        self.settle()
    }

    /// Another quantity. A price that somebody approved was approved for so many, and is not that of more.
    fn resize(&mut self, index: usize, quantity: u32) -> Result<Changed, NotDone> {
        let line = &self.lines[index].line;
        let approved = line.price_change.as_ref().filter(|change| change.approved_by.is_some());
        match approved.filter(|_| quantity > line.quantity).map(|change| change.was) {
            None => self.replace(index, |line| line.with_quantity(quantity)),
            Some(own) => self
                .replace(index, |line| line.with_price(own, None)?.with_quantity(quantity))
                .map(|_| Changed::PriceGone),
        }
    }

    /// Replaces a line. If its discount does not fit any more, it goes.
    fn replace(
        &mut self,
        index: usize,
        change: impl Fn(Line) -> Result<Line, LineError>,
    ) -> Result<Changed, NotDone> {
        let old = self.lines[index].line.clone();
        let (new, gone) = match change(old.clone()) {
            Err(LineError::Discount(error)) if error.is_too_much() && old.discount.is_some() => {
                (change(old.with_discount(None)?)?, true)
            }
            other => (other?, false),
        };
        self.lines[index].line = new;
        let changed = self.settle()?;
        Ok(if gone { Changed::DiscountGone } else { changed })
    }

    /// After any change: all must add up, and each line gets its part of what is taken off the whole.
    fn settle(&mut self) -> Result<Changed, NotDone> {
        let gross = self.lines.iter().try_fold(0_i64, |sum, named| {
            named.line.gross().ok().and_then(|gross| sum.checked_add(gross.minor))
        });
        let adjusted = self.lines.iter().filter(|named| named.line.is_adjusted()).count();
        if gross.is_none() || adjusted > Sale::MAX_ADJUSTED {
            return Err(NotDone::Limit);
        }
        if self.discount.is_none() && self.lines.iter().all(|named| named.line.share.is_none()) {
            return Ok(Changed::Only);
        }
        let Some(discount) = self.discount.clone() else {
            return self.spread(None).map(|()| Changed::Only);
        };
        if self.spread(Some(discount)).is_ok() && self.total_minor() > 0 {
            return Ok(Changed::Only);
        }
        self.spread(None)?;
        Ok(Changed::DiscountGone)
    }

    fn spread(&mut self, discount: Option<Discount>) -> Result<(), NotDone> {
        let mut lines: Vec<Line> = self.lines.iter().map(|named| named.line.clone()).collect();
        self.discount = spread(&mut lines, discount).map_err(|error| match error {
            SaleError::Discount(error) if error.is_too_much() => NotDone::TooMuchOff,
            _ => NotDone::Limit,
        })?;
        for (named, line) in self.lines.iter_mut().zip(lines) {
            named.line = line;
        }
        Ok(())
    }

    /// Changes a quantity; at nothing the line goes.
    pub fn change(&mut self, name: u32, delta: i32) -> Result<Changed, NotDone> {
        let index = self.place(name)?;
        let quantity = i64::from(self.lines[index].line.quantity) + i64::from(delta);
        if quantity <= 0 {
            return self.remove(name);
        }
        self.resize(index, u32::try_from(quantity).map_err(|_| NotDone::Limit)?)
    }

    /// Sets a quantity; at nothing the line goes.
    pub fn set_quantity(&mut self, name: u32, quantity: u32) -> Result<Changed, NotDone> {
        let index = self.place(name)?;
        if quantity == 0 { self.remove(name) } else { self.resize(index, quantity) }
    }

    /// Takes a line out, and counts it.
    pub fn remove(&mut self, name: u32) -> Result<Changed, NotDone> {
        let index = self.place(name)?;
        self.lines.remove(index);
        if self.lines.is_empty() {
            // Whatever comes next is another sale; that this one was given up has an entry of its own.
            *self = Self { next_name: self.next_name, ..Self::default() };
            return Ok(Changed::Only);
        }
        self.lines_voided = self.lines_voided.saturating_add(1);
        self.settle()
    }

    /// Takes this off a line, instead of what was taken off it before; or nothing more.
    pub fn discount_line(&mut self, name: u32, discount: Option<Discount>) -> Result<Changed, NotDone> {
        let index = self.place(name)?;
        self.lines[index].line = self.lines[index].line.clone().with_discount(discount)?;
        self.settle()
    }

    /// Takes this off the whole, instead of what was taken off it before; or nothing more.
    pub fn discount_whole(&mut self, discount: Option<Discount>) -> Result<(), NotDone> {
        self.spread(discount)?;
        if self.discount.is_some() && self.total_minor() <= 0 { Err(NotDone::TooMuchOff) } else { Ok(()) }
    }

    /// Sells a line at another price. What it cost at first is kept beside it.
    pub fn override_price(
        &mut self,
        name: u32,
        price: Amount,
        reason: Reason,
        approved_by: Option<Cashier>,
    ) -> Result<Changed, NotDone> {
        let index = self.place(name)?;
        let line = &self.lines[index].line;
        let was = line.price_change.as_ref().map_or(line.unit_price, |change| change.was);
        let change = (was != price).then_some(PriceChange { was, reason, approved_by });
        self.replace(index, |line| line.with_price(price, change.clone()))
    }

    /// Sells a line at its own price again.
    pub fn restore_price(&mut self, name: u32) -> Result<Changed, NotDone> {
        let index = self.place(name)?;
        let line = &self.lines[index].line;
        let own = line.price_change.as_ref().map_or(line.unit_price, |change| change.was);
        self.replace(index, |line| line.with_price(own, None))
    }

    /// Writes something to a line; nothing takes away what was written.
    pub fn note_line(&mut self, name: u32, text: &str) -> Result<Changed, NotDone> {
        let index = self.place(name)?;
        self.lines[index].line.note = note(text);
        self.settle()
    }

    /// Writes something to the whole sale.
    pub fn note_whole(&mut self, text: &str) {
        self.note = note(text);
    }

    /// The sale, closed for payment.
    pub fn close(&self, store: StoreId, at: Timestamp, currency: Currency) -> Result<Sale, SaleError> {
        let lines = self.lines.iter().map(|named| named.line.clone()).collect();
        let sale = Sale::discounted(store, at, currency, lines, self.discount.clone())?;
        Ok(sale.noted(self.note.clone(), self.lines_voided).with_age_check(self.age.clone()))
    }
}

/// What somebody typed, as one short line; none if there is nothing.
fn note(text: &str) -> Option<String> {
    let text = tidy(text, LONGEST_TEXT);
    (!text.is_empty()).then_some(text)
}

/// What somebody typed, on one line, and not too long.
pub fn tidy(text: &str, longest: usize) -> String {
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    clean.collect::<String>().trim().chars().take(longest).collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controller::tests_products as products;
    use evertill_shared::order::discount::{Off, Percent, ReasonKind};
    use proptest::prelude::*;

    fn cny(minor: i64) -> Amount {
        Amount::new(minor, Currency::CNY)
    }

    fn off(cart: &Cart, off: Off) -> Option<Discount> {
        let base = cart.before_discount(Currency::CNY);
        Some(Discount::new(off, base, Reason::usual(ReasonKind::Regular), None).unwrap())
    }

    fn cart(of: &[usize]) -> Cart {
        let mut cart = Cart::default();
        for index in of {
            assert_eq!(cart.add_many(&products()[*index], 1, Currency::CNY), Ok(Changed::Only));
        }
        cart
    }

    #[test]
    fn goods_that_are_scanned_again_do_not_get_the_discount_of_those_before() {
        let mut cart = cart(&[1, 1]);
        let tenth =
            Discount::new(Off::Percent(Percent(1_000)), cny(900), Reason::usual(ReasonKind::Damaged), None);
        assert_eq!(cart.discount_line(0, Some(tenth.unwrap())), Ok(Changed::Only));
        assert_eq!(cart.add_many(&products()[1], 1, Currency::CNY), Ok(Changed::Only));
        let totals: Vec<i64> = cart.lines().iter().map(|named| named.line.total.minor).collect();
        assert_eq!(totals, [810, 450]);
    }

    #[test]
    fn a_discount_that_does_not_fit_any_more_is_taken_off_and_told() {
        let mut cart = cart(&[1, 2]);
        let most = off(&cart, Off::Amount(cny(1_000)));
        assert_eq!(cart.discount_whole(most), Ok(()));
        assert_eq!(cart.total_minor(), 250);
        assert_eq!(cart.remove(1), Ok(Changed::DiscountGone));
        assert_eq!((cart.total_minor(), cart.discount(), cart.lines_voided()), (450, None, 1));
        let half = off(&cart, Off::Amount(cny(200)));
        assert_eq!(cart.clone().discount_line(0, half.clone()), Ok(Changed::Only));
        assert_eq!(
            cart.clone().discount_whole(off(&cart, Off::Percent(Percent::WHOLE))),
            Err(NotDone::TooMuchOff)
        );
        let mut priced = cart;
        assert_eq!(priced.discount_line(0, half), Ok(Changed::Only));
        let reason = Reason::usual(ReasonKind::PriceTag);
        assert_eq!(priced.override_price(0, cny(150), reason, None), Ok(Changed::DiscountGone));
        assert_eq!(priced.total_minor(), 150);
        assert_eq!(priced.restore_price(0), Ok(Changed::Only));
        assert_eq!((priced.total_minor(), priced.line(0).unwrap().price_change.as_ref()), (450, None));
    }

    #[test]
    fn many_are_added_at_once_or_none() {
        let mut cart = cart(&[1]);
        let most = Line::MAX_QUANTITY;
        assert_eq!(cart.clone().add_many(&products()[1], most, Currency::CNY), Err(NotDone::Limit));
        assert_eq!(cart.clone().add_many(&products()[1], u32::MAX, Currency::CNY), Err(NotDone::Limit));
        assert_eq!(cart.clone().add_many(&products()[2], u32::MAX, Currency::CNY), Err(NotDone::Limit));
        assert_eq!(cart.add_many(&products()[1], most - 1, Currency::CNY), Ok(Changed::Only));
        assert_eq!(cart.add_many(&products()[2], 12, Currency::CNY), Ok(Changed::Only));
        let quantities: Vec<u32> = cart.lines().iter().map(|named| named.line.quantity).collect();
        assert_eq!(quantities, [most, 12]);
    }

    #[test]
    fn a_price_overridden_twice_remembers_what_it_was_at_first() {
        let mut cart = cart(&[1]);
        let reason = || Reason::usual(ReasonKind::PriceTag);
        assert_eq!(cart.override_price(0, cny(400), reason(), None), Ok(Changed::Only));
        assert_eq!(cart.override_price(0, cny(300), reason(), None), Ok(Changed::Only));
        assert_eq!(cart.line(0).unwrap().price_change.as_ref().unwrap().was, cny(450));
        assert_eq!(cart.override_price(0, cny(450), reason(), None), Ok(Changed::Only));
        assert_eq!(cart.line(0).unwrap().price_change, None, "it is its own price again");
    }

    proptest! {
        #[test]
        fn whatever_is_done_to_a_cart_it_can_be_closed_or_has_nothing_to_pay_and_reads_back(
            steps in prop::collection::vec((0_u8..9, 0_u32..6, 1_i64..2_000), 1..40),
        ) {
            let mut cart = Cart::default();
            for (what, name, number) in steps {
                let mut next = cart.clone();
                let reason = || Reason::usual(ReasonKind::Damaged);
                let points = Percent(u16::try_from(number * 5).unwrap_or(1));
                let gross = next.line(name).and_then(|line| line.gross().ok()).unwrap_or(cny(0));
                let new = |off, base| Discount::new(off, base, reason(), None).ok();
                let done = match what {
                    0 | 1 => next.add_many(&products()[usize::try_from(name).unwrap() % 3], 1, Currency::CNY).is_ok(),
                    2 => next.set_quantity(name, u32::try_from(number % 7).unwrap()).is_ok(),
                    3 => next.discount_line(name, new(Off::Amount(cny(number)), gross)).is_ok(),
                    4 => next.discount_line(name, new(Off::Percent(points), gross)).is_ok(),
                    5 => next.override_price(name, cny(number), reason(), None).is_ok(),
                    6 => next.discount_whole(new(Off::Amount(cny(number)), next.before_discount(Currency::CNY))).is_ok(),
                    7 => next.discount_whole(new(Off::Percent(points), next.before_discount(Currency::CNY))).is_ok(),
                    _ => next.restore_price(name).is_ok(),
                };
                if done {
                    cart = next;
                }
                match cart.close(7_u32.try_into().unwrap(), Timestamp(1), Currency::CNY) {
                    Ok(sale) => {
                        prop_assert_eq!(sale.total.minor, cart.total_minor());
                        prop_assert_eq!(sale.tax.minor, cart.tax_minor());
                        prop_assert_eq!(Cart::of(&sale).total_minor(), cart.total_minor());
                    }
                    Err(SaleError::Empty) => prop_assert!(cart.is_empty()),
                    Err(error) => {
                        prop_assert_eq!(error, SaleError::NothingToPay);
                        prop_assert_eq!(cart.total_minor(), 0);
                    }
                }
                let text = serde_json::to_string(&cart).unwrap();
                prop_assert_eq!(&serde_json::from_str::<Cart>(&text).unwrap(), &cart);
            }
        }
    }
}
