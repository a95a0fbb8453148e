//! How the sale is paid: closing it in the journal, the number for it, cash.

use super::drawer::OpenedFor;
use super::payment::HeldCode;
use super::question::Yes;
use super::{At, Cart, Controller};
use crate::sync::{NetError, Request};
use crate::view::{self, Confirm, Notice, PaymentState};
use evertill_hardware::ScanText;
use evertill_shared::emvco::{EmvError, ShopCode};
use evertill_shared::journal::Body;
use evertill_shared::order::{Sale, SaleError};
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::orders::{CreateDraft, DraftCreated};
use evertill_shared::secret::AuthCode;
use evertill_shared::wallet;
use std::time::Duration;

/// More change than the sale's total and than this, in minor units, is likelier a slip of the finger than a banknote:
/// it is asked about first.
const LARGE_CHANGE: i64 = 100_000;
/// How long to wait before a number is asked for again.
const DRAFT_AGAIN: Duration = Duration::from_secs(1);

impl Controller {
    pub(super) fn tender_code(&mut self) {
        if !matches!(self.at, At::Sale | At::Ended { .. } | At::Cash { .. }) {
            return;
        }
        if self.cart.is_empty() {
            return self.tell(Notice::EmptySale);
        }
        // With a part in the drawer the rest can be asked for only where the server knows of such.
        if !self.code_works() || (self.part_minor() > 0 && !self.splits()) {
            return self.tell(Notice::CodeNeedsNetwork);
        }
        if self.close_sale().is_some() {
            self.notices.over();
            self.at = At::AwaitCode { held: None };
        }
    }

    pub(super) fn tender_cash(&mut self) {
        if !matches!(self.at, At::Sale | At::Ended { .. } | At::AwaitCode { held: None }) {
            return;
        }
        if self.cart.is_empty() {
            return self.tell(Notice::EmptySale);
        }
        if self.close_sale().is_some() {
            self.notices.over();
            self.at = At::Cash { given_minor: 0 };
        }
    }

    /// Writes the sale into the journal, if it is not there yet under the name of who serves.
    fn close_sale(&mut self) -> Option<u64> {
        // Somebody else may have come while a payment was under way that failed since.
        self.take_over();
        if self.frozen.is_none() {
            if self.needs_shift() {
                self.tell(Notice::ShiftNeeded);
                return None;
            }
            let store = self.identity.as_ref()?.store.id;
            let cashier = self.cashier();
            self.cart.hand_over(cashier.as_ref());
            let sale: Sale = match self.cart.close(store, self.now.wall, self.currency()) {
                Ok(sale) => sale,
                Err(SaleError::NothingToPay) => {
                    self.tell(Notice::NothingToPay);
                    return None;
                }
                Err(error) => {
                    tracing::warn!(%error, "the sale cannot be closed");
                    self.tell(Notice::QuantityLimit);
                    return None;
                }
            };
            let sale = sale.served_by(cashier);
            self.frozen = Some(self.write(&Body::Sale(sale))?);
            self.draft_due = self.now.monotonic;
        }
        self.frozen
    }

    /// Asks for a number while the customer takes the phone or the purse out, so that the scan only has to pay.
    pub(super) fn ask_for_number(&mut self) {
        if !matches!(self.at, At::AwaitCode { .. } | At::Cash { .. }) {
            return;
        }
        self.drop_stale_code();
        let Some(sale) = self.frozen else { return };
        if !self.code_works() || self.now.monotonic < self.draft_due {
            return;
        }
        let Some(Some(stored)) = self.read(|journal| journal.sale(sale)) else { return };
        if stored.record.adopted.is_some() || !self.sync.claim_draft(sale, self.now.monotonic) {
            return;
        }
        let Some(entry) = self.read(|journal| journal.entry(sale)) else { return };
        self.send(Request::Draft { sale, body: Box::new(CreateDraft { sale: entry }) });
    }

    /// A code that found no server is dropped: nothing was asked, so nothing was charged.
    fn drop_stale_code(&mut self) {
        let At::AwaitCode { held: Some(code) } = &self.at else { return };
        if self.now.monotonic < code.give_up_at && self.code_works() {
            return;
        }
        let wallet = Some(code.wallet);
        self.at = At::Ended { wallet, state: PaymentState::Declined(view::DeclineReason::NotSent) };
    }

    pub(super) fn on_draft(&mut self, sale: u64, result: Result<DraftCreated, NetError>) {
        let draft = match result {
            Ok(draft) => draft,
            Err(error) => return self.draft_failed(sale, &error),
        };
        let Some(Some(stored)) = self.read(|journal| journal.sale(sale)) else { return };
        // Exactly one number for each sale: a second draft is left to expire.
        if stored.record.adopted.is_none() && !stored.record.voided {
            let body = Body::Adopted { sale, number: draft.number };
            if self.write(&body).is_none() {
                return;
            }
        }
        self.pay_with_held_code(sale);
    }

    fn draft_failed(&mut self, sale: u64, error: &NetError) {
        self.draft_due = self.now.monotonic + DRAFT_AGAIN;
        let waits = self.frozen == Some(sale) && matches!(self.at, At::AwaitCode { .. });
        match error.code() {
            Some(code) if !code.is_later() && !matches!(code, ErrorCode::TerminalBlocked) && waits => {
                // A sale with a part in the drawer is not left.
                let in_place = self.part_of(self.frozen.unwrap_or_default()) > 0;
                self.at = if in_place { At::Cash { given_minor: 0 } } else { At::Sale };
                self.tell(Notice::ServerRefused { code: code.word() });
            }
            _ => {}
        }
    }

    pub(super) fn scan_payment_code(&mut self, text: ScanText, is_goods: bool) {
        let Some(wallet) = wallet::detect(text.expose()) else {
            let goods = is_goods || self.goods.by_barcode(text.expose()).is_some();
            let shops = (!goods).then(|| ShopCode::parse(text.expose()));
            return self.tell(match shops {
                None => Notice::GoodsCodeAtTender,
                Some(Ok(_)) => Notice::ShopCodeAtTender,
                Some(Err(EmvError::OtherFormat)) => Notice::UnknownPaymentCode,
                // It begins as a shop's code does, and came damaged.
                Some(Err(_)) => Notice::UnreadableScan,
            });
        };
        if !self.status.as_ref().is_some_and(|status| status.wallets.contains(&wallet)) {
            return self.tell(Notice::UnknownPaymentCode);
        }
        if self.tried.has(text.expose()) {
            return self.tell(Notice::CodeTriedBefore);
        }
        let Some(sale) = self.frozen else { return };
        self.notices.over();
        let code = AuthCode::new(text.into_exposed());
        self.at = At::AwaitCode { held: Some(HeldCode::new(code, wallet, self.now.monotonic)) };
        self.pay_with_held_code(sale);
    }

    /// A customer's code where none is asked for: after a payment that was declined, or where cash was to be given and none
    /// was counted yet. It is what the customer wants, so it does what the button and the code would, by the same rules
    /// (*one-charge*): the journal takes no attempt before the last is over. A phone that still lies before the scanner
    /// begins nothing: its code was tried. Nor does any phone after a payment was taken back: it may show a new code by
    /// itself, and the customer may be counting out notes.
    pub(super) fn scan_next_attempt(&mut self, text: ScanText) {
        if self.tried.lies_there(text.expose(), self.now.monotonic) {
            return self.tell(Notice::DoubleScanIgnored);
        }
        if self.tried.needs_touch() || matches!(self.at, At::Cash { given_minor } if given_minor > 0) {
            return self.tell(Notice::PaymentCodeBeforeTender);
        }
        self.tender_code();
        // If it did not come to that, the cashier was told why.
        if matches!(self.at, At::AwaitCode { held: None }) {
            self.scan_payment_code(text, false);
        }
    }

    /// The customer is to scan what the till shows.
    pub(super) fn show_code(&mut self, wallet: wallet::Wallet) {
        let Some(sale) = self.frozen.filter(|_| matches!(self.at, At::AwaitCode { held: None })) else {
            return;
        };
        if !self.code_works() || !self.status.as_ref().is_some_and(|status| status.shows.contains(&wallet)) {
            return self.tell(Notice::CodeNeedsNetwork);
        }
        self.notices.over();
        self.at = At::AwaitCode { held: Some(HeldCode::to_show(wallet, self.now.monotonic)) };
        self.pay_with_held_code(sale);
    }

    pub(super) fn cash_given(&mut self, minor: i64) {
        if let At::Cash { given_minor } = &mut self.at {
            *given_minor = minor.max(0);
        }
    }

    /// The cash is in the drawer. After this the page is another, so a second touch finds nothing to do.
    pub(super) fn cash_confirm(&mut self) {
        let At::Cash { given_minor } = &self.at else { return };
        let (given, total) = (*given_minor, self.due_minor());
        if given < total {
            return self.tell(Notice::NotEnoughCash);
        }
        let change_minor = given - total;
        if change_minor > total.max(LARGE_CHANGE) {
            let shown = Confirm::LargeChange { given_minor: given, change_minor };
            return self.ask(shown, Yes::TakeCash { given_minor: given });
        }
        self.take_cash(given);
    }

    pub(super) fn take_cash(&mut self, given: i64) {
        let (At::Cash { .. }, Some(sale)) = (&self.at, self.frozen) else { return };
        let (part, change) = (self.part_minor(), self.money(given - self.due_minor()));
        let given = self.money(given);
        let body = match part {
            0 => Body::CashTaken { sale, given, change },
            part => Body::CashRest { sale, given, change, part: self.money(part) },
        };
        if self.write(&body).is_none() {
            return;
        }
        // Once, and never with a copy: the drawer is a job of its own.
        self.open_drawer(OpenedFor::Sale(sale));
        self.finish(sale);
    }

    /// The sale in hand is paid.
    pub(super) fn finish(&mut self, sale: u64) {
        self.tried.next_sale();
        self.clear_sale();
        self.at = At::Done { sale };
        self.print_sale(sale);
    }

    /// The goods in hand were given up: those that come are another customer's.
    pub(super) fn next_customer(&mut self) {
        self.tried.next_sale();
        self.notices.sale_over();
    }

    pub(super) fn clear_sale(&mut self) {
        self.forget_sale();
        self.notices.sale_over();
        self.waiting.clear();
    }

    /// The sale in hand is read anew; what was told of it, and what waits for it, stays.
    pub(super) fn forget_sale(&mut self) {
        self.cart = Cart::default();
        self.frozen = None;
        self.search.clear();
        self.notices.over();
    }
}
