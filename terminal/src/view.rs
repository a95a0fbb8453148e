//! What a person sees and what a person can do, as plain data.
//!
//! The controller shows a complete, immutable [`Screen`] after every change and receives a [`UserAction`] for every
//! touch. Nothing here is an English (or Chinese) sentence: a message is an enum variant with its arguments, and the
//! words live with the screens, so that the language can change at any moment. No type of the window toolkit is named
//! here.
//!
//! Amounts are integer minor units (fen, cents) of the one currency that [`Screen::money`] names. Times of day are
//! already in the store's zone, as digits (`14:05`); durations are whole seconds.

mod action;
mod adjust;
mod aside;
mod customer;
mod day;
mod lock;
mod look;
mod notice;
mod orders;
mod page;
mod scanners;
mod shift;
mod status;
#[cfg(test)]
pub(crate) mod testing;
mod training;

use crate::language::Translation;

pub use action::{DayStep, TypedOff, UserAction};
pub use adjust::{AdjustPage, AdjustTarget, HeldPage, HeldRow, TakenOff};
pub use aside::{AboutPage, FaultPage, RefundItem, RefundRefusal, RefundState, RefundsPage};
pub use customer::{CustomerLine, CustomerPage, CustomerScreen};
pub use day::{DayPage, DisplayState, TestPrint, WalletAnswers, WalletLine};
pub use lock::{ApprovalPage, LockPage, LockPerson, LockState, StaffRole, UnderWay};
pub use look::{Colours, TextSize};
pub use notice::{Confirm, Notice};
pub use orders::{
    AskRefundPage, AskedLine, AskedSaid, AttemptEnd, OrderAdvice, OrderAttempt, OrderLine, OrderPage,
    OrderRefund, OrderRow, OrderState, OrderTender, OrdersHint, OrdersPage,
};
pub use page::{
    AwaitCodePage, CartLine, CashBalance, CashPage, CashRest, DeclineReason, DonePage, DrawerState,
    EnrolFailure, EnrolForm, EnrolPage, EnrolWaiting, Good, Page, PaidBy, PaymentPage, PaymentState,
    Quantity, ReceiptState, SalePage, ScannedCode, SerialPage, UnknownStep,
};
pub use scanners::{
    Arrived, ScannerKind, ScannerMarks, ScannerProfile, ScannerRow, ScannersPage, TakenFor, USUAL_BAUD,
};
pub use shift::{
    AmountPurpose, CountPage, CountRow, DrawerAmountPage, OpenShift, ReportLine, ReportPage, ReportSum,
    ShiftPage, report_lines,
};
pub use status::{Link, MoneyStyle, PrinterState, ScannerState, StatusBar, UnsentSales};
pub use training::{PracticeCustomer, TrainingBar};

use evertill_hardware::escpos::profile::TextEncoding;
use evertill_shared::wallet::Name;
pub use evertill_shared::wallet::Wallet;

/// Where screens are shown: the real window, or a recorder in a test.
pub trait View: Send {
    /// Replaces all that is on screen. Returns at once; the window catches up in its own thread. Call it after every
    /// action, even when two follow each other quickly: a box is emptied by showing it empty after it was full.
    fn show(&self, screen: Screen);
}

/// All that is on screen at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Screen {
    /// The language of all words.
    pub language: Language,
    /// How all of it is coloured.
    pub colours: Colours,
    /// How large all of its words are.
    pub text_size: TextSize,
    /// How amounts of this store are written.
    pub money: MoneyStyle,
    /// The bar that is on every page.
    pub status: StatusBar,
    /// The page in the middle.
    pub page: Page,
    /// Something to tell once, above the page, until it is dismissed or replaced.
    pub notice: Option<Notice>,
    /// A question that must be answered before anything else.
    pub confirm: Option<Confirm>,
    /// The till is in training; none of it is real.
    pub training: Option<TrainingBar>,
    /// The language that one touch switches to.
    pub next_language: Language,
    /// The number of that question, which no other has; 0 while none is asked.
    pub question: u32,
}

/// A language that the till speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Simplified Chinese.
    Chinese,
    /// One of a file of the shop's.
    Added(&'static Translation),
}

impl Language {
    /// What stands between names in a row.
    #[must_use]
    pub const fn comma(self) -> &'static str {
        match self {
            Self::English | Self::Added(_) => ", ",
            Self::Chinese => "、",
        }
    }

    /// A name in this language; what is no word of the till's own is in English where a file has the language.
    #[must_use]
    pub const fn of(self, name: Name) -> &'static str {
        match self {
            Self::English | Self::Added(_) => name.english,
            Self::Chinese => name.chinese,
        }
    }

    /// As settings and templates write it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh",
            Self::Added(added) => added.code(),
        }
    }

    /// Its file, if it is of one of the shop's.
    #[must_use]
    pub const fn added(self) -> Option<&'static Translation> {
        match self {
            Self::English | Self::Chinese => None,
            Self::Added(added) => Some(added),
        }
    }

    /// What it calls itself.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Chinese => "中文",
            Self::Added(added) => added.name(),
        }
    }

    /// A short word of the program's own, where it is not on a screen: in a language that was added as its file has it, for
    /// as far as printers know its letters; in English otherwise.
    #[must_use]
    pub fn on_paper(self, english: &'static str, chinese: &'static str) -> &'static str {
        self.printed(english, chinese, TextEncoding::Gb18030)
    }

    /// The same on a printer that knows these characters.
    #[must_use]
    pub fn printed(
        self,
        english: &'static str,
        chinese: &'static str,
        characters: TextEncoding,
    ) -> &'static str {
        match self.for_paper(characters) {
            Self::English => english,
            Self::Chinese => chinese,
            Self::Added(added) => added.printed(english, characters).unwrap_or(english),
        }
    }

    /// The language of the program's own words on such a printer: English where it knows no Chinese.
    #[must_use]
    pub fn for_paper(self, characters: TextEncoding) -> Self {
        match self {
            Self::Chinese if characters != TextEncoding::Gb18030 => Self::English,
            other => other,
        }
    }
}
