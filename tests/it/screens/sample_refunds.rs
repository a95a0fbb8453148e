//! Refunds that this till carries out, and what is told of them.

use super::{refund, sale, screen};
use evertill_shared::id::RefundId;
use evertill_terminal::view::*;

const ORDER: &str = "202611201405123456781792";

/// Their screens by name.
pub fn refunds() -> [(&'static str, Screen); 3] {
    let items = vec![
        refund("81", false, RefundState::Waiting),
        refund("82", true, RefundState::Done),
        refund("83", false, RefundState::Unknown),
        refund("84", false, RefundState::Refused(RefundRefusal::OtherDay)),
    ];
    let ask = Confirm::CarryOutRefund { order_number: ORDER.into(), amount_minor: 12_900, cash: true };
    let none = screen(Page::Refunds(RefundsPage::default()));
    let to_pay = Notice::RefundToPayOut {
        refund: RefundId("82".into()),
        order_number: ORDER.into(),
        amount_minor: 12_900,
    };
    [
        ("refunds", screen(Page::Refunds(RefundsPage { items }))),
        ("refunds_confirm", Screen { confirm: Some(ask), ..none }),
        ("sale_refund_to_pay_out", Screen { notice: Some(to_pay), ..screen(Page::Sale(sale())) }),
    ]
}
