//! Changing a line or the whole sale: how many, what is taken off, at which price, and what is to be noted.

use super::approval::Approved;
use super::cart::{Cart, Changed, NotDone, tidy};
use super::{At, Controller};
use crate::view::{AdjustPage, AdjustTarget, Notice, TakenOff, TypedOff, UserAction};
use evertill_shared::cashier::Cashier;
use evertill_shared::money::Amount;
use evertill_shared::order::discount::{Discount, DiscountError, LONGEST_TEXT, Off, Percent, Reason};
use evertill_shared::order::line::Line;
use evertill_shared::rights::Right;

impl Controller {
    /// A line was touched, or the whole sale is meant.
    pub(super) fn open_adjust(&mut self, target: AdjustTarget) {
        if matches!(self.at, At::Sale) && self.base_of(target).is_some() {
            self.notices.over();
            self.at = At::Adjust { target };
        }
    }

    /// What a discount would be taken off; none if it is gone.
    fn base_of(&self, target: AdjustTarget) -> Option<Amount> {
        match target {
            AdjustTarget::Line(name) => self.cart.line(name)?.gross().ok(),
            AdjustTarget::Whole => {
                (!self.cart.is_empty()).then(|| self.cart.before_discount(self.currency()))
            }
        }
    }

    pub(super) fn on_adjust_action(&mut self, action: UserAction) {
        let At::Adjust { target } = self.at else { return };
        match (action, target) {
            (UserAction::SetQuantity { quantity }, AdjustTarget::Line(line)) => {
                self.adjust(|cart| cart.set_quantity(line, quantity));
            }
            (UserAction::TakeOff { off, reason }, _) => self.ask_discount(target, off, reason),
            (UserAction::OverridePrice { minor, reason }, AdjustTarget::Line(line)) => {
                self.ask_price(line, minor, reason);
            }
            (UserAction::TakeNothingOff, AdjustTarget::Line(line)) => {
                self.adjust(|cart| cart.discount_line(line, None));
            }
            (UserAction::TakeNothingOff, AdjustTarget::Whole) => {
                self.adjust(|cart| cart.discount_whole(None).map(|()| Changed::Only));
            }
            (UserAction::RestorePrice, AdjustTarget::Line(line)) => {
                self.adjust(|cart| cart.restore_price(line));
            }
            (UserAction::WriteNote { text }, AdjustTarget::Line(line)) => {
                self.adjust(|cart| cart.note_line(line, &text));
            }
            (UserAction::WriteNote { text }, AdjustTarget::Whole) => self.adjust(|cart| {
                cart.note_whole(&text);
                Ok(Changed::Only)
            }),
            (UserAction::RemoveLine { line }, _) => self.adjust(|cart| cart.remove(line)),
            _ => {}
        }
    }

    /// Changes the cart and goes back to the sale; or says why not, and stays.
    fn adjust(&mut self, change: impl FnOnce(&mut Cart) -> Result<Changed, NotDone>) {
        let mut cart = self.cart.clone();
        cart.hand_over(self.cashier().as_ref());
        match change(&mut cart) {
            Ok(changed) => {
                if self.set_cart(cart) {
                    self.at = At::Sale;
                    self.notices.over();
                    self.tell_changed(changed);
                }
            }
            Err(NotDone::NoLine) => self.at = At::Sale,
            Err(why) => self.not_added(why, ""),
        }
    }

    /// The discount is worked out and checked before anybody is asked to approve it.
    fn ask_discount(&mut self, target: AdjustTarget, off: TypedOff, reason: Reason) {
        let Some(base) = self.base_of(target) else {
            self.at = At::Sale;
            return;
        };
        let reason = one_line(&reason);
        let off = match off {
            TypedOff::Minor(minor) => Off::Amount(self.money(minor)),
            TypedOff::Points(points) => Off::Percent(Percent(points)),
        };
        match Discount::new(off, base, reason, None) {
            Ok(discount) => self.with_right(Right::Discount, Approved::Discount { target, discount }),
            Err(error) => self.tell_not_a_discount(&error),
        }
    }

    fn ask_price(&mut self, line: u32, minor: i64, reason: Reason) {
        let reason = one_line(&reason);
        if let Err(error) = reason.check() {
            return self.tell_not_a_discount(&error);
        }
        let price = self.money(minor.max(0));
        self.with_right(Right::OverridePrice, Approved::Price { line, price, reason });
    }

    fn tell_not_a_discount(&mut self, error: &DiscountError) {
        self.tell(match error {
            DiscountError::NoReason | DiscountError::Text => Notice::ReasonNeeded,
            _ => Notice::TooMuchOff,
        });
    }

    pub(super) fn discount_approved(
        &mut self,
        target: AdjustTarget,
        discount: Discount,
        approved_by: Option<Cashier>,
    ) {
        if !matches!(self.at, At::Adjust { target: on } if on == target) {
            return;
        }
        let discount = Some(Discount { approved_by, ..discount });
        self.adjust(|cart| match target {
            AdjustTarget::Line(line) => cart.discount_line(line, discount),
            AdjustTarget::Whole => cart.discount_whole(discount).map(|()| Changed::Only),
        });
    }

    pub(super) fn price_approved(
        &mut self,
        line: u32,
        price: Amount,
        reason: Reason,
        approved_by: Option<Cashier>,
    ) {
        if matches!(self.at, At::Adjust { target: AdjustTarget::Line(on) } if on == line) {
            self.adjust(|cart| cart.override_price(line, price, reason, approved_by));
        }
    }

    pub(super) fn tell_changed(&mut self, changed: Changed) {
        match changed {
            Changed::Only => {}
            Changed::DiscountGone => self.tell(Notice::DiscountGone),
            Changed::PriceGone => self.tell(Notice::PriceGone),
        }
    }

    pub(super) fn adjust_page(&self, target: AdjustTarget) -> AdjustPage {
        let line = match target {
            AdjustTarget::Line(name) => self.cart.line(name),
            AdjustTarget::Whole => None,
        };
        let discount = line.map_or(self.cart.discount(), |line| line.discount.as_ref());
        let note = line.map_or(self.cart.note(), |line| line.note.as_deref());
        AdjustPage {
            target,
            name: line.map_or_else(String::new, |line| line.name.clone()),
            quantity: line.map_or(self.cart.item_count(), |line| line.quantity),
            unit_price_minor: line.map(|line| line.unit_price.minor),
            was_minor: line.and_then(|line| line.price_change.as_ref()).map(|change| change.was.minor),
            discount: discount.map(taken_off),
            before_minor: self.base_of(target).map_or(0, |base| base.minor),
            total_minor: line.map_or(self.cart.total_minor(), net_minor),
            note: note.unwrap_or_default().to_owned(),
        }
    }
}

/// The reason as it fits on a receipt.
fn one_line(reason: &Reason) -> Reason {
    Reason { kind: reason.kind, text: tidy(&reason.text, LONGEST_TEXT) }
}

/// What a line costs before its part of what is taken off the whole.
pub(super) fn net_minor(line: &Line) -> i64 {
    line.net().map_or(line.total.minor, |net| net.minor)
}

pub(super) fn taken_off(discount: &Discount) -> TakenOff {
    TakenOff {
        amount_minor: discount.amount.minor,
        percent: discount.percent.map(Percent::to_text),
        reason: discount.reason.clone(),
    }
}
