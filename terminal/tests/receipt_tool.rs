//! `evertill-receipt`, the program itself: templates that are right and wrong, previews, logos, and receipts as files.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use evertill_shared::clock::Timestamp;
use evertill_shared::id::{StoreId, TerminalId};
use evertill_shared::journal::{Body, Head};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order::Sale;
use evertill_shared::order::line::{Line, TaxRate};
use evertill_shared::protocol::store::StoreInfo;
use evertill_shared::signing::SigningKey;
use evertill_terminal::config::Identity;
use evertill_terminal::journal_store::{Journal as _, JournalStore};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use tempfile::TempDir;

const NOW: Timestamp = Timestamp(1_763_647_387_000);

fn tool(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_evertill-receipt")).current_dir(dir).args(arguments).output().unwrap()
}

fn said(done: &Output) -> String {
    assert!(done.status.success(), "{done:?}");
    String::from_utf8(done.stdout.clone()).unwrap()
}

fn refused(done: &Output) -> String {
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    String::from_utf8(done.stderr.clone()).unwrap()
}

#[test]
fn the_usual_template_is_a_beginning_and_a_mistake_in_it_is_named_by_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let usual = said(&tool(dir.path(), &["default"]));
    fs::write(dir.path().join("mine"), &usual).unwrap();
    assert_eq!(said(&tool(dir.path(), &["check", "mine"])), "The template is right.\n");
    let wrong = usual.replace("\ntotal bold double\n", "\ntotl\n");
    fs::write(dir.path().join("mine"), &wrong).unwrap();
    let line = wrong.lines().position(|line| line == "totl").unwrap() + 1;
    let told = refused(&tool(dir.path(), &["check", "mine"]));
    assert!(told.contains(&format!("mine: line {line}: [sale] has no \"totl\"")), "{told}");
    assert!(refused(&tool(dir.path(), &["check", "nothing"])).contains("nothing"));
}

#[test]
fn training_codes_come_on_paper() {
    let dir = tempfile::tempdir().unwrap();
    for (name, start) in [("a.png", b"\x89PNG".as_slice()), ("a.pdf", b"%PDF-"), ("a.txt", b"")] {
        said(&tool(dir.path(), &["practice-codes", "--paper", "58mm", "--out", name]));
        assert!(fs::read(dir.path().join(name)).unwrap().starts_with(start), "{name}");
    }
    let text = fs::read_to_string(dir.path().join("a.txt")).unwrap();
    assert!(text.contains("100000000000000001") && text.contains("250000000000000004"), "{text}");
}

#[test]
fn a_preview_becomes_what_its_ending_says() {
    let dir = tempfile::tempdir().unwrap();
    let starts = |name: &str, start: &[u8]| {
        said(&tool(dir.path(), &["preview", "--language", "zh", "--paper", "58mm", "--out", name]));
        assert!(fs::read(dir.path().join(name)).unwrap().starts_with(start), "{name}");
    };
    starts("a.png", b"\x89PNG");
    starts("a.pdf", b"%PDF-");
    starts("a.txt", "Corner Shop".as_bytes());
    let shown = said(&tool(dir.path(), &["preview", "--example", "cash-refund"]));
    assert!(shown.contains("REFUND") && shown.contains("Cash paid out"), "{shown}");
    assert!(refused(&tool(dir.path(), &["preview", "--out", "a.doc"])).contains(".png, .pdf or .txt"));
}

/// A picture of two halves, the left one black.
fn halves(path: &Path) {
    let mut encoder = png::Encoder::new(fs::File::create(path).unwrap(), 40, 20);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let pixels: Vec<u8> =
        (0..40 * 20).flat_map(|at| if at % 40 < 20 { [0, 0, 0, 255] } else { [0, 0, 0, 0] }).collect();
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
}

#[test]
fn a_picture_becomes_lines_of_a_template_that_print_it() {
    let dir = tempfile::tempdir().unwrap();
    halves(&dir.path().join("shop.png"));
    let logo = said(&tool(dir.path(), &["logo", "shop.png", "--width", "16"]));
    assert_eq!(logo, "logo 16x8 center\n| /wD/AP8A/wD/AP8A/wD/AA==\n");
    let own = said(&tool(dir.path(), &["default"])).replace("\n[header]\n", &format!("\n[header]\n{logo}"));
    fs::write(dir.path().join("mine"), own).unwrap();
    said(&tool(dir.path(), &["check", "mine"]));
    fs::write(dir.path().join("no.png"), "no picture").unwrap();
    refused(&tool(dir.path(), &["logo", "no.png"]));
}

/// A till that has sold twice: once paid, once not.
fn till() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let terminal = TerminalId::try_from(1).unwrap();
    let identity = Identity {
        servers: vec!["https://till.example:8443".into()],
        terminal,
        name: "Till 1".into(),
        epoch: 1,
        registration_code: "ABCD".into(),
        store: StoreInfo {
            id: StoreId::try_from(7).unwrap(),
            name: "角落 Corner".into(),
            address: vec!["1 Long Road".into()],
            currency: Currency::CNY,
            zone: "Asia/Shanghai".parse().unwrap(),
            cut_off_minutes: 0,
        },
        activated: true,
    };
    identity.write(dir.path()).unwrap();
    let key = Arc::new(SigningKey::from_seed(&[7; 32], "T0001:1".into()).unwrap());
    let path = dir.path().join("till.db");
    let mut journal = JournalStore::open(&path, Head::start(terminal, 1), key, NOW).unwrap();
    let price = Amount::new(450, Currency::CNY);
    for paid in [true, false] {
        let line = Line::new("tea".into(), "茉莉花茶".into(), 1, price, TaxRate(1300)).unwrap();
        let sale = Sale::new(StoreId::try_from(7).unwrap(), NOW, Currency::CNY, vec![line]).unwrap();
        let sale = journal.append(&Body::Sale(sale), NOW).unwrap();
        if paid {
            let change = Amount::zero(Currency::CNY);
            journal.append(&Body::CashTaken { sale, given: price, change }, NOW).unwrap();
        }
    }
    dir
}

#[test]
fn the_receipt_of_a_sale_is_written_into_a_file_and_marked_as_a_copy() {
    let till = till();
    let again =
        |sale: &str, out: &str| tool(till.path(), &["reprint", "--data", ".", "--sale", sale, "--out", out]);
    said(&again("T0001-1-2", "receipt.txt"));
    let text = fs::read_to_string(till.path().join("receipt.txt")).unwrap();
    for part in ["*** COPY ***", "角落 Corner", "茉莉花茶", "￥4.50", "T0001-1-2", "2025-11-20 22:03:07"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    said(&again("T0001-1-2", "receipt.pdf"));
    assert!(fs::read(till.path().join("receipt.pdf")).unwrap().starts_with(b"%PDF-"));
    assert!(refused(&again("T0001-1-4", "no.pdf")).contains("not paid"));
    assert!(refused(&again("T0001-1-9", "no.pdf")).contains("no such sale"));
    assert!(refused(&again("T0002-1-2", "no.pdf")).contains("no such sale"));
    assert!(!till.path().join("no.pdf").exists());
    // The shop's own template counts here too, and a wrong one is told.
    let own = said(&tool(till.path(), &["default"])).replace("\nqr\n", "\nqr\ntext \"Come again\"\n");
    fs::write(till.path().join("receipt.template"), &own).unwrap();
    said(&again("T0001-1-2", "receipt.txt"));
    assert!(fs::read_to_string(till.path().join("receipt.txt")).unwrap().contains("Come again"));
    fs::write(till.path().join("receipt.template"), own.replace("\ngoods\n", "\n")).unwrap();
    assert!(refused(&again("T0001-1-2", "no.txt")).contains("lacks goods"));
}

#[test]
fn a_journal_that_somebody_altered_gives_no_receipt() {
    let till = till();
    let connection = rusqlite::Connection::open(till.path().join("till.db")).unwrap();
    let alter = "DROP TRIGGER entry_is_append_only_u; UPDATE entry SET text = replace(text, '450', '950')";
    connection.execute_batch(alter).unwrap();
    drop(connection);
    let told =
        refused(&tool(till.path(), &["reprint", "--data", ".", "--sale", "T0001-1-2", "--out", "x.pdf"]));
    assert!(!till.path().join("x.pdf").exists(), "{told}");
}
