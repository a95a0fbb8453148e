//! Staff cards: one scan says who is there. At the lock it logs in; on a page where nobody is asked for anything it lets one
//! cashier take over from another, by the rules of the lock. Nothing is approved by it: cards are lent, and found. What was
//! scanned is compared by its mark, shown nowhere and kept nowhere.

use super::{At, Controller};
use crate::view::Notice;
use evertill_hardware::label::Label;
use evertill_shared::staff_card::{CardCode, CardMark, NotACard};

/// The card that a scan is, if it is one, or part of one. A scanner that marks its codes otherwise than it is set up loses a
/// letter of the code, or puts one in front: as it came counts then.
pub(super) fn read_card(raw: &str, label: &Label) -> Result<CardCode, NotACard> {
    match (CardCode::read(label.text.expose()), CardCode::read(raw)) {
        (Ok(card), _) | (_, Ok(card)) => Ok(card),
        (Err(NotACard::Other), Err(NotACard::Other)) => Err(NotACard::Other),
        _ => Err(NotACard::Damaged),
    }
}

impl Controller {
    /// A staff card was scanned, or what is left of one.
    pub(super) fn scan_card(&mut self, card: Result<CardCode, NotACard>) {
        let locked = self.duty.is_locked();
        if self.journal.is_none() {
            return self.tell(Notice::ScanNotUsed);
        }
        if !locked && (self.approval.is_some() || matches!(self.at, At::AskRefund(_))) {
            return self.tell(Notice::CardApprovesNothing);
        }
        let Ok(card) = card else { return self.tell(Notice::CardUnreadable) };
        let mark = card.mark();
        let carrier = self.duty.people().iter().find(|person| person.card.as_ref() == Some(&mark));
        let Some(carrier) = carrier.map(evertill_shared::protocol::till_staff::TillPerson::cashier) else {
            tracing::info!("a staff card was scanned that nobody here has");
            return self.tell(Notice::CardUnknown);
        };
        if locked {
            self.notices.over();
            return self.logged_in_by(&carrier.login, mark);
        }
        if self.cashier().is_none_or(|on| on.login != carrier.login) {
            if self.question.is_some() || !self.may_change_hands() {
                return self.tell(Notice::CardNotNow);
            }
            self.lock(None);
            self.logged_in_by(&carrier.login, mark);
        }
        self.tell(Notice::LoggedIn { name: carrier.name });
    }

    /// Somebody's PIN that is just being checked opens nothing any more; nor are wrong ones forgotten, which whoever has a
    /// card could go on guessing by.
    fn logged_in_by(&mut self, login: &str, mark: CardMark) {
        self.forget_check();
        self.unlocked_by(login);
        self.duty.by_card = Some(mark);
    }

    /// Nothing is being asked, typed, counted or paid that a card before the scanner must not take out of somebody's hands.
    /// Whoever wants to take over there locks the till first.
    fn may_change_hands(&self) -> bool {
        match self.at {
            At::Sale
            | At::Done { .. }
            | At::Held
            | At::Refunds
            | At::Orders
            | At::Order { .. }
            | At::About
            | At::Day { .. }
            | At::Drawer
            | At::Shift
            | At::Report { .. } => true,
            At::Starting
            | At::Enrol(_)
            | At::AwaitCode { .. }
            | At::Cash { .. }
            | At::Payment { .. }
            | At::Ended { .. }
            | At::Adjust { .. }
            | At::Serial(_)
            | At::AskRefund(_)
            | At::Scanners
            | At::DrawerAmount(_)
            | At::Count { .. } => false,
        }
    }
}
