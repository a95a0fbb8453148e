//! Which rights an entry of a journal rests on, so that they can be looked at again by whoever it is handed in to.

use super::Right;
use crate::cashier::Cashier;
use crate::journal::{Body, DrawerReason};
use crate::order::Sale;
use crate::protocol::staff::Role;
use serde::{Deserialize, Serialize};

/// A right that was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// Which.
    pub right: Right,
    /// Who did what needs it; nobody at a till where nobody logs in.
    pub cashier: Option<Cashier>,
    /// Who approved it, if somebody did.
    pub approved_by: Option<Cashier>,
}

impl Used {
    /// Whether one of the two held it, by a list that says everybody's role. Where nobody is named there is nobody whose
    /// right could be looked at: so it is at tills of a store in which nobody logs in. Where people log in (`names_people`) a
    /// till that leaves the names out says nothing of who answers for it.
    #[must_use]
    pub fn was_held(&self, names_people: bool, role_of: impl Fn(&str) -> Option<Role>) -> bool {
        let mut named = self.cashier.iter().chain(&self.approved_by).peekable();
        let holds = |person: &Cashier| role_of(&person.login).is_some_and(|role| self.right.held_by(role));
        if named.peek().is_none() { !names_people } else { named.any(holds) }
    }
}

/// The rights that an entry rests on, each with those who answer for it, once. A refund is not among them: the server lets
/// nobody but managers ask for one, and the till carries out no other.
#[must_use]
pub fn used(body: &Body) -> Vec<Used> {
    let one = |right, cashier: &Option<Cashier>, approved_by: &Option<Cashier>| {
        vec![Used { right, cashier: cashier.clone(), approved_by: approved_by.clone() }]
    };
    match body {
        Body::Sale(sale) => of_sale(sale),
        // To count it the drawer has to be opened: that is a part of the end of a shift.
        Body::DrawerOpened { reason: DrawerReason::Count, cashier, approved_by } => {
            one(Right::CloseShift, cashier, approved_by)
        }
        // The sale opens it; the kick that failed is only given once more.
        Body::DrawerOpened { reason: DrawerReason::DidNotOpen, .. } => Vec::new(),
        Body::DrawerOpened { cashier, approved_by, .. } => one(Right::NoSale, cashier, approved_by),
        Body::CashPaidIn { cashier, approved_by, .. } | Body::CashPaidOut { cashier, approved_by, .. } => {
            one(Right::PayInOut, cashier, approved_by)
        }
        // To the customer of the sale in hand it goes back without a right.
        Body::CashPartBack { later: true, cashier, approved_by, .. }
        | Body::CashPartKept { cashier, approved_by, .. } => one(Right::PayInOut, cashier, approved_by),
        Body::ShiftOpened { cashier, approved_by, .. } => one(Right::OpenShift, cashier, approved_by),
        Body::ShiftClosed(closing) => one(Right::CloseShift, &closing.cashier, &closing.approved_by),
        _ => Vec::new(),
    }
}

/// Whether an entry says who served or approved: its till knows of logging in, and had somebody to name.
#[must_use]
pub fn names_somebody(body: &Body) -> bool {
    match body {
        Body::Sale(sale) => sale.cashier.is_some(),
        Body::ShiftClosed(closing) => closing.cashier.is_some(),
        Body::CashPart { cashier, .. }
        | Body::CashPartBack { cashier, .. }
        | Body::CashPartKept { cashier, .. }
        | Body::CartVoided { cashier, .. }
        | Body::RefundCarriedOut { cashier, .. }
        | Body::CashRefund { cashier, .. }
        | Body::DrawerOpened { cashier, .. }
        | Body::ShiftOpened { cashier, .. }
        | Body::CashPaidIn { cashier, .. }
        | Body::CashPaidOut { cashier, .. } => cashier.is_some(),
        Body::Opened { .. }
        | Body::Adopted { .. }
        | Body::CashTaken { .. }
        | Body::CashRest { .. }
        | Body::PaymentRequested { .. }
        | Body::RestRequested { .. }
        | Body::PaymentSettled { .. }
        | Body::SaleVoided { .. }
        | Body::SaleChanged { .. }
        | Body::RefundSettled { .. } => false,
    }
}

fn of_sale(sale: &Sale) -> Vec<Used> {
    let off = |approved_by: &Option<Cashier>| (Right::Discount, approved_by.clone());
    let whole = sale.discount.iter().map(|discount| off(&discount.approved_by));
    let lines = sale.lines.iter().flat_map(|line| {
        let discount = line.discount.iter().map(|discount| off(&discount.approved_by));
        let price = line.price_change.iter().map(|price| (Right::OverridePrice, price.approved_by.clone()));
        discount.chain(price)
    });
    let mut all: Vec<Used> = Vec::new();
    for (right, approved_by) in whole.chain(lines) {
        let used = Used { right, cashier: sale.cashier.clone(), approved_by };
        if !all.contains(&used) {
            all.push(used);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::money::{Amount, Currency};
    use crate::order::discount::{Discount, Off, Percent, Reason, ReasonKind};
    use crate::order::line::{Line, TaxRate};

    fn person(login: &str) -> Option<Cashier> {
        Some(Cashier { login: login.into(), name: login.into() })
    }

    fn roles(login: &str) -> Option<Role> {
        match login {
            "mei" => Some(Role::Cashier),
            "li" => Some(Role::Manager),
            "max" => Some(Role::It),
            _ => None,
        }
    }

    #[test]
    fn a_right_was_held_by_who_did_it_or_by_who_approved_it() {
        let used = |right, cashier, approved_by| Used { right, cashier, approved_by };
        let held = |right, cashier, approved_by| {
            let used = used(right, cashier, approved_by);
            assert!(used.cashier.is_none() || used.was_held(true, roles) == used.was_held(false, roles));
            used.was_held(false, roles)
        };
        assert!(held(Right::PayInOut, person("li"), None));
        assert!(held(Right::PayInOut, person("mei"), person("li")));
        assert!(!held(Right::PayInOut, person("mei"), None));
        assert!(!held(Right::PayInOut, person("mei"), person("max")), "IT moves no money");
        assert!(!held(Right::PayInOut, person("stranger"), None));
        assert!(held(Right::OpenShift, person("mei"), None), "cashiers begin shifts");
        assert!(held(Right::NoSale, None, None), "nobody logs in there");
        assert!(!used(Right::NoSale, None, None).was_held(true, roles), "somebody does");
        assert!(used(Right::NoSale, None, person("li")).was_held(true, roles));
    }

    #[test]
    fn a_cash_part_that_goes_back_after_its_sale_was_left_rests_on_the_right_to_take_money_out() {
        let amount = Amount::new(200, Currency::CNY);
        let (cashier, approved_by) = (person("mei"), person("li"));
        let back = |later| Body::CashPartBack {
            sale: 2,
            amount,
            later,
            cashier: cashier.clone(),
            approved_by: approved_by.clone(),
        };
        let pays_out = Used { right: Right::PayInOut, cashier: person("mei"), approved_by: person("li") };
        assert_eq!((used(&back(false)), used(&back(true))), (vec![], vec![pays_out.clone()]));
        let kept = Body::CashPartKept { sale: 2, amount, cashier, approved_by };
        assert_eq!(used(&kept), [pays_out], "nor does anybody else say that nobody came for it");
    }

    #[test]
    fn a_sale_rests_on_a_right_for_each_who_allowed_something() {
        let price = Amount::new(1_000, Currency::CNY);
        let reason = || Reason::usual(ReasonKind::Damaged);
        let off = |by| Discount::new(Off::Percent(Percent(1_000)), price, reason(), by).unwrap();
        let line = |by: Option<Option<Cashier>>| Line {
            discount: by.map(off),
            ..Line::new("tea".into(), "Tea".into(), 1, price, TaxRate(0)).unwrap()
        };
        let sale = Sale {
            store: 7_u32.try_into().unwrap(),
            at: Timestamp(0),
            lines: vec![line(None), line(Some(person("li"))), line(Some(person("li"))), line(Some(None))],
            total: price,
            tax: Amount::zero(Currency::CNY),
            cashier: person("mei"),
            discount: None,
            note: None,
            lines_voided: 0,
            age: None,
        };
        let by = |approved_by| Used { right: Right::Discount, cashier: person("mei"), approved_by };
        assert_eq!(used(&Body::Sale(sale)), [by(person("li")), by(None)]);
        let count =
            Body::DrawerOpened { reason: DrawerReason::Count, cashier: person("mei"), approved_by: None };
        let closes = Used { right: Right::CloseShift, cashier: person("mei"), approved_by: None };
        assert_eq!(used(&count), [closes], "it belongs to the end of the shift");
    }
}
