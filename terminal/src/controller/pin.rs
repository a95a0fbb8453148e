//! PINs: typed at the lock to say who is there, or for an approval to say who answers for it. Both count wrong ones
//! together, so that neither gives tries that the other has used up.

use super::approval;
use super::{At, Controller};
use crate::view::{LockPerson, LockState, StaffRole};
use evertill_shared::cashier::{PinError, check_pin};
use evertill_shared::protocol::staff::Role;
use evertill_shared::protocol::till_staff::TillPerson;
use evertill_shared::secret::SecretText;

/// Where a PIN is typed.
#[derive(Debug, Default)]
pub struct PinDesk {
    /// Whose PIN is typed.
    pub chosen: Option<String>,
    /// About the last PIN.
    said: Said,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Said {
    #[default]
    Nothing,
    NotAPin,
    Wrong,
}

impl PinDesk {
    /// Nothing typed yet.
    pub fn of(chosen: Option<String>) -> Self {
        Self { chosen, said: Said::Nothing }
    }
}

/// A PIN that is being checked elsewhere. There is one at most: what comes back is about this one.
#[derive(Debug)]
pub struct Checking {
    login: String,
    asked: Asked,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    ByLock,
    ForApproval,
    /// Who asked is gone: a wrong one still counts, a right one opens nothing.
    ByNobody,
}

impl Controller {
    /// Where a PIN is typed now: the lock comes first, and nothing is approved behind it.
    fn desk(&mut self) -> Option<(&mut PinDesk, Asked)> {
        match (&mut self.duty.lock, &mut self.approval) {
            (Some(lock), _) => Some((lock, Asked::ByLock)),
            (None, Some(approval)) => Some((&mut approval.desk, Asked::ForApproval)),
            (None, None) => None,
        }
    }

    pub(super) fn choose_person(&mut self, login: String) {
        if self.is_asking_refund() {
            return self.choose_approver(login);
        }
        let known = self.duty.person(&login).is_some_and(|person| self.may_be_chosen(person));
        if !known || self.is_checking() {
            return;
        }
        if let Some((desk, _)) = self.desk() {
            *desk = PinDesk::of(Some(login));
        }
    }

    /// The PIN is not for this till but for the server.
    fn is_asking_refund(&self) -> bool {
        matches!(self.at, At::AskRefund(_)) && !self.duty.is_locked() && self.approval.is_none()
    }

    fn may_be_chosen(&self, person: &TillPerson) -> bool {
        self.duty.is_locked()
            || self.approval.as_ref().is_none_or(|approval| approval::may_approve(approval.right, person))
    }

    fn is_checking(&self) -> bool {
        self.duty.checking.as_ref().is_some_and(|checking| checking.asked != Asked::ByNobody)
    }

    /// A PIN was typed. Checking it takes a moment, and is done elsewhere.
    pub(super) fn enter_pin(&mut self, pin: SecretText) {
        if self.is_asking_refund() {
            return self.approve_refund(pin);
        }
        let now = self.now.monotonic;
        if self.duty.checking.is_some() {
            return;
        }
        let Some((desk, asked)) = self.desk() else { return };
        let Some(login) = desk.chosen.clone() else { return };
        // They have a card and no PIN: nothing that is typed is theirs.
        let Some(verifier) = self.duty.person(&login).and_then(|person| person.verifier.clone()) else {
            return;
        };
        // What cannot be a PIN is no try. A simple one may be: the server has the word about that.
        let is_pin = check_pin(pin.expose()) != Err(PinError::NotDigits);
        if !self.duty.wrong.wait(&login, now).is_zero() {
            return;
        }
        if let Some((desk, _)) = self.desk() {
            desk.said = if is_pin { Said::Nothing } else { Said::NotAPin };
        }
        if is_pin {
            self.duty.checking = Some(Checking { login: login.clone(), asked });
            self.out.push(super::Command::CheckPin { login, pin, verifier });
        }
    }

    pub(super) fn on_pin_checked(&mut self, login: &str, right: bool) {
        let Some(Checking { asked, .. }) = self.duty.checking.take_if(|checking| checking.login == login)
        else {
            return;
        };
        if !right {
            self.duty.wrong.wrong(login, self.now.monotonic);
            if let Some((desk, now_asked)) = self.desk()
                && now_asked == asked
            {
                desk.said = Said::Wrong;
            }
            return self.out.push(super::Command::KeepWrongPins(self.duty.wrong.counts()));
        }
        if asked != Asked::ByNobody && self.duty.wrong.right(login) {
            self.out.push(super::Command::KeepWrongPins(self.duty.wrong.counts()));
        }
        match asked {
            Asked::ByLock => self.unlocked_by(login),
            Asked::ForApproval => self.approved_by(login),
            Asked::ByNobody => {}
        }
    }

    /// Whoever asked for the check that is under way is gone.
    pub(super) fn forget_check(&mut self) {
        if let Some(checking) = &mut self.duty.checking {
            checking.asked = Asked::ByNobody;
        }
    }

    pub(super) fn pin_state(&self, desk: &PinDesk) -> LockState {
        let Some(login) = &desk.chosen else { return LockState::ChoosePerson };
        let wait = self.duty.wrong.wait(login, self.now.monotonic);
        if self.duty.person(login).is_some_and(|person| !person.has_pin()) {
            return LockState::CardOnly;
        }
        if self.duty.checking.is_some() {
            LockState::Checking
        } else if !wait.is_zero() {
            // A second that has begun is one to wait for.
            LockState::Wait { seconds: wait.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX) }
        } else {
            match desk.said {
                Said::Nothing => LockState::EnterPin,
                Said::NotAPin => LockState::NotAPin,
                Said::Wrong => LockState::Wrong { tries_left: self.duty.wrong.left(login) },
            }
        }
    }
}

/// Somebody as the screen shows them.
pub fn shown(person: &TillPerson) -> LockPerson {
    LockPerson {
        login: person.login.clone(),
        name: person.name.clone(),
        role: match person.role {
            Role::Cashier => StaffRole::Cashier,
            Role::Manager => StaffRole::Manager,
            Role::It => StaffRole::It,
        },
    }
}
