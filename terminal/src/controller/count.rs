//! The sheet of a blind count.

use crate::view::CountRow;
use evertill_shared::money::Currency;
use evertill_shared::shift::{Counted, denominations};

/// The most pieces of one value: no drawer holds more.
const MOST: u32 = 99_999;

/// What is being counted.
#[derive(Clone, Debug)]
pub struct Sheet {
    rows: Vec<Counted>,
    chosen: usize,
}

impl Sheet {
    /// Nothing counted yet.
    pub fn of(currency: Currency) -> Self {
        let row = |value_minor| Counted { value_minor, pieces: 0 };
        Self { rows: denominations(currency).into_iter().map(row).collect(), chosen: 0 }
    }

    /// The pieces of this value are typed from here on.
    pub fn choose(&mut self, value_minor: i64) {
        if let Some(index) = self.rows.iter().position(|row| row.value_minor == value_minor) {
            self.chosen = index;
        }
    }

    /// A key: a digit, `back`, `clear`, or `next` for the next value.
    pub fn press(&mut self, key: &str) {
        let last = self.rows.len().saturating_sub(1);
        let Some(row) = self.rows.get_mut(self.chosen) else { return };
        match key {
            "next" => self.chosen = if self.chosen == last { 0 } else { self.chosen + 1 },
            "back" => row.pieces /= 10,
            "clear" => row.pieces = 0,
            digits => {
                let more = digits.chars().try_fold(row.pieces, |sum, c| Some(sum * 10 + c.to_digit(10)?));
                row.pieces = more.filter(|pieces| *pieces <= MOST).unwrap_or(row.pieces);
            }
        }
    }

    /// The value whose pieces are typed.
    pub fn chosen(&self) -> i64 {
        self.rows.get(self.chosen).map_or(0, |row| row.value_minor)
    }

    /// What was counted: values of which there is nothing are left out.
    pub fn counted(&self) -> Vec<Counted> {
        self.rows.iter().filter(|row| row.pieces > 0).copied().collect()
    }

    /// What it comes to.
    pub fn total_minor(&self) -> i64 {
        self.rows().iter().map(|row| row.sum_minor).fold(0, i64::saturating_add)
    }

    /// All values.
    pub fn rows(&self) -> Vec<CountRow> {
        let row = |Counted { value_minor, pieces }| CountRow {
            value_minor,
            pieces,
            sum_minor: value_minor.saturating_mul(i64::from(pieces)),
        };
        self.rows.iter().copied().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_typed_value_by_value_and_senseless_keys_change_nothing() {
        let mut sheet = Sheet::of(Currency::CNY);
        for key in ["1", "2", "x", "", "next", "3", "back", "4", "next", "7", "clear", "9"] {
            sheet.press(key);
        }
        sheet.choose(10);
        sheet.choose(3);
        ["9", "9", "9", "9", "9", "9"].iter().for_each(|key| sheet.press(key));
        let counted: Vec<_> = sheet.counted().iter().map(|row| (row.value_minor, row.pieces)).collect();
        assert_eq!(counted, [(10_000, 12), (5_000, 4), (2_000, 9), (10, 99_999)]);
        assert_eq!(sheet.total_minor(), 120_000 + 20_000 + 18_000 + 999_990);
        sheet.press("next");
        assert_eq!(sheet.chosen(), 10_000, "after the last comes the first");
    }
}
