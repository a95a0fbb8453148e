//! How the till stands, in words: what is known, and that nothing more is said.

use super::rig::*;
use crate::controller::*;
use crate::sync::Answer;
use crate::view::{DayPage, DrawerState, Page, WalletAnswers};
use evertill_shared::protocol::terminal::{WalletHealth, WalletState};
use evertill_shared::terminal_state::TerminalState;
use evertill_shared::wallet::Wallet;

fn day(till: &Till) -> &DayPage {
    match till.page() {
        Page::Day(page) => page,
        other => panic!("{other:?}"),
    }
}

fn answers(till: &Till) -> Vec<WalletAnswers> {
    day(till).wallets.iter().map(|line| line.state).collect()
}

#[test]
fn wallets_answer_as_the_server_says_and_as_nobody_knows_without_it() {
    let mut till = Till::online();
    till.act(UserAction::OpenDay);
    assert_eq!(answers(&till), [WalletAnswers::NotKnown; 2], "a server from before does not say");
    let since = till.now.wall.minus(Duration::from_secs(90));
    let health = |wallet, state| WalletHealth { wallet, state };
    let status = TerminalStatus {
        health: vec![
            health(Wallet::WeChatPay, WalletState::Well),
            health(Wallet::Alipay, WalletState::Silent { since }),
        ],
        ..till.status(TerminalState::Active)
    };
    till.give(Input::Net(Answer::Heartbeat(Ok(status))));
    let silent = |since_seconds| WalletAnswers::Silent { since_seconds };
    assert_eq!(answers(&till), [WalletAnswers::Well, silent(90)]);
    till.now.monotonic += Duration::from_secs(3);
    till.give(Input::Tick);
    assert_eq!(answers(&till)[1], silent(93));
    till.line_lost();
    assert_eq!(answers(&till), [WalletAnswers::NotKnown; 2], "its last word is old");
}

#[test]
fn a_test_print_is_asked_for_once_and_its_end_is_told() {
    let mut till = Till::online();
    till.act(UserAction::TestPrint);
    assert!(till.other.is_empty(), "only on its page");
    till.act(UserAction::OpenDay);
    till.act(UserAction::TestPrint);
    till.act(UserAction::TestPrint);
    assert!(matches!(till.other[..], [Command::TestPrint { language: Language::English }]));
    assert_eq!(day(&till).test, TestPrint::Printing);
    till.give(Input::TestPrinted(PrintReport::NotStarted(PrinterState::PaperOut)));
    assert_eq!(day(&till).test, TestPrint::Failed(PrinterState::PaperOut));
    till.act(UserAction::TestPrint);
    till.give(Input::TestPrinted(PrintReport::Confirmed));
    assert_eq!((day(&till).test, till.other.len()), (TestPrint::Printed, 2));
    assert!(till.printed.is_empty() && till.kicks == 0, "no receipt, and no drawer");
}

#[test]
fn the_page_says_how_drawer_and_display_are_and_leaves_nothing_under_way() {
    let mut till = Till::online();
    till.give(Input::Display(DisplayState::Disconnected));
    till.scan(TEA);
    till.act(UserAction::TenderCash);
    till.act(UserAction::OpenDay);
    assert!(matches!(till.page(), Page::Cash(_)), "not from a payment");
    till.act(UserAction::CashGiven { minor: 500 });
    till.act(UserAction::CashConfirm);
    till.give(Input::Kicked { kick: 1, report: PrintReport::Unknown });
    till.act(UserAction::NextSale);
    till.act(UserAction::OpenDay);
    assert_eq!((day(&till).drawer, day(&till).display), (DrawerState::Unknown, DisplayState::Disconnected));
    // A scan goes on with the sale, as from any page beside it.
    till.scan(TEA);
    assert!(matches!(till.page(), Page::Sale(page) if page.lines.len() == 1));
    till.act(UserAction::OpenDay);
    till.act(UserAction::Back);
    assert!(matches!(till.page(), Page::Sale(_)));
}
