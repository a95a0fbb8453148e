//! The locked till, and approvals. The digits of a PIN stay in here: the screen knows only how many there are.

use super::generated::{
    Approval, Lock, LockKind, MainWindow, PersonData, RightKind, StaffKind, Till, UnderWayKind,
};
use super::money::format_amount;
use super::status::whole;
use super::{Act, list, payment};
use crate::view::{
    ApprovalPage, LockPage, LockPerson, LockState, MoneyStyle, StaffRole, UnderWay, UserAction,
};
use evertill_shared::rights::Right;
use evertill_shared::secret::SecretText;
use slint::ComponentHandle;
use std::cell::RefCell;
use std::rc::Rc;
use zeroize::Zeroizing;

/// More is no PIN of anybody: a barcode that a scanner types like a keyboard. It is taken, so that it is told from one.
const MOST_TYPED: usize = 32;

/// The digits that were typed. Room for all of them from the start: none is left behind in memory when it grows.
type Typed = Rc<RefCell<Zeroizing<String>>>;

pub fn connect(window: &MainWindow, act: &Act) {
    let till = window.global::<Till>();
    let send = act.clone();
    till.on_lock(move || send(UserAction::Lock));
    let typed: Typed = Rc::new(RefCell::new(Zeroizing::new(String::with_capacity(MOST_TYPED))));
    let lock = window.global::<Lock>();
    let (send, weak, digits) = (act.clone(), window.as_weak(), Rc::clone(&typed));
    lock.on_choose(move |login| {
        digits.borrow_mut().clear();
        show_length(&weak, &digits);
        send(UserAction::ChoosePerson { login: login.into() });
    });
    let (weak, digits) = (window.as_weak(), Rc::clone(&typed));
    lock.on_key(move |key| {
        press(&mut digits.borrow_mut(), &key);
        show_length(&weak, &digits);
    });
    let (send, weak, digits) = (act.clone(), window.as_weak(), Rc::clone(&typed));
    lock.on_submit(move || {
        if digits.borrow().is_empty() {
            return;
        }
        let pin = SecretText::new(digits.borrow().to_string());
        digits.borrow_mut().clear();
        show_length(&weak, &digits);
        send(UserAction::Unlock { pin });
    });
    let weak = window.as_weak();
    lock.on_forget(move || {
        typed.borrow_mut().clear();
        show_length(&weak, &typed);
    });
}

fn press(typed: &mut String, key: &str) {
    match key {
        "back" => drop(typed.pop()),
        "clear" => typed.clear(),
        digit
            if digit.len() == 1 && digit.bytes().all(|b| b.is_ascii_digit()) && typed.len() < MOST_TYPED =>
        {
            typed.push_str(digit);
        }
        _ => {}
    }
}

fn show_length(window: &slint::Weak<MainWindow>, typed: &Typed) {
    if let Some(window) = window.upgrade() {
        window.global::<Lock>().set_length(whole(typed.borrow().len()));
    }
}

pub fn show(window: &MainWindow, page: &LockPage, money: &MoneyStyle, fresh: bool) {
    show_pin(window, &page.people, page.chosen.as_deref(), page.state, fresh);
    let lock = window.global::<Lock>();
    lock.set_cards(page.cards);
    match &page.under_way {
        None => lock.set_under_way(UnderWayKind::Nothing),
        Some(UnderWay::Sale { item_count, total_minor }) => {
            lock.set_total(format_amount(*total_minor, money).into());
            lock.set_items(whole(*item_count));
            lock.set_under_way(UnderWayKind::Sale);
        }
        Some(UnderWay::Payment(page)) => {
            payment::show(window, page, money);
            lock.set_under_way(UnderWayKind::Payment);
        }
        Some(UnderWay::Paid(page)) => {
            payment::show_done(window, page, money);
            lock.set_under_way(UnderWayKind::Paid);
        }
    }
}

/// An approval that is asked for.
pub fn show_approval(window: &MainWindow, page: &ApprovalPage, money: &MoneyStyle, fresh: bool) {
    show_pin(window, &page.people, page.chosen.as_deref(), page.state, fresh);
    let approval = window.global::<Approval>();
    approval.set_right(match page.right {
        Right::Discount => RightKind::Discount,
        Right::OverridePrice => RightKind::OverridePrice,
        Right::Refund => RightKind::Refund,
        Right::NoSale => RightKind::NoSale,
        Right::PayInOut => RightKind::PayInOut,
        Right::OpenShift => RightKind::OpenShift,
        Right::CloseShift => RightKind::CloseShift,
        Right::ReadShift => RightKind::ReadShift,
        Right::SetUp => RightKind::SetUp,
        Right::LeaveKiosk => RightKind::LeaveKiosk,
        Right::Train => RightKind::Train,
    });
    let amount = page.amount_minor.map(|minor| format_amount(minor, money)).unwrap_or_default();
    approval.set_amount(amount.into());
}

pub fn show_pin(
    window: &MainWindow,
    people: &[LockPerson],
    chosen: Option<&str>,
    state: LockState,
    fresh: bool,
) {
    let lock = window.global::<Lock>();
    if fresh {
        // What somebody typed before the page was last left is nobody's PIN now.
        lock.invoke_forget();
    }
    if let Some(people) = list::update(&lock.get_people(), people.iter().map(person).collect()) {
        lock.set_people(people);
    }
    lock.set_chosen(chosen.unwrap_or_default().into());
    let (kind, count) = match state {
        LockState::ChoosePerson => (LockKind::Choose, 0),
        LockState::EnterPin => (LockKind::Enter, 0),
        LockState::CardOnly => (LockKind::CardOnly, 0),
        LockState::CodeOnly => (LockKind::CodeOnly, 0),
        LockState::Checking => (LockKind::Checking, 0),
        LockState::NotAPin => (LockKind::NotAPin, 0),
        LockState::Wrong { tries_left } => (LockKind::Wrong, whole(tries_left)),
        LockState::Wait { seconds } => (LockKind::Wait, whole(seconds)),
    };
    lock.set_count(count);
    lock.set_state(kind);
}

fn person(person: &LockPerson) -> PersonData {
    PersonData {
        login: person.login.as_str().into(),
        name: person.name.as_str().into(),
        role: match person.role {
            StaffRole::Cashier => StaffKind::Cashier,
            StaffRole::Manager => StaffKind::Manager,
            StaffRole::It => StaffKind::It,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digits_are_typed_and_a_barcode_stays_too_long_for_a_pin() {
        let mut typed = String::new();
        for key in ["4", "x", "", "ab", "7", "é", "back", "1", "1", "\t"] {
            press(&mut typed, key);
        }
        assert_eq!(typed, "411");
        press(&mut typed, "clear");
        (0..40).for_each(|_| press(&mut typed, "9"));
        assert_eq!(typed.len(), MOST_TYPED);
    }
}
