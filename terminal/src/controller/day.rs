//! How the till stands, in words, and a print that shows that the printer works.

use super::{At, Command, Controller, PrintReport};
use crate::sync::Line;
use crate::view::{DayPage, DisplayState, TestPrint, WalletAnswers, WalletLine};
use evertill_shared::protocol::terminal::WalletState;
use evertill_shared::wallet::Wallet;

impl Controller {
    /// A line of words on paper. It is no receipt: it is in no book, and is not printed again by itself.
    pub(super) fn test_print(&mut self) {
        let At::Day { test } = &mut self.at else { return };
        if !self.options.has_printer || *test == TestPrint::Printing {
            return;
        }
        *test = TestPrint::Printing;
        self.out.push(Command::TestPrint { language: self.language });
    }

    pub(super) fn on_test_printed(&mut self, report: PrintReport) {
        let result = match report {
            PrintReport::Confirmed => TestPrint::Printed,
            PrintReport::Unknown => TestPrint::Unknown,
            PrintReport::NotStarted(printer) => {
                self.printer = printer;
                TestPrint::Failed(printer)
            }
        };
        if let At::Day { test } = &mut self.at {
            *test = result;
        }
    }

    pub(super) fn on_display(&mut self, state: DisplayState) {
        self.display = state;
    }

    pub(super) fn day_page(&self, test: TestPrint) -> DayPage {
        let offered = |wallet: &Wallet| {
            self.status.as_ref().is_some_and(|s| s.wallets.contains(wallet) || s.shows.contains(wallet))
        };
        let line = |wallet: Wallet| WalletLine { wallet, state: self.wallet_answers(wallet) };
        DayPage {
            server: self.identity.as_ref().and_then(|i| i.servers.first().cloned()).unwrap_or_default(),
            wallets: Wallet::ALL.into_iter().filter(offered).map(line).collect(),
            display: self.display,
            drawer: self.drawer.last_known(),
            test,
        }
    }

    /// By the server's last word. Without a line to it that word is old, and says nothing.
    fn wallet_answers(&self, wallet: Wallet) -> WalletAnswers {
        let Some(status) = self.status.as_ref().filter(|_| self.sync.line() == Line::Up) else {
            return WalletAnswers::NotKnown;
        };
        let told = status.health.iter().find(|health| health.wallet == wallet);
        match told.map(|health| health.state) {
            Some(WalletState::Well) => WalletAnswers::Well,
            Some(WalletState::Unsteady) => WalletAnswers::Unsteady,
            Some(WalletState::Silent { since }) => {
                // By the server's clock, and what has passed here since it spoke.
                let before = status.server_time.since(since);
                let after = self.now.monotonic.saturating_sub(self.status_at);
                WalletAnswers::Silent { since_seconds: before.saturating_add(after).as_secs() }
            }
            Some(WalletState::Other) | None => WalletAnswers::NotKnown,
        }
    }
}
