//! What the till says once, and what it asks.

use super::{DrawerState, PrinterState};
use evertill_shared::id::RefundId;
use evertill_shared::protocol::refunds::APPROVAL_PREFIX;
use evertill_shared::staff_card::CARD_PREFIX;

/// Something to tell the cashier. The words and the advice live with the screens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// No goods have this barcode.
    UnknownBarcode {
        /// The digits as scanned; made by [`Notice::unknown_barcode`], without secrets.
        code: String,
    },
    /// No goods match the text that was entered.
    NothingFound {
        /// The text as entered; made by [`Notice::nothing_found`], without secrets.
        text: String,
    },
    /// While the customer's payment code was expected, a goods barcode was scanned. It was not added.
    GoodsCodeAtTender,
    /// While the customer's payment code was expected, the code that a shop shows was scanned. It was not used.
    ShopCodeAtTender,
    /// A payment code was scanned before a tender was chosen. It was not used, and is not kept.
    PaymentCodeBeforeTender,
    /// The code scanned is a payment code of no wallet that this store takes.
    UnknownPaymentCode,
    /// An attempt was begun with this payment code before. No wallet takes it twice, so it was not sent again.
    CodeTriedBefore,
    /// While the customer's payment code was expected, the code of a receipt was scanned.
    OrderCodeAtTender,
    /// The order that was scanned or typed is not in this till's books.
    OrderNotHere {
        /// Its number, or the other till's number of the sale.
        number: String,
    },
    /// An earlier order is in a file of the till's archive that is missing or damaged.
    ArchiveMissing {
        /// Which file.
        file: String,
    },
    /// What was scanned could not be read as any code.
    UnreadableScan,
    /// At bring-up something was scanned that is no one-time code.
    NoEnrolmentCode,
    /// The sale has no lines, so there is nothing to take money for.
    EmptySale,
    /// Payment codes do not work while the till is offline.
    CodeNeedsNetwork,
    /// The amount given is less than the total.
    NotEnoughCash,
    /// A part of this sale was taken in cash: it goes back first, or the rest is paid.
    CashInPlace {
        /// How much, in minor units.
        minor: i64,
    },
    /// A part that was taken in cash is to be handed back to the customer.
    HandBack {
        /// Of which sale: two may be about the same amount.
        sale: u64,
        /// How much, in minor units.
        minor: i64,
        /// What is known of the drawer that opens for it.
        drawer: DrawerState,
    },
    /// While a question was on screen something was scanned. It was not used.
    ScanNotUsed,
    /// While the till cannot sell something was scanned. It was not used.
    ScanAtFault,
    /// On the form of a refund goods were scanned that this order does not have.
    NotInOrder {
        /// Their name.
        name: String,
    },
    /// All of these goods that the order has come back already.
    AllPicked {
        /// Their name.
        name: String,
    },
    /// A scanner that nobody has set up has typed a code that is a secret into a box. It was not taken, and is kept nowhere.
    SecretTyped,
    /// The till is locked: what was scanned was not used.
    LockedScan,
    /// A staff card was scanned that nobody here has: it was replaced or removed, or is another store's.
    CardUnknown,
    /// What was scanned is a part of a staff card's code.
    CardUnreadable,
    /// A staff card was scanned while something is asked, typed, counted or paid: nobody takes over there by it.
    CardNotNow,
    /// A staff card was scanned where somebody has to approve something. It does not.
    CardApprovesNothing,
    /// A staff card was scanned: who it says is at the till now, or was already.
    LoggedIn {
        /// The name that others see.
        name: String,
    },
    /// A sale is being paid: what was scanned was not added.
    SaleUnderWay,
    /// The sale was voided; nothing was charged.
    SaleVoided,
    /// The same scan came twice and was taken once.
    DoubleScanIgnored,
    /// The quantity cannot be larger.
    QuantityLimit,
    /// The goods have no price; they cannot be sold here.
    NoPrice {
        /// The name of the goods.
        name: String,
    },
    /// The goods ask for an age, and were not sold.
    NotSold {
        /// The name of the goods.
        name: String,
    },
    /// The goods are sold by weight: the scale's label has to be scanned.
    NoWeight {
        /// The name of the goods.
        name: String,
    },
    /// The code of goods says that they must not be sold any more. They were not added.
    Expired {
        /// Their name.
        name: String,
    },
    /// A label says how much of the goods it stands for, but nothing that this till can charge. It was not added.
    LabelUnclear {
        /// The name of the goods.
        name: String,
    },
    /// More would be taken off than there is, or nothing would be left to pay.
    TooMuchOff,
    /// A discount or another price needs a reason, in few words.
    ReasonNeeded,
    /// A discount did not fit any more, and was taken off.
    DiscountGone,
    /// A price was approved for fewer pieces, and is the goods' own again.
    PriceGone,
    /// Everything is free: there is nothing to pay.
    NothingToPay,
    /// The sale is held.
    SaleHeld {
        /// The name that it was given, or its number.
        name: String,
    },
    /// The sale in hand must be held or voided before another is taken in hand.
    HoldFirst,
    /// No more sales can be held.
    TooManyHeld,
    /// A manager has asked for refunds at this till.
    RefundsArrived {
        /// How many wait now.
        count: u32,
    },
    /// A refund that was asked for here and waited in the console was approved: it waits under "Refunds".
    RefundApproved {
        /// The order's number.
        order_number: String,
        /// The manager's name.
        by: String,
    },
    /// A manager refused it in the console: no money goes back.
    RefundRefusedInConsole {
        /// The order's number.
        order_number: String,
        /// The manager's name.
        by: String,
    },
    /// It waited in the console, and nobody approved it on the day of the sale: no money goes back.
    RefundExpired {
        /// The order's number.
        order_number: String,
    },
    /// It was approved in the console, and the order does not allow it any more: no money goes back.
    RefundForbidden {
        /// The order's number.
        order_number: String,
    },
    /// A cash refund turned out to be done when nobody waited for it, or its drawer stayed shut, or the program ended before
    /// it was known that it opened.
    RefundToPayOut {
        /// Which refund.
        refund: RefundId,
        /// The order's number.
        order_number: String,
        /// How much, in minor units.
        amount_minor: i64,
    },
    /// A payment that was unknown turned out to be paid.
    EarlierPaymentPaid {
        /// The order's number.
        order_number: String,
    },
    /// A payment that was unknown was taken back; the customer was not charged.
    EarlierPaymentReversed {
        /// The order's number.
        order_number: String,
    },
    /// The printer needs a person.
    Printer(PrinterState),
    /// The copy has been printed.
    CopyPrinted,
    /// The scanner does not answer; search by name or code meanwhile.
    ScannerLost,
    /// The till's clock is far from the server's.
    ClockWrong {
        /// How far, in seconds; positive if the till is ahead.
        ahead_seconds: i64,
    },
    /// The server refused a queued sale; it stands in quarantine for a person at IT.
    SaleQuarantined {
        /// The order's or the sale's number.
        number: String,
    },
    /// The server refused what was asked; the code is for IT.
    ServerRefused {
        /// The server's machine-readable code.
        code: String,
    },
    /// The server cannot be reached now; try again later.
    NoNetwork,
    /// Nobody who has a PIN may approve this.
    NobodyMayApprove,
    /// The drawer was opened without a sale, and it is written down.
    DrawerOpened,
    /// Nobody knows whether the drawer opened.
    DrawerUnknown,
    /// The drawer surely did not open, because the printer that it hangs on is like this.
    DrawerShut(PrinterState),
    /// No drawer is connected, and it was to be opened without a sale: by its key. It is written down.
    DrawerByKey,
    /// The store sells only in a shift, and none is open.
    ShiftNeeded,
    /// The shop's template for receipts cannot be read by this till: they look as the till makes them.
    TemplateUnreadable,
    /// The file of a language cannot be used.
    LanguageUnusable {
        /// Which, and what is wrong with it, in words.
        detail: String,
    },
    /// What was scanned or typed is no serial number.
    NotASerial,
    /// A customer's payment code came where a serial number was asked for. It is kept nowhere.
    PaymentCodeNotSerial,
    /// One serial number is that of one piece: the line's quantity stays.
    OnePiece,
    /// The piece with this serial number is in the sale already.
    SerialTwice {
        /// Its number.
        serial: String,
    },
    /// In training: that is a customer's real code. It was not used, and went nowhere.
    RealCodeInTraining,
    /// This is not there to be practised.
    NotInTraining,
    /// In training the drawer stays shut.
    DrawerInTraining,
    /// A payment or a refund is not finished: no training now.
    NoTrainingNow,
    /// Training could not begin, or ended by itself. Nothing else is the matter.
    TrainingBroken,
}

/// A question with yes and no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirm {
    /// Really void the whole sale?
    VoidSale {
        /// Items in the sale.
        item_count: u32,
        /// Its total in minor units.
        total_minor: i64,
    },
    /// Really carry out this refund?
    CarryOutRefund {
        /// The order that is refunded.
        order_number: String,
        /// How much goes back, in minor units.
        amount_minor: i64,
        /// True if the money is handed over from the drawer.
        cash: bool,
    },
    /// Did the customer really give so much?
    LargeChange {
        /// What was entered, in minor units.
        given_minor: i64,
        /// What would go back, in minor units.
        change_minor: i64,
    },
    /// Really give the part back that was taken in cash?
    CashBack {
        /// How much, in minor units.
        minor: i64,
    },
    /// The payment of an earlier customer came to nothing, and a part of that sale was taken in cash: does it go back now?
    CashLeft {
        /// The order's number, or the till's own of the sale.
        number: String,
        /// How much, in minor units.
        minor: i64,
    },
    /// Did really nobody come for that cash? It stays in the drawer then as money that was put in, and the sale is over.
    CashKept {
        /// The order's number, or the till's own of the sale.
        number: String,
        /// How much, in minor units.
        minor: i64,
    },
    /// Really leave this unknown payment and serve the next customer?
    SetAside {
        /// What is at stake, in minor units.
        total_minor: i64,
    },
    /// Is all counted, and is the shift to end?
    EndShift {
        /// What was counted, in minor units.
        counted_minor: i64,
    },
    /// Is the customer old enough for these goods?
    OldEnough {
        /// The name of the goods.
        name: String,
        /// The least age, in years.
        years: u8,
        /// The last day of birth that is early enough, as digits (`2008-11-22`).
        born_by: String,
        /// How many scans wait for the answer.
        waiting: u32,
    },
}

impl Notice {
    /// No goods have this barcode.
    #[must_use]
    pub fn unknown_barcode(code: &str) -> Self {
        Self::UnknownBarcode { code: without_secrets(code) }
    }

    /// No goods match this text.
    #[must_use]
    pub fn nothing_found(text: &str) -> Self {
        Self::NothingFound { text: without_secrets(text) }
    }
}

/// So many digits in a row or more may be somebody's payment code: never shown whole, wherever they stand and even when
/// no wallet of ours knows them.
const MAY_BE_SECRET: usize = 16;
/// So many of them are shown.
const SHOWN: usize = 2;

/// The text with only the beginning of each run of digits that may be a payment code. A space or a hyphen between two
/// digits does not end a run: phones show their codes in groups.
///
/// Of a code that approves something or logs somebody in, damaged or not, only the prefix is left.
fn without_secrets(text: &str) -> String {
    let upper = text.to_ascii_uppercase();
    let first = [APPROVAL_PREFIX, CARD_PREFIX].iter().filter_map(|prefix| upper.find(prefix)).min();
    if let Some((before, code)) = first.and_then(|at| text.split_at_checked(at)) {
        let prefix: String = code.chars().take(APPROVAL_PREFIX.len()).collect();
        return format!("{}{prefix}…", without_secrets(before));
    }
    let characters: Vec<char> = text.chars().collect();
    let (mut shown, mut at) = (String::new(), 0);
    while let Some(rest) = characters.get(at..).filter(|rest| !rest.is_empty()) {
        let (length, digits) = run(rest);
        let end = if digits >= MAY_BE_SECRET { SHOWN } else { length.max(1) };
        shown.extend(rest.iter().take(end));
        if digits >= MAY_BE_SECRET {
            shown.push('…');
        }
        at += length.max(1);
    }
    shown
}

/// How many characters the run of digits at the beginning has, and how many of them are digits.
fn run(text: &[char]) -> (usize, usize) {
    let (mut length, mut digits) = (0, 0);
    for (place, character) in text.iter().enumerate() {
        if character.is_numeric() {
            (length, digits) = (place + 1, digits + 1);
        } else if digits == 0 || !matches!(character, ' ' | '-') || place != length {
            break;
        }
    }
    (length, digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_may_be_a_payment_code_is_never_shown_whole() {
        for (text, shown) in [
            ("134567890123456789", "13…"),
            ("P01134567890123456789", "P01…"),
            ("T134567890123456789", "T13…"),
            ("code 1345 6789-0123 456789!", "code 13…!"),
            ("１３４５６７８９０１２３４５６７８９", "１３…"),
            ("4006381333931", "4006381333931"),
            ("123456789012345", "123456789012345"),
            ("1234567890  1234567890", "1234567890  1234567890"),
            ("茶 250g - 2", "茶 250g - 2"),
            ("EVTA-ABCDE-FGH23-JKLMN-PQRST", "EVTA-…"),
            ("茶134567890123456789]Q1evta-abcde-fgh23-jk", "茶13…]Q1evta-…"),
            ("evtc-abcde-fgh23 EVTA-ABCDE", "evtc-…"),
            ("EVTA-ABCDE EVTC-ABCDE", "EVTA-…"),
            ("", ""),
        ] {
            assert_eq!(without_secrets(text), shown, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_16_digits_in_a_row_are_left_and_nothing_else_is_lost(text in "[0-9a-z \\-茶]{0,60}") {
            let shown = without_secrets(&text);
            let longest = shown.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0);
            prop_assert!(longest < MAY_BE_SECRET, "{}", shown);
            let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).collect::<String>();
            prop_assert_eq!(letters(&shown), letters(&text));
        }
    }
}
