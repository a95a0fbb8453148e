//! The goods of the sale in hand, before it is closed for payment. Pure.

use evertill_shared::clock::Timestamp;
use evertill_shared::id::StoreId;
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order::line::Line;
use evertill_shared::order::{Sale, SaleError};
use evertill_shared::protocol::catalogue::Product;

/// So many characters of a name are sold under it: with the most lines, a sale still fits into one request.
const LONGEST_NAME: usize = 120;

/// A line with the name that the screen uses for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedLine {
    /// Stays the same while the sale lasts.
    pub name: u32,
    /// The line.
    pub line: Line,
}

/// The goods so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cart {
    lines: Vec<NamedLine>,
    next_name: u32,
}

/// A piece that a scale has weighed or priced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// What it costs.
    pub price_minor: i64,
    /// What stands behind its name on the receipt, such as ` 0.512 kg`.
    pub note: String,
}

/// Why goods were not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAdded {
    /// The goods have no price, or one in another currency.
    NoPrice,
    /// The price is that of a kilogram, and nobody has weighed them.
    NoWeight,
    /// There is no more room, on the line or in the sale.
    Limit,
}

impl Cart {
    /// The goods of a sale that was closed for payment before.
    pub fn of(sale: &Sale) -> Self {
        let mut cart = Self::default();
        for line in &sale.lines {
            cart.push(line.clone());
        }
        cart
    }

    fn push(&mut self, line: Line) {
        self.lines.push(NamedLine { name: self.next_name, line });
        self.next_name += 1;
    }

    pub fn lines(&self) -> &[NamedLine] {
        &self.lines
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub fn item_count(&self) -> u32 {
        self.lines.iter().fold(0, |sum, named| sum.saturating_add(named.line.quantity))
    }

    pub fn total_minor(&self) -> i64 {
        self.lines.iter().fold(0, |sum, named| sum.saturating_add(named.line.total.minor))
    }

    /// One more of these goods: on the line that has them already, or on a new one.
    pub fn add(&mut self, product: &Product, currency: Currency) -> Result<(), NotAdded> {
        if !product.price.is_positive() || product.price.currency != currency {
            return Err(NotAdded::NoPrice);
        }
        if product.sold_by_weight {
            return Err(NotAdded::NoWeight);
        }
        let same = |named: &NamedLine| {
            named.line.product == product.id
                && named.line.unit_price == product.price
                && named.line.tax_rate == product.tax_rate
        };
        if let Some(index) = self.lines.iter().position(same) {
            return self.set_quantity(index, self.lines[index].line.quantity + 1);
        }
        if self.lines.len() >= Sale::MAX_LINES {
            return Err(NotAdded::Limit);
        }
        let name = product.name.chars().take(LONGEST_NAME).collect();
        let line = Line::new(product.id.clone(), name, 1, product.price, product.tax_rate);
        let line = line.map_err(|_| NotAdded::Limit)?;
        self.total_minor().checked_add(line.total.minor).ok_or(NotAdded::Limit)?;
        self.push(line);
        Ok(())
    }

    /// One piece of these goods with a price of its own, on a line of its own: what a scale has weighed.
    pub fn add_piece(
        &mut self,
        product: &Product,
        piece: &Piece,
        currency: Currency,
    ) -> Result<(), NotAdded> {
        if piece.price_minor <= 0 || product.price.currency != currency {
            return Err(NotAdded::NoPrice);
        }
        if self.lines.len() >= Sale::MAX_LINES {
            return Err(NotAdded::Limit);
        }
        let room = LONGEST_NAME.saturating_sub(piece.note.chars().count());
        let name: String = product.name.chars().take(room).chain(piece.note.chars()).collect();
        let price = Amount::new(piece.price_minor, currency);
        let line = Line::new(product.id.clone(), name, 1, price, product.tax_rate);
        let line = line.map_err(|_| NotAdded::Limit)?;
        self.total_minor().checked_add(line.total.minor).ok_or(NotAdded::Limit)?;
        self.push(line);
        Ok(())
    }

    fn set_quantity(&mut self, index: usize, quantity: u32) -> Result<(), NotAdded> {
        let old = &self.lines[index].line;
        let new = Line::new(old.product.clone(), old.name.clone(), quantity, old.unit_price, old.tax_rate);
        let new = new.map_err(|_| NotAdded::Limit)?;
        let total = self.total_minor() - old.total.minor;
        total.checked_add(new.total.minor).ok_or(NotAdded::Limit)?;
        self.lines[index].line = new;
        Ok(())
    }

    /// Changes a quantity; at nothing the line goes. `Ok(false)` if there is no such line.
    pub fn change(&mut self, name: u32, delta: i32) -> Result<bool, NotAdded> {
        let Some(index) = self.lines.iter().position(|named| named.name == name) else { return Ok(false) };
        let quantity = i64::from(self.lines[index].line.quantity) + i64::from(delta);
        if quantity <= 0 {
            self.lines.remove(index);
            return Ok(true);
        }
        self.set_quantity(index, u32::try_from(quantity).map_err(|_| NotAdded::Limit)?)?;
        Ok(true)
    }

    /// Takes a line out; false if there is no such line.
    pub fn remove(&mut self, name: u32) -> bool {
        let before = self.lines.len();
        self.lines.retain(|named| named.name != name);
        self.lines.len() != before
    }

    /// The sale, closed for payment.
    pub fn close(&self, store: StoreId, at: Timestamp, currency: Currency) -> Result<Sale, SaleError> {
        let lines = self.lines.iter().map(|named| named.line.clone()).collect();
        Sale::new(store, at, currency, lines)
    }
}
