//! The bar that is on every page.

use super::generated::{LinkState, PrinterKind, ScannerKind, StatusData};
use crate::view::{Link, PrinterState, ScannerState, StatusBar};

pub fn data(status: &StatusBar) -> StatusData {
    StatusData {
        store: status.store.as_str().into(),
        till: status.till.as_str().into(),
        clock: status.clock.as_str().into(),
        cashier: status.cashier.as_deref().unwrap_or_default().into(),
        link: match status.link {
            Link::Connecting => LinkState::Connecting,
            Link::Online => LinkState::Online,
            Link::Offline => LinkState::Offline,
        },
        cash_works: status.cash_works,
        code_works: status.code_works,
        unsent: status.unsent.map_or(-1, |unsent| whole(unsent.count)),
        oldest_seconds: whole(status.unsent.map_or(0, |unsent| unsent.oldest_seconds)),
        entries: whole(status.unsent.map_or(0, |unsent| unsent.entries)),
        printer: printer(status.printer),
        scanner: scanner(status.scanner),
        refunds: whole(status.refunds_waiting),
    }
}

pub fn scanner(state: ScannerState) -> ScannerKind {
    match state {
        ScannerState::None => ScannerKind::None,
        ScannerState::Ready => ScannerKind::Ready,
        ScannerState::Disconnected => ScannerKind::Disconnected,
    }
}

pub fn printer(state: PrinterState) -> PrinterKind {
    match state {
        PrinterState::None => PrinterKind::None,
        PrinterState::Ready => PrinterKind::Ready,
        PrinterState::PaperLow => PrinterKind::PaperLow,
        PrinterState::PaperOut => PrinterKind::PaperOut,
        PrinterState::CoverOpen => PrinterKind::CoverOpen,
        PrinterState::Fault => PrinterKind::Fault,
        PrinterState::Disconnected => PrinterKind::Disconnected,
    }
}

/// A number for the screen; what is too large for it is shown as its largest.
pub fn whole(value: impl TryInto<i32>) -> i32 {
    value.try_into().unwrap_or(i32::MAX)
}
