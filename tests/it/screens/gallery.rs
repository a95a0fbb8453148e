//! The gallery in `docs/gallery.md`: every screen at both sizes, in both languages and all looks, drawn by the till itself,
//! so that it cannot show a till that is no more. `EVERTILL_ACCEPT_PICTURES=1` draws it anew.

use super::customer::Both;
use super::{Bench, pictures, samples};
use evertill_terminal::view::{Colours, Page, Screen, TextSize};
use evertill_tests::headless::Picture;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const PAGES: [(&str, &str); 40] = [
    ("enrol", "A new till"),
    ("enrol_waiting", "It waits until its key is compared"),
    ("sale_on_duty", "A sale"),
    ("sale_discounts", "Discounts, notes, another price"),
    ("sale_pictures", "Goods to tap with pictures"),
    ("sale_offline", "Without the network: what works, and what waits"),
    ("sale_age", "Goods that ask for an age"),
    ("serial", "Goods that are sold by their serial number"),
    ("adjust_line", "A line is changed"),
    ("held", "Sales that wait"),
    ("await_code", "One scan away from paid"),
    ("payment_showing_code", "A code that the customer scans"),
    ("payment_unknown", "Nobody knows yet: not paid, not failed"),
    ("payment_declined", "Not paid, and why"),
    ("payment_reversed", "Taken back"),
    ("cash_change", "Cash"),
    ("cash_part_in_place", "A part in cash, the rest by a code"),
    ("done_cash", "Paid, and the change"),
    ("done_split", "Paid in two parts"),
    ("orders", "Earlier sales"),
    ("order", "One of them"),
    ("ask_refund", "A refund is asked for"),
    ("refunds", "Refunds that this till carries out"),
    ("approval", "Somebody with the right allows it"),
    ("lock", "The lock"),
    ("lock_enter", "The lock: the PIN"),
    ("shift_open", "The shift"),
    ("drawer_pay_out", "Cash out of the drawer"),
    ("drawer", "The drawer"),
    ("count", "The drawer is counted, blind"),
    ("report_x", "The report of an open shift"),
    ("report_z_short", "The report of a shift"),
    ("day", "The day: what waits, and what is unwell"),
    ("scanners", "Scanners"),
    ("about_kiosk", "About this till"),
    ("fault_blocked", "Blocked"),
    ("fault_journal", "A damaged journal"),
    ("starting", "The start"),
    ("training_sale", "Training: nothing here is real"),
    ("training_code", "Training: practice customers"),
];

/// The rows of a sheet, in both languages each.
const LOOKS: [(&str, Colours); 3] =
    [("light", Colours::Light), ("dark", Colours::Dark), ("high contrast", Colours::HighContrast)];

/// How many times smaller a page stands on its sheet.
const SHEETS: [((u32, u32), u32); 2] = [((1024, 768), 2), ((1920, 1080), 4)];

const LARGER: [&str; 4] = ["sale_on_duty", "cash_change", "done_cash", "payment_unknown"];

const CUSTOMER: [(&str, &str); 3] =
    [("sale", "Goods as they come"), ("scan_this", "A code to scan"), ("paid_cash", "Thanks")];

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

fn picture_of(file: &str) -> PathBuf {
    docs().join("images/gallery").join(file)
}

fn sample(name: &str) -> Screen {
    samples::all().into_iter().find(|sample| sample.name == name).unwrap().screen
}

/// One page in both languages and all looks.
fn sheet(bench: &Bench, screen: &Screen, times: u32) -> Picture {
    let mut all = Vec::new();
    for (_, colours) in LOOKS {
        for (language, _) in super::LANGUAGES {
            let picture = bench.show(&Screen { language, colours, ..screen.clone() });
            all.push(pictures::reduce(&picture, times));
        }
    }
    pictures::side_by_side(&all, super::LANGUAGES.len())
}

/// Every page at one size.
fn pages_part(bench: &Bench, ((width, height), times): ((u32, u32), u32), wrong: &mut Vec<String>) -> String {
    bench.surface.resize(width, height);
    let mut part = format!("\n## Every page at {width} × {height}\n");
    for (name, title) in PAGES {
        let file = format!("{name}_{width}.png");
        let drawn = sheet(bench, &sample(name), times);
        wrong.extend(pictures::compare_with(&picture_of(&file), &drawn).err());
        write!(part, "\n### {title}\n\n![{title}](images/gallery/{file})\n").unwrap();
    }
    part
}

fn text() -> String {
    let looks = LOOKS.map(|(name, _)| name).join(", ");
    format!(
        "# What the screens look like\n\nDrawn by the till's own renderer; `EVERTILL_ACCEPT_PICTURES=1 cargo test -p \
         evertill-tests --test screens` draws this page anew, and the same test without it fails if the till looks \
         different by now. Each page stands in English and Chinese beside each other; from above: {looks}. Every page in \
         every state, in its full size, is in `target/screens` after it.\n"
    )
}

/// Pages with their words half as large again.
fn larger_part(bench: &Bench, wrong: &mut Vec<String>) -> String {
    let mut part = String::from("\n## Larger words\n\n| | |\n|---|---|\n");
    for name in LARGER {
        let mut cells = String::new();
        for (language, code) in super::LANGUAGES {
            let file = format!("larger_{name}_{code}.png");
            let text_size = TextSize::Larger;
            let picture = bench.show(&Screen { language, text_size, ..sample(name) });
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
        for (language, code) in super::LANGUAGES {
            let file = format!("customer_{state}_{code}.png");
            let picture = both.show_state(state, language);
            wrong.extend(pictures::compare_with(&picture_of(&file), &pictures::reduce(&picture, 2)).err());
            write!(cells, " ![{title}](images/gallery/{file}) |").unwrap();
        }
        writeln!(part, "|{cells}").unwrap();
    }
    part
}

/// The files that the gallery no longer shows.
fn left_over(page: &str) -> Vec<String> {
    let folder = std::fs::read_dir(docs().join("images/gallery")).unwrap();
    let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| !page.contains(&format!("(images/gallery/{name})"))).collect()
}

#[test]
fn the_gallery_shows_the_till_as_it_is() {
    let both = Both::new();
    let mut wrong = Vec::new();
    let mut page = text();
    page.push_str(&larger_part(&both.bench, &mut wrong));
    page.push_str(&customers_part(&both, &mut wrong));
    for size in SHEETS {
        page.push_str(&pages_part(&both.bench, size, &mut wrong));
    }
    let path = docs().join("gallery.md");
    if pictures::accepting() {
        std::fs::write(&path, &page).unwrap();
        left_over(&page).iter().for_each(|name| std::fs::remove_file(picture_of(name)).unwrap());
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), page, "docs/gallery.md");
    assert_eq!(left_over(&page), Vec::<String>::new(), "shown nowhere");
    assert!(wrong.is_empty(), "{} complaints:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn no_kind_of_page_is_missing_in_the_gallery() {
    let kind = |page: &Page| {
        let debug = format!("{page:?}");
        debug.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()
    };
    let there_are: BTreeSet<String> = samples::all().iter().map(|sample| kind(&sample.screen.page)).collect();
    let shown: BTreeSet<String> = PAGES.iter().map(|(name, _)| kind(&sample(name).page)).collect();
    assert_eq!(there_are, shown);
    assert!(shown.len() > 15, "{shown:?}");
}
