//! Setting the barcode scanner up: which one, how it marks and ends its codes, and what arrives from it. A scan on this page
//! is only shown; nothing is sold or paid by it.

use super::approval::Approved;
use super::{At, Command, Controller};
use crate::config::{PrefixName, ScannerConfig};
use crate::view::{
    Arrived, Notice, ScannerKind, ScannerMarks, ScannerProfile, ScannerRow, ScannerState, ScannersPage,
    TakenFor, USUAL_BAUD, UserAction,
};
use evertill_hardware::label::{Label, LabelKind};
use evertill_hardware::scanner::{Found, FoundKind, meant};
use evertill_shared::emvco::ShopCode;
use evertill_shared::rights::Right;
use evertill_shared::wallet;

/// So many digits in a row may be somebody's payment code.
const MAY_BE_SECRET: usize = 16;
/// More characters are not shown.
const LONGEST: usize = 160;
/// A pause of so many milliseconds ends a code where no line end does.
const PAUSE_MS: u64 = 80;

/// What is known on the page.
#[derive(Debug, Default)]
pub struct ScannerDesk {
    found: Vec<Found>,
    searching: bool,
    arrived: Option<Arrived>,
}

impl Controller {
    /// The page is for who may set devices up.
    pub(super) fn ask_for_scanners(&mut self) {
        if matches!(self.at, At::About) {
            self.with_right(Right::SetUp, Approved::SetUpScanner);
        }
    }

    pub(super) fn open_scanners(&mut self) {
        if matches!(self.at, At::About) {
            self.at = At::Scanners;
            self.scanners = ScannerDesk::default();
            self.find_scanners();
        }
    }

    pub(super) fn on_scanner_action(&mut self, action: UserAction) {
        if !matches!(self.at, At::Scanners) {
            return;
        }
        match action {
            UserAction::FindScanners => self.find_scanners(),
            UserAction::UseScanner { id } => self.use_scanner(&id),
            UserAction::UseWrittenScanner => self.use_written_scanner(),
            UserAction::SetScannerMarks(marks) => self.change_scanner(|scanner| {
                scanner.set_prefixes(match marks {
                    ScannerMarks::Aim => PrefixName::Aim,
                    ScannerMarks::Zebra => PrefixName::Zebra,
                    ScannerMarks::Datalogic => PrefixName::Datalogic,
                });
            }),
            UserAction::SetScannerEnd { by_pause } => {
                self.change_scanner(|scanner| scanner.idle_ms = by_pause.then_some(PAUSE_MS));
            }
            UserAction::SetScannerBaud { baud } if USUAL_BAUD.contains(&baud) => {
                self.change_scanner(|scanner| scanner.baud = baud);
            }
            UserAction::SetScannerTyping(typing) => self.change_scanner(|scanner| scanner.typing = typing),
            _ => {}
        }
    }

    fn find_scanners(&mut self) {
        if !self.scanners.searching {
            self.scanners.searching = true;
            self.out.push(Command::FindScanners);
        }
    }

    pub(super) fn on_scanners_found(&mut self, found: Vec<Found>) {
        self.scanners.searching = false;
        self.scanners.found = found;
    }

    fn use_scanner(&mut self, id: &str) {
        let all = &self.scanners.found;
        let Some(found) = all.iter().find(|found| row_id(found) == id) else { return };
        if self.found_in_use() == Some(found) {
            return;
        }
        let before = self.options.scanner.clone().unwrap_or_default();
        let same_kind = device(&before).is_some_and(|(kind, _)| kind == found.kind);
        // Another device of the same kind is set as the one before was, as IT or somebody here wrote it down.
        let mut scanner = if same_kind { before } else { ScannerConfig::default() };
        let place = found.place(all).to_string();
        match found.kind {
            FoundKind::Serial => scanner.port = Some(place.into()),
            FoundKind::HidPos => scanner.hid = Some(place),
            FoundKind::Keyboard => {
                scanner.wedge = Some(place);
                // It may be the keyboard: whoever types on it goes on typing.
                scanner.typing = true;
            }
        }
        self.use_from_here(scanner);
    }

    /// Back to what IT has written down.
    fn use_written_scanner(&mut self) {
        if self.options.scanner != self.options.written_scanner {
            self.options.scanner = self.options.written_scanner.clone();
            self.scanner = ScannerState::Disconnected;
            self.scanners.arrived = None;
            self.out.push(Command::UseWrittenScanner);
        }
    }

    /// The device in use among those that were found.
    fn found_in_use(&self) -> Option<&Found> {
        let (kind, place) = device(self.options.scanner.as_ref()?)?;
        meant(&place.parse().ok()?, kind, &self.scanners.found)
    }

    fn change_scanner(&mut self, change: impl FnOnce(&mut ScannerConfig)) {
        let Some(before) = &self.options.scanner else { return };
        let mut scanner = before.clone();
        change(&mut scanner);
        if scanner != *before {
            self.use_from_here(scanner);
        }
    }

    fn use_from_here(&mut self, scanner: ScannerConfig) {
        self.options.scanner = Some(scanner.clone());
        self.scanner = ScannerState::Disconnected;
        self.scanners.arrived = None;
        self.out.push(Command::UseScanner(Box::new(scanner)));
    }

    /// Something was scanned on the page.
    pub(super) fn show_arrived(&mut self, label: &Label) {
        let text = label.text.expose();
        let code = label.code();
        let goods = self.goods.by_barcode(&code).or_else(|| self.weighed(&code).map(|(product, _)| product));
        let taken_for = match (goods, wallet::detect(text)) {
            (Some(product), _) => TakenFor::Goods { name: product.name.clone() },
            (None, Some(wallet)) => TakenFor::PaymentCode(wallet),
            (None, None) if ShopCode::parse(text).is_ok() => TakenFor::ShopCode,
            (None, None) if label.kind != LabelKind::Other => TakenFor::UnknownGoods,
            (None, None) => TakenFor::Other,
        };
        self.scanners.arrived = Some(Arrived {
            text: visible(text),
            characters: u32::try_from(text.chars().count()).unwrap_or(u32::MAX),
            identifier: label.aim.map_or_else(String::new, |aim| aim.to_string()),
            taken_for,
        });
    }

    /// Something could not be read.
    pub(super) fn on_scan_refused(&mut self) {
        if !matches!(self.at, At::Scanners) {
            return self.tell(Notice::UnreadableScan);
        }
        self.scanners.arrived = Some(Arrived {
            text: String::new(),
            characters: 0,
            identifier: String::new(),
            taken_for: TakenFor::Unreadable,
        });
    }

    pub(super) fn scanners_page(&self) -> ScannersPage {
        let used = self.options.scanner.as_ref().and_then(|scanner| self.profile(scanner));
        let in_use = self.found_in_use();
        let row = |found: &Found| ScannerRow {
            id: row_id(found),
            kind: shown_kind(found.kind),
            name: found.name.clone(),
            place: found.place(&self.scanners.found).to_string(),
            in_use: in_use == Some(found),
        };
        ScannersPage {
            found: self.scanners.found.iter().map(row).collect(),
            searching: self.scanners.searching,
            may_go_back: self.options.scanner != self.options.written_scanner,
            used,
            arrived: self.scanners.arrived.clone(),
        }
    }

    fn profile(&self, scanner: &ScannerConfig) -> Option<ScannerProfile> {
        let (kind, place) = device(scanner)?;
        Some(ScannerProfile {
            kind: shown_kind(kind),
            place,
            state: self.scanner,
            marks: match scanner.prefixes {
                PrefixName::Aim => ScannerMarks::Aim,
                PrefixName::Zebra => ScannerMarks::Zebra,
                PrefixName::Datalogic => ScannerMarks::Datalogic,
            },
            ends_by_pause: scanner.idle_ms.is_some(),
            typed_on: scanner.typing,
            baud: scanner.baud,
        })
    }
}

/// The device that is configured.
fn device(scanner: &ScannerConfig) -> Option<(FoundKind, String)> {
    match (&scanner.port, &scanner.hid, &scanner.wedge) {
        (Some(port), _, _) => Some((FoundKind::Serial, port.display().to_string())),
        (None, Some(place), _) => Some((FoundKind::HidPos, place.clone())),
        (None, None, Some(place)) => Some((FoundKind::Keyboard, place.clone())),
        (None, None, None) => None,
    }
}

fn row_id(found: &Found) -> String {
    found.path.display().to_string()
}

fn shown_kind(kind: FoundKind) -> ScannerKind {
    match kind {
        FoundKind::HidPos => ScannerKind::Reports,
        FoundKind::Serial => ScannerKind::Serial,
        FoundKind::Keyboard => ScannerKind::Keyboard,
    }
}

/// A text for the screen: characters that cannot be seen by their names, and of digits that may be somebody's payment
/// code only the first two.
fn visible(text: &str) -> String {
    let mut shown = String::new();
    let mut digits = String::new();
    let end_of_digits = |shown: &mut String, digits: &mut String| {
        if digits.len() >= MAY_BE_SECRET {
            digits.truncate(2);
            digits.push_str("••••");
        }
        shown.push_str(digits);
        digits.clear();
    };
    for character in text.chars() {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        end_of_digits(&mut shown, &mut digits);
        if shown.chars().count() > LONGEST {
            shown.push('…');
            return shown;
        }
        match character {
            '\r' => shown.push_str("<CR>"),
            '\n' => shown.push_str("<LF>"),
            '\t' => shown.push_str("<TAB>"),
            '\u{1D}' => shown.push_str("<GS>"),
            '\u{1E}' => shown.push_str("<RS>"),
            '\u{4}' => shown.push_str("<EOT>"),
            other if other.is_control() => shown.push_str(&format!("<{:02X}>", u32::from(other))),
            other => shown.push(other),
        }
    }
    end_of_digits(&mut shown, &mut digits);
    shown
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn control_characters_are_seen_and_payment_codes_are_not() {
        assert_eq!(visible("0106901234567892\u{1D}21A\r\n"), "01••••<GS>21A<CR><LF>");
        assert_eq!(visible("6901234567892"), "6901234567892");
        for code in [
            "134567890123456789",
            "2812345678901234",
            "~134567890123456789#",
            "x\u{1}284567890123456789012345",
        ] {
            assert!(!visible(code).contains("4567"), "{code}");
        }
        assert_eq!(visible("\u{1}中"), "<01>中");
        assert!(visible(&"长".repeat(3_000)).chars().count() < 200);
    }
}
