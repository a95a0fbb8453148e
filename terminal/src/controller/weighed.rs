//! Codes with a weight, a price or a count inside, as scales print them: the store's own, and those of GS1.

use super::Controller;
use super::age::Measure;
use super::cart::Piece;
use crate::view::Notice;
use evertill_hardware::label::Label;
use evertill_hardware::label::gs1::Gs1;
use evertill_hardware::label::in_store::{self, InStoreCode};
use evertill_shared::business_day::BusinessDay;
use evertill_shared::money::Currency;
use evertill_shared::protocol::catalogue::Product;

/// By so much a scale's price may differ from weight times price: scales round their own way.
const ROUNDING_MINOR: i64 = 1;

impl Controller {
    /// Goods were scanned. A code that says how much of them it stands for is sold as that, or not at all: never as one of
    /// them at their price. One that says that they are past their date is not sold, and of one that holds the number of the
    /// piece nobody asks for it.
    pub(super) fn scan_label(&mut self, label: &Label) {
        let code = label.code();
        let Some((gs1, product)) = label.gs1.as_ref().zip(self.goods.by_barcode(&code)) else {
            return self.scan_goods(&code);
        };
        if is_expired(gs1, self.day_of(self.now.wall)) {
            return self.tell(Notice::Expired { name: product.name });
        }
        let measure = match gs1.is_measured() {
            true => measured_by(gs1, product.price.minor, self.currency()),
            false => Some(Measure::Several(1)),
        };
        match measure {
            Some(measure) => self.sell_piece(product, measure, gs1.serial.clone()),
            None => self.tell(Notice::LabelUnclear { name: product.name }),
        }
    }

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

/// Whether the last day on which they may be sold is over. A day that no calendar has says nothing.
fn is_expired(gs1: &Gs1, today: BusinessDay) -> bool {
    let last = gs1.expires.and_then(|day| {
        let (year, month, day) = day.resolve(today.year());
        BusinessDay::of_calendar(year, month, day)
    });
    last.is_some_and(|last| last < today)
}

/// What a GS1 code means at this price for a kilogram, or for one; none where it says nothing that can be charged.
fn measured_by(gs1: &Gs1, price_minor: i64, currency: Currency) -> Option<Measure> {
    let weight_g = match gs1.weight {
        Some(weight) => Some(weight.in_units_of(3).and_then(|grams| u32::try_from(grams).ok())?),
        None => None,
    };
    let note = weight_g.map_or_else(String::new, kilograms);
    if let Some(price) = gs1.price {
        if price.currency.is_some_and(|named| named != currency.numeric()) {
            return None;
        }
        // What stands on the label is what the customer was told, whatever a kilogram costs by now.
        let price_minor = i64::try_from(price.amount.in_units_of(currency.minor_digits())?).ok()?;
        return (price_minor > 0).then_some(Measure::Piece(Piece { price_minor, note }));
    }
    if gs1.measured_otherwise {
        return None;
    }
    match (weight_g, gs1.count) {
        (Some(grams), _) => {
            let price_minor = for_weight(grams, price_minor)?;
            (grams > 0).then_some(Measure::Piece(Piece { price_minor, note }))
        }
        (None, Some(count)) => (count > 0).then_some(Measure::Several(count)),
        (None, None) => None,
    }
}

fn kilograms(grams: u32) -> String {
    format!(" {}.{:03} kg", grams / 1000, grams % 1000)
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
    let note = code.weight_g.map_or_else(String::new, kilograms);
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
    fn a_gs1_code_is_charged_by_its_price_else_its_weight_else_its_count_or_not_at_all() {
        let of = |rest: &str| {
            let gs1 = evertill_hardware::label::gs1::parse(&format!("0106901234567892{rest}")).unwrap();
            measured_by(&gs1, 990, Currency::CNY)
        };
        let piece = |price_minor, note: &str| Some(Measure::Piece(Piece { price_minor, note: note.into() }));
        assert_eq!(of("3103000250"), piece(248, " 0.250 kg"));
        assert_eq!(of("3101000025"), piece(2475, " 2.500 kg"));
        assert_eq!(of("392200700"), piece(700, ""));
        assert_eq!(of("31030002503922700"), piece(700, " 0.250 kg"));
        assert_eq!(of("39207"), piece(700, ""));
        assert_eq!(of("3932156700"), piece(700, ""));
        assert_eq!(of("3012"), Some(Measure::Several(12)));
        assert_eq!(of("3012\u{1D}3103000250"), piece(248, " 0.250 kg"));
        assert_eq!(of("3202000551\u{1D}3922700"), piece(700, ""), "pounds, and what they cost");
        let unclear =
            ["3932840700", "39237001", "3103000000", "3105000001", "300", "3202000551", "392200000"];
        for rest in unclear.into_iter().chain(["31030002503202000551", "3950990"]) {
            assert_eq!(of(rest), None, "{rest}");
        }
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
