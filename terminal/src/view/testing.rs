//! A till's window for tests of what is made of it.

use super::{
    Colours, Language, Link, MoneyStyle, Page, PrinterState, ScannerState, Screen, StatusBar, TextSize,
};

/// That page of a till that is online and has nothing to tell.
pub fn screen(page: Page) -> Screen {
    Screen {
        language: Language::English,
        colours: Colours::Light,
        text_size: TextSize::Normal,
        next_language: Language::Chinese,
        money: MoneyStyle { symbol: "¥".into(), decimals: 2 },
        status: StatusBar {
            store: "Corner Store".into(),
            till: "Till 1".into(),
            clock: "12:00".into(),
            link: Link::Online,
            cash_works: true,
            code_works: true,
            unsent: None,
            printer: PrinterState::None,
            scanner: ScannerState::None,
            cashier: Some("Li Na".into()),
            refunds_waiting: 0,
        },
        page,
        notice: None,
        question: 0,
        confirm: None,
        training: None,
    }
}
