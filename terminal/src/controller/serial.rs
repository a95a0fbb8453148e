//! Goods that are sold by their serial number: the till asks for it, by scan or typed, before there is a line. Without its
//! number a piece is not sold. What was scanned before it was asked for waits, and follows in its order.

use super::age::{Measure, Wanted};
use super::cart::NotDone;
use super::{At, Controller};
use crate::secret_code;
use crate::view::{Notice, SerialPage};
use evertill_hardware::label::{Label, LabelKind};
use evertill_shared::order::age::AgeCheck;
use evertill_shared::order::serial::{self, NotASerial};

/// A piece that waits for its serial number.
#[derive(Clone, Debug)]
pub struct Asking {
    /// No other asking has it: what is typed names the one that it was typed for.
    number: u32,
    wanted: Wanted,
    /// What was found of the customer's age just now, for these goods.
    age: Option<AgeCheck>,
}

impl Controller {
    pub(super) fn ask_serial(&mut self, wanted: Wanted, age: Option<AgeCheck>) {
        // One number is that of one piece.
        if matches!(wanted.measure, Measure::Several(count) if count != 1) {
            return self.tell(Notice::LabelUnclear { name: wanted.product.name });
        }
        let scanned = wanted.serial.clone();
        if scanned.is_none() {
            self.notices.over();
        }
        self.questions = self.questions.wrapping_add(1);
        self.at = At::Serial(Box::new(Asking { number: self.questions, wanted, age }));
        if let Some(number) = scanned {
            self.give_serial(&number);
        }
    }

    /// A scan while the till asks. The code of goods is not the number of a piece: it was scanned once more. One code may
    /// hold both.
    pub(super) fn scan_serial(&mut self, label: &Label) {
        let At::Serial(asking) = &self.at else { return };
        let goods = self.goods.by_barcode(&label.code());
        let both = goods.as_ref().filter(|product| product.id == asking.wanted.product.id);
        let inside = both.and(label.gs1.as_ref()).and_then(|gs1| gs1.serial.clone());
        if let Some(number) = inside {
            return self.give_serial(&number);
        }
        let is_goods = !matches!(label.kind, LabelKind::Other) || goods.is_some();
        if is_goods {
            return self.tell(Notice::NotASerial);
        }
        self.give_serial(label.text.expose());
    }

    /// A number was typed, for the piece that was on screen.
    pub(super) fn serial_typed(&mut self, question: u32, text: &str) {
        if !matches!(&self.at, At::Serial(asking) if asking.number == question) {
            return;
        }
        let is_goods = self.goods.by_barcode(text.trim()).is_some();
        if is_goods || secret_code::names_own(text) {
            return self.tell(Notice::NotASerial);
        }
        self.give_serial(text);
    }

    fn give_serial(&mut self, text: &str) {
        let At::Serial(asking) = &self.at else { return };
        let number = match serial::read(text) {
            Ok(number) => number,
            Err(NotASerial::Shape) => return self.tell(Notice::NotASerial),
            Err(NotASerial::PaymentCode) => return self.tell(Notice::PaymentCodeNotSerial),
        };
        let Asking { wanted, age, .. } = (**asking).clone();
        let piece = if let Measure::Piece(piece) = &wanted.measure { Some(piece) } else { None };
        let mut cart = self.cart.clone();
        let added = cart.add_with_serial(&wanted.product, piece, &number, self.currency());
        if added == Err(NotDone::SerialTwice) {
            return self.tell(Notice::SerialTwice { serial: number });
        }
        if let Some(age) = age.filter(|_| added.is_ok()) {
            cart.found_old_enough(age);
        }
        self.at = At::Sale;
        self.after_adding(added, cart, &wanted.product);
        self.sell_waiting();
    }

    /// The piece on screen is not sold.
    pub(super) fn no_serial(&mut self, question: Option<u32>) {
        let At::Serial(asking) = &self.at else { return };
        if question.is_some_and(|question| question != asking.number) {
            return;
        }
        let name = asking.wanted.product.name.clone();
        self.at = At::Sale;
        self.tell(Notice::NotSold { name });
        self.sell_waiting();
    }

    /// Nobody can be asked for the number on screen any longer: the piece is not sold, and somebody has to read it.
    pub(super) fn leave_serial(&mut self) {
        let At::Serial(asking) = &self.at else { return };
        let name = asking.wanted.product.name.clone();
        self.at = At::Sale;
        self.tell(Notice::NotSold { name });
        self.notices.keep_for_sale();
    }

    pub(super) fn serial_page(&self, asking: &Asking) -> SerialPage {
        SerialPage {
            question: asking.number,
            name: asking.wanted.product.name.clone(),
            waiting: u32::try_from(self.waiting.len()).unwrap_or(u32::MAX),
        }
    }
}
