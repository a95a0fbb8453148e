//! Setting the scanner up: what is found, what is chosen, what arrives.

use super::approval::{approve, served_by};
use super::duty::log_in;
use super::rig::*;
use crate::config::{PrefixName, ScannerConfig};
use crate::controller::{Command, Input};
use crate::view::{Notice, Page, ScannerMarks, ScannerState, ScannersPage, TakenFor, UserAction as A};
use evertill_hardware::scanner::{Found, FoundKind, Links, UsbId};
use evertill_shared::rights::Right;

fn found() -> Vec<Found> {
    let id = Some(UsbId { vendor: 0x0C2E, product: 0x0901 });
    let found = |kind, name: &str, path: &str, id| Found {
        kind,
        name: name.into(),
        path: path.into(),
        links: Links::default(),
        id,
    };
    vec![
        found(FoundKind::HidPos, "Xenon", "/dev/hidraw1", id),
        found(FoundKind::Serial, "Gryphon", "/dev/serial/by-id/g", None),
        found(FoundKind::Keyboard, "Keyboard", "/dev/input/event3", id),
    ]
}

fn page(till: &Till) -> ScannersPage {
    match till.page() {
        Page::Scanners(page) => page.clone(),
        other => panic!("{other:?}"),
    }
}

/// The page, with what is plugged in.
fn at_the_page() -> Till {
    let mut till = Till::online();
    till.act(A::OpenAbout);
    till.act(A::OpenScanners);
    assert!(matches!(ordered(&mut till)[..], [Command::FindScanners]));
    assert!(page(&till).searching);
    till.give(Input::ScannersFound(found()));
    till
}

/// What was ordered about scanners, and is taken out.
fn ordered(till: &mut Till) -> Vec<Command> {
    let about = |command: &Command| matches!(command, Command::FindScanners | Command::UseScanner(_));
    std::mem::take(&mut till.other).into_iter().filter(about).collect()
}

/// The scanner that this action chooses, if any.
fn choose(till: &mut Till, action: A) -> Option<ScannerConfig> {
    ordered(till);
    till.act(action);
    ordered(till).into_iter().find_map(|command| match command {
        Command::UseScanner(config) => Some(*config),
        _ => None,
    })
}

#[test]
fn each_kind_of_scanner_is_used_as_what_it_is() {
    let mut till = at_the_page();
    let wanted = [("/dev/hidraw1", 0), ("/dev/serial/by-id/g", 1), ("/dev/input/event3", 2)];
    for (id, place) in wanted {
        let config = choose(&mut till, A::UseScanner { id: id.into() }).unwrap();
        assert!(config.way().is_ok());
        let ways = [config.hid.is_some(), config.port.is_some(), config.wedge.is_some()];
        assert!(ways[place], "{config:?}");
        assert_eq!(config.typing, place == 2, "a keyboard goes on typing");
        assert_eq!(page(&till).used.unwrap().state, ScannerState::Disconnected);
        till.give(Input::Scanner(ScannerState::Ready));
        assert_eq!(page(&till).used.unwrap().state, ScannerState::Ready);
    }
    assert!(choose(&mut till, A::UseScanner { id: "/dev/hidraw9".into() }).is_none());
}

#[test]
fn of_two_scanners_of_one_kind_the_one_that_was_touched_is_used_and_keeps_the_settings() {
    let mut till = at_the_page();
    let mut plugged = found();
    plugged.push(Found { path: "/dev/input/event4".into(), ..plugged[2].clone() });
    choose(&mut till, A::UseScanner { id: "/dev/input/event3".into() }).unwrap();
    choose(&mut till, A::SetScannerTyping(false)).unwrap();
    choose(&mut till, A::SetScannerEnd { by_pause: true }).unwrap();
    assert!(choose(&mut till, A::UseScanner { id: "/dev/input/event3".into() }).is_none(), "it is in use");
    till.give(Input::ScannersFound(plugged));
    let second = choose(&mut till, A::UseScanner { id: "/dev/input/event4".into() }).unwrap();
    assert_eq!(second.wedge.as_deref(), Some("/dev/input/event4"));
    assert!(second.idle_ms.is_some(), "set as the one before: {second:?}");
    assert!(second.typing, "it may be the keyboard on the desk");
    let in_use: Vec<bool> = page(&till).found.iter().map(|row| row.in_use).collect();
    assert_eq!(in_use, [false, false, false, true]);
    let first = choose(&mut till, A::UseScanner { id: "/dev/input/event3".into() }).unwrap();
    assert_eq!(first.wedge.as_deref(), Some("/dev/input/event3"), "not the first of that kind that there is");
}

#[test]
fn the_profile_is_changed_and_counts_for_the_next_scan() {
    let mut till = at_the_page();
    choose(&mut till, A::UseScanner { id: "/dev/serial/by-id/g".into() }).unwrap();
    let config = choose(&mut till, A::SetScannerMarks(ScannerMarks::Datalogic)).unwrap();
    assert_eq!(config.prefixes, PrefixName::Datalogic);
    till.scan(&format!("B{TEA}"));
    assert_eq!(page(&till).arrived.unwrap().taken_for, TakenFor::Goods { name: "Green tea".into() });
    let config = choose(&mut till, A::SetScannerEnd { by_pause: true }).unwrap();
    assert!(config.idle_ms.is_some() && config.prefixes == PrefixName::Datalogic);
    assert!(choose(&mut till, A::SetScannerEnd { by_pause: true }).is_none(), "nothing changed");
}

#[test]
fn a_wrong_speed_of_a_serial_line_is_mended_on_the_page() {
    let mut till = at_the_page();
    let config = choose(&mut till, A::UseScanner { id: "/dev/serial/by-id/g".into() }).unwrap();
    assert_eq!((config.baud, page(&till).used.unwrap().baud), (9_600, 9_600));
    let config = choose(&mut till, A::SetScannerBaud { baud: 115_200 }).unwrap();
    assert_eq!((config.baud, page(&till).used.unwrap().baud), (115_200, 115_200));
    assert!(config.way().is_ok());
    assert!(choose(&mut till, A::SetScannerBaud { baud: 115_200 }).is_none(), "nothing changed");
    for none in [0, 1, 9_601, u32::MAX] {
        assert!(choose(&mut till, A::SetScannerBaud { baud: none }).is_none(), "{none}");
    }
    assert_eq!(page(&till).used.unwrap().baud, 115_200);
}

#[test]
fn what_arrives_is_shown_and_sells_and_pays_nothing() {
    let mut till = at_the_page();
    till.scan(&format!("]E0{TEA}"));
    let arrived = page(&till).arrived.unwrap();
    assert_eq!((arrived.identifier.as_str(), arrived.text.as_str(), arrived.characters), ("]E0", TEA, 13));
    assert_eq!(arrived.taken_for, TakenFor::Goods { name: "Green tea".into() });
    till.scan(WECHAT);
    let arrived = page(&till).arrived.unwrap();
    assert!(matches!(arrived.taken_for, TakenFor::PaymentCode(_)));
    assert_eq!((arrived.text.as_str(), arrived.characters), ("13••••", 18));
    till.scan("4006381333931");
    assert_eq!(page(&till).arrived.unwrap().taken_for, TakenFor::UnknownGoods);
    till.give(Input::ScanRefused);
    assert_eq!(page(&till).arrived.unwrap().taken_for, TakenFor::Unreadable);
    till.act(A::Back);
    let Page::Sale(sale) = till.page() else { panic!("not the sale") };
    assert!(sale.lines.is_empty());
}

#[test]
fn the_page_opens_from_about_alone_and_its_buttons_work_nowhere_else() {
    let mut till = Till::online();
    for action in [A::OpenScanners, A::FindScanners, A::SetScannerTyping(true)] {
        till.act(action);
        assert!(ordered(&mut till).is_empty());
    }
    assert!(matches!(till.page(), Page::Sale(_)));
}

/// The code of a shop, as it hangs on its wall; its checksum is right.
const SHOP: &str =
    "00020101021126180014hk.com.example52045411530334454041.005802CN5909Corner Sh6008Shanghai6304";

#[test]
fn a_shops_code_where_the_customers_is_expected_is_told_as_that() {
    let shop = with_checksum(SHOP);
    let mut till = Till::online();
    till.scan(TEA);
    till.act(A::TenderCode);
    till.scan(&shop);
    assert_eq!(till.notice(), Some(&Notice::ShopCodeAtTender));
    assert!(matches!(till.page(), Page::AwaitCode(_)));
    let damaged = shop.replace("Shanghai", "Shanghaj");
    till.scan(&damaged);
    assert_eq!(till.notice(), Some(&Notice::UnreadableScan), "its checksum does not fit");
    till.scan("00020101");
    assert_eq!(till.notice(), Some(&Notice::UnreadableScan));
    till.scan("9".repeat(18).as_str());
    assert_eq!(till.notice(), Some(&Notice::UnknownPaymentCode));
}

/// CRC-16 of CCITT, written once more: the till's own must agree.
fn with_checksum(body: &str) -> String {
    let mut sum = 0xFFFF_u16;
    for byte in body.bytes() {
        sum ^= u16::from(byte) << 8;
        for _ in 0..8 {
            sum = if sum & 0x8000 == 0 { sum << 1 } else { (sum << 1) ^ 0x1021 };
        }
    }
    format!("{body}{sum:04X}")
}

#[test]
fn who_looks_after_devices_sets_them_up_and_a_cashier_asks_somebody() {
    for login in ["lin", "ivy"] {
        let mut till = served_by(login);
        till.act(A::OpenAbout);
        till.act(A::OpenScanners);
        assert!(matches!(till.page(), Page::Scanners(_)), "{login}");
    }
    let mut till = served_by("mei");
    till.act(A::OpenAbout);
    till.act(A::OpenScanners);
    let Page::Approval(asked) = till.page() else { panic!("{:?}", till.page()) };
    assert_eq!(asked.right, Right::SetUp);
    assert_eq!(asked.people.len(), 3, "two managers and one of IT");
    approve(&mut till, "ivy");
    assert!(matches!(till.page(), Page::Scanners(_)));
    till.act(A::Lock);
    log_in(&mut till, "bo");
    assert!(matches!(till.page(), Page::Sale(_)), "the next cashier did not ask");
}

#[test]
fn what_it_has_written_down_is_one_touch_away_and_what_was_chosen_here_is_forgotten() {
    let mut till = at_the_page();
    assert!(!page(&till).may_go_back, "nothing else was chosen");
    till.act(A::UseWrittenScanner);
    assert!(till.other.iter().all(|command| !matches!(command, Command::UseWrittenScanner)));
    let written = till.controller.options.written_scanner.clone();
    choose(&mut till, A::UseScanner { id: "/dev/hidraw1".into() }).unwrap();
    assert!(page(&till).may_go_back);
    till.act(A::UseWrittenScanner);
    assert!(till.other.iter().any(|command| matches!(command, Command::UseWrittenScanner)));
    assert!(!page(&till).may_go_back);
    assert_eq!(till.controller.options.scanner, written);
}
