//! The store's own codes with a weight or a price inside, as its scales print them.

use super::Controller;
use super::cart::Piece;
use evertill_hardware::label::in_store::{self, InStoreCode};
use evertill_shared::protocol::catalogue::Product;

/// By so much a scale's price may differ from weight times price: scales round their own way.
const ROUNDING_MINOR: i64 = 1;

impl Controller {
    /// The goods and the piece that an in-store code means, if a rule of the store's fits and the goods are known. Goods
    /// that have exactly this code come first: a code of that range may be a plain private label.
    ///
    /// The goods' own price is that of a kilogram where the code holds a weight.
    pub(super) fn weighed(&self, code: &str) -> Option<(Product, Piece)> {
        if self.goods.by_barcode(code).is_some() {
            return None;
        }
        let read = in_store::read(&self.options.in_store, code)?;
        let product = read.candidates().iter().find_map(|number| self.goods.by_barcode(number))?;
        let piece = piece(&read, product.price.minor)?;
        Some((product, piece))
    }
}

/// The piece that a code means at this price for a kilogram; none where it contradicts itself.
fn piece(code: &InStoreCode, per_kg_minor: i64) -> Option<Piece> {
    let by_weight = code.weight_g.map(|grams| for_weight(grams, per_kg_minor));
    let price_minor = match (code.price_minor, by_weight) {
        // Both: they must agree, since as many digits may be a customer's payment code.
        (Some(price), Some(weighed)) => (price - weighed?).abs().le(&ROUNDING_MINOR).then_some(price)?,
        (Some(price), None) => price,
        (None, Some(weighed)) => weighed?,
        (None, None) => return None,
    };
    let note =
        code.weight_g.map_or_else(String::new, |grams| format!(" {}.{:03} kg", grams / 1000, grams % 1000));
    Some(Piece { price_minor, note })
}

/// What so many grams cost, rounded half up to the smallest unit.
fn for_weight(grams: u32, per_kg_minor: i64) -> Option<i64> {
    per_kg_minor
        .checked_mul(i64::from(grams))?
        .checked_add(500)
        .map(|thousandths| thousandths.div_euclid(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(weight_g: Option<u32>, price_minor: Option<i64>) -> InStoreCode {
        InStoreCode { item: "12345".into(), mark: "21".into(), weight_g, price_minor }
    }

    #[test]
    fn a_weight_costs_its_share_of_a_kilogram_rounded_half_up() {
        let got = piece(&code(Some(512), None), 990).unwrap();
        assert_eq!((got.price_minor, got.note.as_str()), (507, " 0.512 kg"));
        assert_eq!(piece(&code(Some(500), None), 99).unwrap().price_minor, 50);
        assert_eq!(piece(&code(Some(u32::MAX), None), i64::MAX), None);
    }

    #[test]
    fn a_price_counts_as_it_is_and_must_agree_with_a_weight_beside_it() {
        assert_eq!(piece(&code(None, Some(1234)), 1).unwrap().price_minor, 1234);
        assert_eq!(piece(&code(Some(512), Some(507)), 990).unwrap().price_minor, 507);
        assert_eq!(piece(&code(Some(512), Some(506)), 990).unwrap().price_minor, 506);
        assert_eq!(piece(&code(Some(512), Some(700)), 990), None);
        assert_eq!(piece(&code(None, None), 990), None);
    }
}
