//! The sale screen: goods by scan, by touch and by search.

use super::age::Measure;
use super::card::read_card;
use super::cart::{Changed, NotDone};
use super::question::{Question, Yes};
use super::{At, Cart, Controller};
use crate::catalogue_store::SearchText;
use crate::config::ScannerConfig;
use crate::journal_store::JournalError;
use crate::secret_code;
use crate::view::{Confirm, Notice, UserAction};
use evertill_hardware::ScanText;
use evertill_hardware::label::{Label, LabelKind, classify_with};
use evertill_shared::journal::Body;
use evertill_shared::protocol::catalogue::Product;
use evertill_shared::protocol::refunds::is_approval_code;
use evertill_shared::secret::SecretText;
use evertill_shared::staff_card::NotACard;
use evertill_shared::wallet;

/// What was looked for last, and what was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    text: String,
    changes: u64,
    pub(super) goods: Vec<Product>,
}

impl Controller {
    /// A scan. What it means depends on the page: a payment code is taken only where one was asked for.
    pub(super) fn on_scan(&mut self, scan: ScanText) {
        if !self.faults.is_empty() {
            return self.tell(Notice::ScanAtFault);
        }
        let prefixes = self.options.scanner.as_ref().map(ScannerConfig::prefixes).unwrap_or_default();
        let raw = SecretText::new(scan.expose().to_owned());
        let label = classify_with(scan, prefixes);
        // Never shown, looked up or taken for goods: whoever sees it could log in with it.
        let card = read_card(raw.expose(), &label);
        if card != Err(NotACard::Other) {
            return self.scan_card(card);
        }
        if self.duty.is_locked() {
            return self.scan_while_locked();
        }
        match &self.question {
            Some(Question { yes: Yes::OldEnough(_), .. }) => return self.scan_meanwhile(label),
            Some(_) => return self.tell(Notice::ScanNotUsed),
            None => {}
        }
        // Whoever scans goes on with something else: nothing is approved behind their back.
        self.drop_approval();
        let is_goods = !matches!(label.kind, LabelKind::Other);
        // Never shown, looked up or taken for goods: whoever sees it could use it elsewhere.
        if is_approval_code(label.text.expose()) {
            return self.approve_refund_by_code(SecretText::new(label.text.into_exposed()));
        }
        if matches!(self.at, At::Scanners) {
            return self.show_arrived(&label);
        }
        if self.scan_order(label.text.expose(), is_goods) {
            return;
        }
        match &self.at {
            // The phone was still before the scanner: the page that says "paid" must not go for that.
            At::Done { .. } if self.is_payment_code(label.text.expose()) => {
                self.tell(Notice::DoubleScanIgnored);
            }
            At::Done { .. } => {
                self.next_sale();
                self.scan_label(&label);
            }
            At::Sale => self.scan_label(&label),
            At::Serial(_) => self.scan_serial(&label),
            At::AwaitCode { held: Some(_) } | At::Payment { .. } => {
                let again = self.is_payment_code(label.text.expose());
                self.tell(if again { Notice::DoubleScanIgnored } else { Notice::SaleUnderWay });
            }
            At::AwaitCode { held: None } => self.scan_payment_code(label.text, is_goods),
            At::Cash { .. } | At::Ended { .. } => {
                if self.is_payment_code(label.text.expose()) {
                    self.scan_next_attempt(label.text);
                } else if self.nothing_given() {
                    self.scan_forgotten(&label);
                } else {
                    self.tell(Notice::SaleUnderWay);
                }
            }
            At::Adjust { .. }
            | At::Held
            | At::Refunds
            | At::Orders
            | At::Order { .. }
            | At::About
            | At::Day { .. }
            | At::Drawer
            | At::Shift
            | At::Report { .. } => {
                self.scan_beside(&label);
            }
            // What is being typed or counted is not left for a scan.
            At::DrawerAmount(_) | At::Count { .. } => self.tell(Notice::ScanNotUsed),
            At::AskRefund(_) => self.scan_for_refund(&label),
            At::Enrol(_) => self.scan_enrolment_code(label.text),
            At::Scanners | At::Starting => {}
        }
    }

    /// On a page beside the sale: goods go into the sale, which comes back on screen, so that none is missed.
    fn scan_beside(&mut self, label: &Label) {
        let code = label.code();
        if self.goods.by_barcode(&code).is_some() || self.weighed(&code).is_some() {
            self.at = At::Sale;
        }
        self.scan_label(label);
    }

    /// Cash is to be given, and none was yet.
    fn nothing_given(&self) -> bool {
        matches!(self.at, At::Cash { given_minor: 0 }) && self.part_minor() == 0
    }

    /// The customer had more in the basket: as if somebody had gone back to the sale first. Whatever is no goods leaves the
    /// page as it is.
    fn scan_forgotten(&mut self, label: &Label) {
        let code = label.code();
        if self.goods.by_barcode(&code).is_none() && self.weighed(&code).is_none() {
            return self.tell(Notice::SaleUnderWay);
        }
        self.back_from_tender();
        self.scan_label(label);
    }

    fn is_payment_code(&self, code: &str) -> bool {
        wallet::detect(code).is_some()
            && self.goods.by_barcode(code).is_none()
            && self.weighed(code).is_none()
    }

    pub(super) fn scan_goods(&mut self, code: &str) {
        if let Some(product) = self.goods.by_barcode(code) {
            return self.sell(product, Measure::Several(1));
        }
        if let Some((product, piece)) = self.weighed(code) {
            return self.sell(product, Measure::Piece(piece));
        }
        if self.is_payment_code(code) {
            return self.tell(Notice::PaymentCodeBeforeTender);
        }
        self.tell(Notice::unknown_barcode(code));
    }

    pub(super) fn on_sale_action(&mut self, action: UserAction) {
        if !matches!(self.at, At::Sale) {
            return;
        }
        match action {
            UserAction::AddProduct { id } => {
                if let Some(product) = self.goods.by_id(&id) {
                    self.sell(product, Measure::Several(1));
                    self.search.clear();
                }
            }
            UserAction::SetSearch(text) => self.set_search(text),
            UserAction::SubmitSearch(text) => self.submit_search(&text),
            UserAction::ChangeQuantity { line, delta } => {
                let mut cart = self.cart.clone();
                let changed = cart.change(line, delta);
                self.after_change(changed, cart);
            }
            UserAction::RemoveLine { line } => {
                let mut cart = self.cart.clone();
                let changed = cart.remove(line);
                self.after_change(changed, cart);
            }
            UserAction::VoidSale => self.ask_void(),
            _ => {}
        }
    }

    fn submit_search(&mut self, text: &str) {
        let wanted = text.trim();
        if wanted.is_empty() {
            return;
        }
        if secret_code::names_any(wanted) && !self.may_be_goods(wanted) {
            return self.forget_typed_code();
        }
        // A scanner that types like a keyboard has typed a receipt's code.
        if self.scan_order(wanted, false) {
            return self.search.clear();
        }
        let found = self.goods.search(wanted);
        match found.as_slice() {
            [only] => {
                self.sell(only.clone(), Measure::Several(1));
                self.search.clear();
            }
            [] => self.tell(Notice::nothing_found(wanted)),
            // Several: they are on screen, to be tapped.
            _ => self.search = wanted.to_owned(),
        }
    }

    /// Keeps the matches on screen those of what is typed and of the goods that there are.
    pub(super) fn look_for_matches(&mut self) {
        let changes = self.goods.changes();
        if self.found.text != self.search || self.found.changes != changes {
            let goods = self.goods.search(&self.search);
            self.found = Found { text: self.search.clone(), changes, goods };
        }
    }

    /// The names of the goods can be searched.
    pub(super) fn on_names(&mut self, names: SearchText) {
        if let Err(error) = self.goods.index_is_here(names) {
            tracing::error!(%error, "the goods cannot be found by name");
        }
    }

    pub(super) fn after_adding(&mut self, added: Result<Changed, NotDone>, cart: Cart, product: &Product) {
        match added {
            Ok(changed) => {
                self.notices.over();
                if self.set_cart(cart) {
                    return self.tell_changed(changed);
                }
                // The fault that has come is told instead; of these goods somebody reads it when it is mended.
                self.tell(Notice::NotSold { name: product.name.clone() });
                self.notices.keep_for_sale();
            }
            Err(why) => self.not_added(why, &product.name),
        }
    }

    fn after_change(&mut self, changed: Result<Changed, NotDone>, cart: Cart) {
        match changed {
            Ok(changed) => {
                self.set_cart(cart);
                self.tell_changed(changed);
            }
            Err(why) => self.not_added(why, ""),
        }
    }

    pub(super) fn not_added(&mut self, why: NotDone, name: &str) {
        self.tell(match why {
            NotDone::NoPrice => Notice::NoPrice { name: name.to_owned() },
            NotDone::NoWeight => Notice::NoWeight { name: name.to_owned() },
            NotDone::Limit => Notice::QuantityLimit,
            // Which number it was is told where it was given.
            NotDone::SerialTwice => Notice::NotASerial,
            NotDone::OnePiece => Notice::OnePiece,
            NotDone::TooMuchOff => Notice::TooMuchOff,
            // Touched twice: the first touch has done it.
            NotDone::NoLine => return,
        });
    }

    /// The goods change. A sale that was closed for payment never changes: it becomes another. Where no goods are left
    /// they are given up, and that is written down. False if it could not be, and nothing changes.
    pub(super) fn set_cart(&mut self, cart: Cart) -> bool {
        let written = match self.frozen {
            Some(sale) if cart.is_empty() => self.write(&Body::SaleVoided { sale }).is_some(),
            Some(sale) => self.write(&Body::SaleChanged { sale }).is_some(),
            None if cart.is_empty() && !self.cart.is_empty() => self.note_given_up(),
            None => true,
        };
        if written {
            if cart.is_empty() {
                self.next_customer();
            }
            self.frozen = None;
            self.cart = cart;
        }
        written
    }

    /// Goods that were never closed for payment are given up. A full disk does not keep them in hand: nothing was charged.
    fn note_given_up(&mut self) -> bool {
        let body = Body::CartVoided {
            lines: self.cart.lines_ever(),
            total: self.money(self.cart.total_minor()),
            cashier: self.cashier(),
        };
        let at = self.now.wall;
        match self.journal.as_mut().map(|journal| journal.append(&body, at)) {
            Some(Ok(_)) => self.sync.hurry(self.now.monotonic),
            Some(Err(JournalError::DiskFull)) => {
                tracing::warn!("the disk is full: that goods were given up is not written down");
            }
            Some(Err(error)) => {
                self.journal_failed(error);
                return false;
            }
            None => return false,
        }
        true
    }

    fn ask_void(&mut self) {
        if self.cart.is_empty() {
            return;
        }
        let shown =
            Confirm::VoidSale { item_count: self.cart.item_count(), total_minor: self.cart.total_minor() };
        self.ask(shown, Yes::VoidSale);
    }

    pub(super) fn void_sale(&mut self) {
        if !matches!(self.at, At::Sale) || self.cart.is_empty() {
            return;
        }
        self.set_cart(Cart::default());
        if self.cart.is_empty() {
            self.search.clear();
            self.tell(Notice::SaleVoided);
        }
    }
}
