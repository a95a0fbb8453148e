//! The sale.

use super::generated::{GoodData, LineData, MainWindow, Sale, Serial};
use super::money::format_amount;
use super::status::whole;
use super::{Act, list, pictures};
use crate::secret_code;
use crate::view::{CartLine, Good, MoneyStyle, Quantity, SalePage, SerialPage, TakenOff, UserAction};
use evertill_shared::secret::SecretText;
use slint::ComponentHandle;

pub fn connect(window: &MainWindow, act: &Act) {
    let sale = window.global::<Sale>();
    let send = act.clone();
    sale.on_add(move |id| send(UserAction::AddProduct { id: id.into() }));
    let send = act.clone();
    sale.on_set_search(move |text| send(UserAction::SetSearch(text.into())));
    let send = act.clone();
    sale.on_submit_search(move |text| send(UserAction::SubmitSearch(text.into())));
    let send = act.clone();
    sale.on_change_quantity(move |line, delta| {
        send(UserAction::ChangeQuantity { line: line.unsigned_abs(), delta });
    });
    let send = act.clone();
    sale.on_remove(move |line| send(UserAction::RemoveLine { line: line.unsigned_abs() }));
    let send = act.clone();
    sale.on_open_line(move |line| send(UserAction::OpenLine { line: line.unsigned_abs() }));
    let send = act.clone();
    sale.on_open_whole(move || send(UserAction::OpenWhole));
    let send = act.clone();
    sale.on_open_held(move || send(UserAction::OpenHeld));
    let send = act.clone();
    sale.on_void_sale(move || send(UserAction::VoidSale));
    let send = act.clone();
    sale.on_tender_code(move || send(UserAction::TenderCode));
    let send = act.clone();
    sale.on_tender_cash(move || send(UserAction::TenderCash));
}

pub fn connect_serial(window: &MainWindow, act: &Act) {
    let serial = window.global::<Serial>();
    let (send, weak) = (act.clone(), window.as_weak());
    serial.on_take(move |text| {
        let Some(window) = weak.upgrade() else { return };
        let serial = window.global::<Serial>();
        if secret_code::names_any(&text) {
            serial.set_text(slint::SharedString::new());
        }
        let question = u32::try_from(serial.get_question()).unwrap_or(0);
        send(UserAction::SerialTyped { question, text: SecretText::new(text.into()) });
    });
    let (send, weak) = (act.clone(), window.as_weak());
    serial.on_none(move || {
        let Some(window) = weak.upgrade() else { return };
        let question = u32::try_from(window.global::<Serial>().get_question()).unwrap_or(0);
        send(UserAction::NoSerial { question });
    });
}

/// The box is empty for each piece.
pub fn show_serial(window: &MainWindow, page: &SerialPage) {
    let serial = window.global::<Serial>();
    let question = whole(page.question);
    if serial.get_question() != question {
        serial.set_text(slint::SharedString::new());
        serial.set_question(question);
    }
    serial.set_name(page.name.as_str().into());
    serial.set_waiting(whole(page.waiting));
}

pub fn show(window: &MainWindow, page: &SalePage, money: &MoneyStyle) {
    let sale = window.global::<Sale>();
    if let Some(lines) = list::update(&sale.get_lines(), rows(&page.lines, |line| line_data(line, money))) {
        sale.set_lines(lines);
    }
    if let Some(goods) = list::update(&sale.get_matches(), rows(&page.matches, |good| good_data(good, money)))
    {
        sale.set_matches(goods);
    }
    show_favourites(&sale, page, money);
    sale.set_total(format_amount(page.total_minor, money).into());
    sale.set_tax(format_amount(page.tax_minor, money).into());
    sale.set_taken_off(taken_off(page.discount.as_ref(), money).into());
    sale.set_note(page.note.as_str().into());
    sale.set_lines_voided(whole(page.lines_voided));
    sale.set_held(whole(page.held));
    sale.set_item_count(whole(page.item_count));
    // The box belongs to the person who is typing. Only when the controller ends a search is it emptied: an echo of
    // an earlier letter must not overwrite a later one.
    if page.search.is_empty() && !sale.get_shown_search().is_empty() {
        sale.set_search(slint::SharedString::new());
    }
    sale.set_shown_search(page.search.as_str().into());
}

fn show_favourites(sale: &Sale<'_>, page: &SalePage, money: &MoneyStyle) {
    pictures::only(&page.favourites.iter().filter_map(|good| good.picture.as_deref()).collect());
    let tile = |good: &Good| {
        let picture = good.picture.as_deref().and_then(pictures::of);
        let initial = initial(&good.name).into();
        let pictured = picture.is_some();
        GoodData { pictured, picture: picture.unwrap_or_default(), initial, ..good_data(good, money) }
    };
    // Without any picture, letters in their place would say nothing.
    sale.set_with_pictures(page.favourites.iter().any(|good| good.picture.is_some()));
    if let Some(goods) = list::update(&sale.get_favourites(), rows(&page.favourites, tile)) {
        sale.set_favourites(goods);
    }
}

/// The letter in the place of a picture.
fn initial(name: &str) -> String {
    let letter = name.chars().find(|letter| letter.is_alphanumeric());
    letter.map(|letter| letter.to_uppercase().collect()).unwrap_or_default()
}

/// `-¥1.35 (10%)`; empty without a discount.
pub fn taken_off(discount: Option<&TakenOff>, money: &MoneyStyle) -> String {
    let Some(TakenOff { amount_minor, percent, .. }) = discount else { return String::new() };
    let amount = format_amount(amount_minor.saturating_neg(), money);
    percent.as_ref().map_or(amount.clone(), |percent| format!("{amount} ({percent})"))
}

fn rows<T, R>(items: &[T], row: impl Fn(&T) -> R) -> Vec<R> {
    items.iter().map(row).collect()
}

/// `3`, or `1.234 kg`.
pub fn quantity_text(quantity: Quantity) -> String {
    match quantity {
        Quantity::Pieces(count) => count.to_string(),
        Quantity::Grams(grams) => format!("{}.{:03} kg", grams / 1000, grams % 1000),
    }
}

/// The price of one, or of a kilogram.
pub fn price_text(quantity: Quantity, unit_price_minor: i64, money: &MoneyStyle) -> String {
    let price = format_amount(unit_price_minor, money);
    match quantity {
        Quantity::Pieces(_) => price,
        Quantity::Grams(_) => format!("{price}/kg"),
    }
}

fn line_data(line: &CartLine, money: &MoneyStyle) -> LineData {
    LineData {
        line: whole(line.line),
        name: line.name.as_str().into(),
        quantity: quantity_text(line.quantity).into(),
        // One number is that of one piece.
        pieces: matches!(line.quantity, Quantity::Pieces(_)) && line.serial.is_none(),
        unit_price: price_text(line.quantity, line.unit_price_minor, money).into(),
        was: line.was_minor.map(|minor| format_amount(minor, money)).unwrap_or_default().into(),
        taken_off: taken_off(line.discount.as_ref(), money).into(),
        note: line.note.as_str().into(),
        serial: line.serial.as_deref().unwrap_or_default().into(),
        total: format_amount(line.total_minor, money).into(),
    }
}

fn good_data(good: &Good, money: &MoneyStyle) -> GoodData {
    GoodData {
        id: good.id.as_str().into(),
        name: good.name.as_str().into(),
        code: good.code.as_str().into(),
        price: format_amount(good.price_minor, money).into(),
        pictured: false,
        picture: slint::Image::default(),
        initial: slint::SharedString::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::initial;

    #[test]
    fn the_letter_of_goods_is_the_first_that_is_one() {
        let letters = [
            ("tea eggs", "T"),
            ("“Élan” soap", "É"),
            ("茶叶蛋", "茶"),
            ("7 nuts", "7"),
            ("ß", "SS"),
            ("!", ""),
        ];
        for (name, letter) in letters {
            assert_eq!(initial(name), letter);
        }
    }
}
