//! What is told of scans where no goods are asked for, and a refund that a manager's code approves.

use super::{ask_refund, sale, screen};
use evertill_terminal::view::*;

/// Their screens by name.
pub fn scans() -> [(&'static str, Screen); 4] {
    let told = |notice, screen| Screen { notice: Some(notice), ..screen };
    let mut by_code = ask_refund(true, LockState::CodeOnly, AskedSaid::Nothing);
    if let Page::AskRefund(page) = &mut by_code.page {
        (page.people, page.chosen) = (Vec::new(), None);
    }
    let form = ask_refund(false, LockState::EnterPin, AskedSaid::Nothing);
    let other = Notice::NotInOrder { name: "有机绿茶 Organic green tea, 250 g".into() };
    [
        ("sale_secret_typed", told(Notice::SecretTyped, screen(Page::Sale(sale())))),
        ("fault_scan", told(Notice::ScanAtFault, screen(Page::Fault(FaultPage::DiskFull)))),
        ("ask_refund_code", by_code),
        ("ask_refund_not_in_order", told(other, form)),
    ]
}
