//! What a cashier does with cash, and with a part of it.

use super::{Cashier, Doing, PATIENCE};
use evertill_terminal::view::{CashBalance, CashPage, CashRest, Confirm, UserAction as Act};
use std::time::Duration;

impl Cashier {
    /// Yes; but of the cash of an earlier customer, whom nobody remembers, some say that nobody came for it.
    pub(super) fn at_question(&mut self, asked: &Confirm, question: u32) -> Act {
        match asked {
            Confirm::CashLeft { .. } if self.wishes.below(3) == 0 => Act::NobodyCame { question },
            _ => Act::Confirm { question, yes: true },
        }
    }

    /// Cash is taken: all of it, or a part before the phone.
    pub(super) fn at_cash(&mut self, page: &CashPage, now: Duration) -> Doing {
        let Some(sale) = &mut self.serving else {
            // Whose it was, nobody knows. A part goes back before the sale is left.
            return Doing::Touch(match page.part_minor {
                0 => self.all_in_cash(page),
                _ => Act::CashBack,
            });
        };
        let wanted = match sale.part_percent {
            _ if sale.cash => return Doing::Touch(self.all_in_cash(page)),
            None if page.part_minor > 0 => return Doing::Touch(Act::CashBack),
            None => return Doing::Touch(self.all_in_cash(page)),
            Some(_) if page.part_minor > 0 => 0,
            Some(percent) => (page.total_minor * i64::from(percent) / 100).max(1),
        };
        if page.given_minor != wanted {
            return Doing::Touch(Act::CashGiven { minor: wanted });
        }
        match page.rest {
            CashRest::ByWallet => Doing::Touch(Act::CashPart),
            CashRest::NotNow | CashRest::GiveFirst if now >= self.since + PATIENCE => {
                sale.cash = true;
                Doing::Touch(self.all_in_cash(page))
            }
            CashRest::NotNow | CashRest::GiveFirst => Doing::Nothing,
        }
    }

    fn all_in_cash(&mut self, page: &CashPage) -> Act {
        match page.balance {
            CashBalance::Missing { .. } => {
                let more = i64::try_from(self.chance.below(2_000)).unwrap_or(0);
                Act::CashGiven { minor: page.total_minor + more }
            }
            CashBalance::Change { .. } => Act::CashConfirm,
        }
    }
}
