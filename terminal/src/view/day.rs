//! How the till stands, in words: what is not yet sent, its devices, the server and the wallets.

use super::{DrawerState, PrinterState, Wallet};

/// What the bar on every page does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayPage {
    /// The server that is asked first; empty if there is none.
    pub server: String,
    /// Each wallet that the store takes.
    pub wallets: Vec<WalletLine>,
    /// The customer's display on a pole.
    pub display: DisplayState,
    /// What is known of the last opening of the drawer.
    pub drawer: DrawerState,
    /// The test print, if one was asked for on this page.
    pub test: TestPrint,
}

/// A wallet, and how it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalletLine {
    /// Which.
    pub wallet: Wallet,
    /// How.
    pub state: WalletAnswers,
}

/// How a wallet answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalletAnswers {
    /// Nobody knows: the server does not answer, or does not say.
    NotKnown,
    /// As it should.
    Well,
    /// Not always.
    Unsteady,
    /// Not at all.
    Silent {
        /// For so long.
        since_seconds: u64,
    },
}

/// The customer's display on a pole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DisplayState {
    /// None is configured.
    #[default]
    None,
    /// Its line takes what it is sent. It says nothing back.
    Ready,
    /// Its line cannot be opened or takes nothing.
    Disconnected,
}

/// A test print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TestPrint {
    /// None was asked for.
    #[default]
    NotAsked,
    /// Under way.
    Printing,
    /// On paper.
    Printed,
    /// Nobody knows.
    Unknown,
    /// Not a byte went out, because the printer is like this.
    Failed(PrinterState),
}
