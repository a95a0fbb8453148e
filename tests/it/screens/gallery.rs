//! The gallery in `docs/gallery.md`: pages in both languages and all looks, drawn by the till itself, so that it cannot
//! show a till that is no more. `EVERTILL_ACCEPT_PICTURES=1` draws it anew.

use super::customer::Both;
use super::{Bench, pictures, samples};
use evertill_terminal::view::{Colours, Language, Screen, TextSize};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const PAGES: [(&str, &str); 18] = [
    ("sale_on_duty", "A sale"),
    ("sale_discounts", "Discounts, notes, another price"),
    ("sale_pictures", "Goods to tap with pictures"),
    ("sale_offline", "Without the network: what works, and what waits"),
    ("sale_age", "Goods that ask for an age"),
    ("serial", "Goods that are sold by their serial number"),
    ("adjust_line", "A line is changed"),
    ("await_code", "One scan away from paid"),
    ("payment_showing_code", "A code that the customer scans"),
    ("payment_unknown", "Nobody knows yet: not paid, not failed"),
    ("cash_change", "Cash"),
    ("done_cash", "Paid, and the change"),
    ("orders", "Earlier sales"),
    ("ask_refund", "A refund is asked for"),
    ("lock_enter", "The lock"),
    ("count", "The drawer is counted, blind"),
    ("report_z_short", "The report of a shift"),
    ("training_code", "Training: nothing here is real"),
];

const COLUMNS: [(&str, &str, Language, Colours); 4] = [
    ("en", "Light", Language::English, Colours::Light),
    ("zh", "Light, Chinese", Language::Chinese, Colours::Light),
    ("dark", "Dark", Language::English, Colours::Dark),
    ("contrast", "High contrast, Chinese", Language::Chinese, Colours::HighContrast),
];

const LARGER: [&str; 4] = ["sale_on_duty", "cash_change", "done_cash", "payment_unknown"];

const CUSTOMER: [(&str, &str); 3] =
    [("sale", "Goods as they come"), ("scan_this", "A code to scan"), ("paid_cash", "Thanks")];

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

fn picture_of(file: &str) -> PathBuf {
    docs().join("images/gallery").join(file)
}

/// One row of the table: the same page four times.
fn row(bench: &Bench, name: &str, title: &str, page: &mut String, wrong: &mut Vec<String>) {
    let sample = samples::all().into_iter().find(|sample| sample.name == name).unwrap();
    let mut cells = String::new();
    for (end, _, language, colours) in COLUMNS {
        let file = format!("{name}_{end}.png");
        let picture = bench.show(&Screen { language, colours, ..sample.screen.clone() });
        wrong.extend(pictures::compare_with(&picture_of(&file), &pictures::reduce(&picture, 2)).err());
        write!(cells, " ![{title}](images/gallery/{file}) |").unwrap();
    }
    writeln!(page, "| {title} |{cells}").unwrap();
}

fn text(bench: &Bench, wrong: &mut Vec<String>) -> String {
    let mut page = String::from(
        "# What the screens look like\n\nDrawn by the till's own renderer; `EVERTILL_ACCEPT_PICTURES=1 cargo test -p \
         evertill-tests --test screens` draws this page anew, and the same test without it fails if the till looks \
         different by now. Every page in every state, at 1024 × 768 and 1920 × 1080, is in `target/screens` after it.\n\n",
    );
    let titles = COLUMNS.map(|(_, title, ..)| title).join(" | ");
    writeln!(page, "| | {titles} |\n|---|---|---|---|---|").unwrap();
    for (name, title) in PAGES {
        row(bench, name, title, &mut page, wrong);
    }
    page
}

/// Pages with their words half as large again.
fn larger_part(bench: &Bench, wrong: &mut Vec<String>) -> String {
    let mut part = String::from("\n## Larger words\n\n| | |\n|---|---|\n");
    for name in LARGER {
        let sample = samples::all().into_iter().find(|sample| sample.name == name).unwrap();
        let mut cells = String::new();
        for (language, code) in [(Language::English, "en"), (Language::Chinese, "zh")] {
            let file = format!("larger_{name}_{code}.png");
            let text_size = TextSize::Larger;
            let picture = bench.show(&Screen { language, text_size, ..sample.screen.clone() });
            wrong.extend(pictures::compare_with(&picture_of(&file), &pictures::reduce(&picture, 2)).err());
            write!(cells, " ![150 %](images/gallery/{file}) |").unwrap();
        }
        writeln!(part, "|{cells}").unwrap();
    }
    part
}

fn customers_part(both: &Both, wrong: &mut Vec<String>) -> String {
    let mut part = String::from("\n## What the customer sees\n\n| | |\n|---|---|\n");
    for (state, title) in CUSTOMER {
        let mut cells = String::new();
        for (language, code) in [(Language::English, "en"), (Language::Chinese, "zh")] {
            let file = format!("customer_{state}_{code}.png");
            let picture = both.show_state(state, language);
            wrong.extend(pictures::compare_with(&picture_of(&file), &pictures::reduce(&picture, 2)).err());
            write!(cells, " ![{title}](images/gallery/{file}) |").unwrap();
        }
        writeln!(part, "|{cells}").unwrap();
    }
    part
}

#[test]
fn the_gallery_shows_the_till_as_it_is() {
    let both = Both::new();
    let mut wrong = Vec::new();
    let mut page = text(&both.bench, &mut wrong);
    page.push_str(&larger_part(&both.bench, &mut wrong));
    page.push_str(&customers_part(&both, &mut wrong));
    let path = docs().join("gallery.md");
    if pictures::accepting() {
        std::fs::write(&path, &page).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), page, "docs/gallery.md");
    assert!(wrong.is_empty(), "{} complaints:\n{}", wrong.len(), wrong.join("\n"));
}
