//! The form of one product: what was typed, read strictly, and a product as what is typed.

use super::posted::Fields;
use super::wallet_form;
use super::words::Words;
use crate::base_store::{KeptProduct, ProductEdit, Where};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order::age::AGES;
use evertill_shared::order::line::TaxRate;
use evertill_shared::protocol::catalogue::{Catalogue, Product};

/// The most barcodes that are typed for one product.
const MOST_CODES: usize = 50;

/// As it stands in the form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Form {
    pub id: String,
    pub name: String,
    pub barcodes: String,
    pub price: String,
    pub tax: String,
    pub by_weight: bool,
    pub favourite: bool,
    pub place: String,
    pub age: String,
    pub serial: bool,
    pub why: String,
    /// Which state of the product the person has seen; empty for a new one.
    pub seen: String,
    /// Which place the person has seen: left as it is, nothing moves.
    pub place_seen: String,
}

/// What cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    Id,
    Name,
    Price,
    Tax,
    Age,
    Place,
    Codes,
    WeightSerial,
}

impl Unreadable {
    pub fn said(self, t: &'static Words) -> &'static str {
        let t = t.of_goods;
        match self {
            Self::Id => t.goods_bad_id,
            Self::Name => t.goods_bad_name,
            Self::Price => t.goods_bad_price,
            Self::Tax => t.goods_bad_tax,
            Self::Age => t.goods_bad_age,
            Self::Place => t.goods_bad_place,
            Self::Codes => t.goods_bad_codes,
            Self::WeightSerial => t.goods_weight_serial,
        }
    }
}

impl Form {
    /// What was typed.
    pub fn typed(fields: &Fields) -> Self {
        let text = |name: &str| fields.get(name).to_owned();
        let on = |name: &str| !fields.get(name).is_empty();
        Self {
            id: text("id"),
            name: text("name"),
            barcodes: text("barcodes"),
            price: text("price"),
            tax: text("tax"),
            by_weight: fields.get("unit") == "kilogram",
            favourite: on("favourite"),
            place: text("place"),
            age: text("age"),
            serial: on("serial"),
            why: text("why"),
            seen: text("seen"),
            place_seen: text("place_seen"),
        }
    }

    /// What stands there.
    pub fn of(kept: &KeptProduct) -> Self {
        let product = &kept.product;
        let place = kept.place.map(|place| place.to_string()).unwrap_or_default();
        Self {
            id: product.id.clone(),
            name: product.name.clone(),
            barcodes: product.barcodes.join("\n"),
            price: product.price.to_decimal(),
            tax: product.tax_rate.to_percent().trim_end_matches('%').to_owned(),
            by_weight: product.sold_by_weight,
            favourite: product.favourite,
            place_seen: place.clone(),
            place,
            age: product.least_age.map(|age| age.to_string()).unwrap_or_default(),
            serial: product.needs_serial,
            why: String::new(),
            seen: kept.mark(),
        }
    }

    /// What is asked for, or the first field that cannot be read.
    pub fn edit(&self, currency: Currency) -> Result<ProductEdit, Unreadable> {
        let product = Product {
            id: self.id.clone(),
            name: self.name.clone(),
            barcodes: self.codes()?,
            price: Amount::parse_decimal(&self.price, currency)
                .ok()
                .filter(|price| price.minor >= 0 && !self.price.starts_with('-'))
                .ok_or(Unreadable::Price)?,
            tax_rate: tax(&self.tax).ok_or(Unreadable::Tax)?,
            favourite: self.favourite,
            sold_by_weight: self.by_weight,
            least_age: number(&self.age, |years| AGES.contains(years)).ok_or(Unreadable::Age)?,
            needs_serial: self.serial,
        };
        if product.id.is_empty() || product.id.len() > 64 || product.id.chars().any(char::is_control) {
            return Err(Unreadable::Id);
        }
        if product.name.is_empty() || product.name.chars().count() > 200 {
            return Err(Unreadable::Name);
        }
        if product.needs_serial && product.sold_by_weight {
            return Err(Unreadable::WeightSerial);
        }
        let most = u8::try_from(Catalogue::FAVOURITES).unwrap_or(u8::MAX);
        let place = number(&self.place, |place| (1..=most).contains(place)).ok_or(Unreadable::Place)?;
        let place = place.filter(|_| self.place != self.place_seen);
        let place = place.map_or(Where::Stay, |place| Where::At(usize::from(place)));
        Ok(ProductEdit {
            id: product.id.clone(),
            becomes: Some((product, place)),
            seen: Some(self.seen.clone()).filter(|seen| !seen.is_empty()),
            why: self.why.clone(),
        })
    }

    fn codes(&self) -> Result<Vec<String>, Unreadable> {
        let between = |c: char| c.is_whitespace() || matches!(c, ',' | '，');
        let codes: Vec<String> =
            self.barcodes.split(between).filter(|code| !code.is_empty()).map(str::to_owned).collect();
        let twice = codes.iter().enumerate().any(|(at, code)| codes.iter().skip(at + 1).any(|c| c == code));
        let is_code = |code: &String| code.len() <= 64 && !code.chars().any(char::is_control);
        if twice || codes.len() > MOST_CODES || !codes.iter().all(is_code) {
            return Err(Unreadable::Codes);
        }
        Ok(codes)
    }
}

/// Digits that come to what may be; nothing typed is nothing. `None` for anything else.
fn number(text: &str, may: impl Fn(&u8) -> bool) -> Option<Option<u8>> {
    if text.is_empty() {
        return Some(None);
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && may(number)).map(Some)
}

fn tax(text: &str) -> Option<TaxRate> {
    let parts = wallet_form::fee(text)??;
    u16::try_from(parts).ok().map(TaxRate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tea() -> Form {
        let text = str::to_owned;
        Form { id: text("tea"), name: text("Tea"), price: text("4.50"), tax: text("13"), ..Form::default() }
    }

    fn refused(change: impl Fn(&mut Form)) -> Unreadable {
        let mut form = tea();
        change(&mut form);
        form.edit(Currency::CNY).unwrap_err()
    }

    #[test]
    fn money_is_read_strictly() {
        let priced = |text: &str| {
            let edit = Form { price: text.into(), ..tea() }.edit(Currency::CNY);
            edit.map(|edit| edit.becomes.unwrap().0.price.minor)
        };
        assert_eq!([priced("4.50"), priced("4.5"), priced("4"), priced("0")], [450, 450, 400, 0].map(Ok));
        for bad in
            ["", "-1", "-0", "4,50", "4.505", "1e3", "￥4", "4 50", "+4", ".5", "９", "99999999999999999999"]
        {
            assert_eq!(priced(bad), Err(Unreadable::Price), "{bad}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        assert_eq!(refused(|form| form.id = String::new()), Unreadable::Id);
        assert_eq!(refused(|form| form.id = "x".repeat(65)), Unreadable::Id);
        assert_eq!(refused(|form| form.name = "茶".repeat(201)), Unreadable::Name);
        for bad in ["", "-1", "101", "1.234", "ten"] {
            assert_eq!(refused(|form| form.tax = bad.into()), Unreadable::Tax, "{bad}");
        }
        for bad in ["0", "100", "-1", "+5", "a", "256"] {
            assert_eq!(refused(|form| form.age = bad.into()), Unreadable::Age, "{bad}");
        }
        for bad in ["0", "121", "x"] {
            assert_eq!(refused(|form| form.place = bad.into()), Unreadable::Place, "{bad}");
        }
        assert_eq!(refused(|form| form.barcodes = "69 70\n69".into()), Unreadable::Codes);
        assert_eq!(refused(|form| (form.serial, form.by_weight) = (true, true)), Unreadable::WeightSerial);
    }

    #[test]
    fn a_product_is_the_same_after_its_form_was_sent_unchanged() {
        let product = Product {
            id: "ham".into(),
            name: "Ham 火腿".into(),
            barcodes: vec!["69".into(), "70".into()],
            price: Amount::new(1_205, Currency::CNY),
            tax_rate: TaxRate(50),
            favourite: true,
            sold_by_weight: true,
            least_age: Some(18),
            needs_serial: false,
        };
        let kept = KeptProduct { product: product.clone(), withdrawn: false, place: Some(7) };
        let edit = Form::of(&kept).edit(Currency::CNY).unwrap();
        assert_eq!(edit.becomes, Some((product, Where::Stay)));
        assert_eq!(edit.seen, Some(kept.mark()));
        let moved = Form { place: "3".into(), ..Form::of(&kept) }.edit(Currency::CNY).unwrap();
        assert_eq!(moved.becomes.unwrap().1, Where::At(3));
    }
}
