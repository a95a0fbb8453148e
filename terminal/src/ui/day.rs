//! How the till stands, in words.

use super::generated::{Day, DisplayKind, MainWindow, TestPrintKind, WalletAnswersKind, WalletLineData};
use super::payment::drawer;
use super::status::{printer, whole};
use super::{Act, list, wallets};
use crate::view::{DayPage, DisplayState, PrinterState, TestPrint, UserAction, WalletAnswers, WalletLine};
use slint::ComponentHandle;

pub fn connect(window: &MainWindow, act: &Act) {
    let day = window.global::<Day>();
    let send = act.clone();
    day.on_open(move || send(UserAction::OpenDay));
    let send = act.clone();
    day.on_test_print(move || send(UserAction::TestPrint));
}

pub fn show(window: &MainWindow, page: &DayPage) {
    let day = window.global::<Day>();
    day.set_server(page.server.as_str().into());
    if let Some(wallets) = list::update(&day.get_wallets(), page.wallets.iter().map(wallet_line).collect()) {
        day.set_wallets(wallets);
    }
    day.set_display(match page.display {
        DisplayState::None => DisplayKind::None,
        DisplayState::Ready => DisplayKind::Ready,
        DisplayState::Disconnected => DisplayKind::Disconnected,
    });
    let (kind, why) = drawer(page.drawer);
    day.set_drawer(kind);
    day.set_drawer_printer(printer(why));
    let (test, why) = match page.test {
        TestPrint::NotAsked => (TestPrintKind::NotAsked, PrinterState::None),
        TestPrint::Printing => (TestPrintKind::Printing, PrinterState::None),
        TestPrint::Printed => (TestPrintKind::Printed, PrinterState::None),
        TestPrint::Unknown => (TestPrintKind::Unknown, PrinterState::None),
        TestPrint::Failed(printer) => (TestPrintKind::Failed, printer),
    };
    day.set_test(test);
    day.set_test_printer(printer(why));
}

fn wallet_line(line: &WalletLine) -> WalletLineData {
    let (state, seconds) = match line.state {
        WalletAnswers::NotKnown => (WalletAnswersKind::NotKnown, 0),
        WalletAnswers::Well => (WalletAnswersKind::Well, 0),
        WalletAnswers::Unsteady => (WalletAnswersKind::Unsteady, 0),
        WalletAnswers::Silent { since_seconds } => (WalletAnswersKind::Silent, whole(since_seconds)),
    };
    WalletLineData { wallet: wallets::place(line.wallet), state, seconds }
}
