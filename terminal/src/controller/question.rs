//! Questions that a person must answer before anything else.

use super::age::Wanted;
use super::{At, Controller};
use crate::view::{Confirm, Notice};

/// A question on screen and what a yes does.
#[derive(Clone, Debug)]
pub struct Question {
    /// No other has it: an answer names the question that was on screen when it was touched.
    pub number: u32,
    pub shown: Confirm,
    pub yes: Yes,
}

impl Question {
    /// An earlier customer may come back in days, or never: nothing that the till does for itself waits for the answer.
    pub fn may_stand_for_days(&self) -> bool {
        matches!(self.yes, Yes::CashLeft { .. })
    }
}

/// What a yes does.
#[derive(Clone, Debug)]
pub enum Yes {
    VoidSale,
    SetAside { sale: u64 },
    CarryOut { id: String },
    TakeCash { given_minor: i64 },
    CashBack,
    CashLeft { sale: u64 },
    KeepLeft { sale: u64 },
    EndShift,
    OldEnough(Box<Wanted>),
}

impl Controller {
    pub(super) fn ask(&mut self, shown: Confirm, yes: Yes) {
        self.questions = self.questions.wrapping_add(1);
        self.question = Some(Question { number: self.questions, shown, yes });
    }

    /// Somebody has answered. The second touch of a finger that touched twice is no answer to the question after.
    pub(super) fn answer_question(&mut self, number: u32, yes: bool) {
        let Some(question) = self.question.take_if(|question| question.number == number) else { return };
        if !yes && !matches!(question.yes, Yes::OldEnough(_)) {
            return;
        }
        match question.yes {
            Yes::VoidSale => self.void_sale(),
            Yes::SetAside { sale } => self.set_aside(sale),
            Yes::CarryOut { id } => self.carry_out(&id),
            Yes::TakeCash { given_minor } => self.take_cash(given_minor),
            Yes::CashBack => self.give_cash_back(),
            Yes::CashLeft { sale } => self.ask_to_give_left_back(sale),
            Yes::KeepLeft { sale } => self.ask_to_keep_left(sale),
            Yes::EndShift => self.end_shift(),
            Yes::OldEnough(wanted) => self.age_answered(&wanted, yes),
        }
    }

    /// The question on screen is whether an earlier customer's cash goes back, and nobody came for it. That is asked once
    /// more: it ends the sale.
    pub(super) fn nobody_came(&mut self, number: u32) {
        let fits = |asked: &mut Question| asked.number == number && matches!(asked.yes, Yes::CashLeft { .. });
        let Some(Question { yes: Yes::CashLeft { sale }, .. }) = self.question.take_if(fits) else { return };
        let (number, minor) = (self.name_of_left(sale), self.part_of(sale));
        self.ask(Confirm::CashKept { number, minor }, Yes::KeepLeft { sale });
    }

    /// A question whose matter has ended meanwhile is not asked any longer: it would hide how it ended.
    pub(super) fn drop_idle_question(&mut self) {
        let Some(question) = &self.question else { return };
        let stands = match &question.yes {
            Yes::VoidSale | Yes::OldEnough(_) | Yes::CashLeft { .. } | Yes::KeepLeft { .. } => {
                matches!(self.at, At::Sale)
            }
            Yes::SetAside { sale } => self.watches.iter().any(|watch| watch.sale == *sale),
            Yes::CarryOut { id } => self.waits_here(id),
            Yes::TakeCash { .. } | Yes::CashBack => matches!(self.at, At::Cash { .. }),
            Yes::EndShift => matches!(self.at, At::Count { .. }),
        };
        if !stands {
            self.leave_question();
        }
    }

    /// Nobody stands before the question any longer: it is answered with no. Of goods that were in question somebody has to
    /// read it, or the customer takes them along.
    pub(super) fn leave_question(&mut self) {
        let Some(Question { yes: Yes::OldEnough(wanted), .. }) = self.question.take() else { return };
        self.tell(Notice::NotSold { name: wanted.product.name });
        self.notices.keep_for_sale();
    }
}
